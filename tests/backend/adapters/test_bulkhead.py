"""A slow or dead dependency takes few callers, and then none."""

from __future__ import annotations

import threading

import pytest

from backend.adapters.bulkhead import FAILURES, Bulkhead, guarded
from backend.errors import ChainUnavailable, NotFound


class Node:
    contract = "0x1"

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False
        self.hangs = threading.Event()
        self.hangs.set()

    def head(self, number: int = 1) -> int:
        self.asked += 1
        assert self.hangs.wait(30)
        if self.fails:
            raise ChainUnavailable("the node did not answer in time")
        return number

    def find(self) -> None:
        raise NotFound("nothing there")

    def image_id(self) -> str:
        return "computed"


def test_what_is_called_and_read_is_the_part_itself() -> None:
    node = guarded(Node(), Bulkhead("the node", slots=1, failure=ChainUnavailable))
    assert (node.contract, node.head(number=3)) == ("0x1", 3)


def test_a_full_bulkhead_refuses_the_next_caller_and_not_what_asks_nobody() -> None:
    part = Node()
    bulkhead = Bulkhead("the node", slots=2, failure=ChainUnavailable, wait_s=0.1)
    node = guarded(part, bulkhead, local=frozenset({"image_id"}))
    part.hangs.clear()
    callers = [threading.Thread(target=node.head) for _ in range(2)]
    for caller in callers:
        caller.start()
    while part.asked < 2:
        pass
    with pytest.raises(ChainUnavailable, match=r"^the node is slow, and other requests wait"):
        node.head()
    assert node.image_id() == "computed"
    part.hangs.set()
    for caller in callers:
        caller.join()
    assert node.head() == 1


def test_after_failures_in_a_row_the_part_is_asked_once_in_a_while() -> None:
    now = [0.0]
    part = Node()
    node = guarded(part, Bulkhead("the node", slots=1, failure=ChainUnavailable, pause_s=5, clock=lambda: now[0]))
    part.fails = True
    for _ in range(FAILURES):
        with pytest.raises(ChainUnavailable, match=r"^the node did not answer in time$"):
            node.head()
    with pytest.raises(ChainUnavailable, match=r"^the node did not answer in time \(it is not asked again at once\)$"):
        node.head()
    assert part.asked == FAILURES

    now[0] = 6
    with pytest.raises(ChainUnavailable, match=r"^the node did not answer in time$"):
        node.head()
    with pytest.raises(ChainUnavailable, match=r"not asked again"):
        node.head()
    assert part.asked == FAILURES + 1

    now[0] = 12
    part.fails = False
    assert [node.head(), node.head()] == [1, 1]


def test_other_errors_are_no_failures_of_the_part() -> None:
    node = guarded(Node(), Bulkhead("the node", slots=1, failure=ChainUnavailable))
    for _ in range(2 * FAILURES):
        with pytest.raises(NotFound):
            node.find()
    assert node.head() == 1


def test_a_success_between_failures_keeps_it_open() -> None:
    part = Node()
    node = guarded(part, Bulkhead("the node", slots=1, failure=ChainUnavailable))
    for _ in range(3):
        part.fails = True
        for _ in range(FAILURES - 1):
            with pytest.raises(ChainUnavailable, match=r"in time$"):
                node.head()
        part.fails = False
        assert node.head() == 1
