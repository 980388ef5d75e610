"""Nodes that are down, chains that were wiped, and the thread that outlives both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.adapters.database.events import SqlEventStore
from backend.errors import ChainUnavailable, WrongChain
from backend.processes import free_port
from backend.services.event_index import EventIndex
from backend.services.index_thread import IndexThread
from tests.backend.services.event_index.conftest import indexed, running_node


@pytest.fixture(params=["ganache", "anvil"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_records_of_a_wiped_chain_are_not_shown_for_the_new_one(
    kind: str, events: SqlEventStore, tmp_path: Path
) -> None:
    """The new chain has the same id, and deployment puts the contract at the same address."""
    with running_node(kind, tmp_path / "old", free_port()) as old:
        old.register(3)
        EventIndex(old.chain, events).sync()
    with running_node(kind, tmp_path / "new", free_port()) as new:
        assert new.chain.contract == old.chain.contract
        new.register(1)
        index = EventIndex(new.chain, events)
        index.sync()
        assert indexed(index) == new.recorded()


def test_a_node_that_dies_and_comes_back(kind: str, events: SqlEventStore, tmp_path: Path) -> None:
    port = free_port()
    with running_node(kind, tmp_path, port) as node:
        node.register()
        index = EventIndex(node.chain, events)
        index.sync()
        known = indexed(index)
    with pytest.raises(ChainUnavailable):
        index.sync()
    assert not index.status().synced
    assert indexed(index) == known
    assert index.lookup(known[0].image.image_id).image.image_id == known[0].image.image_id
    with pytest.raises(ChainUnavailable):
        index.lookup("0x" + "00" * 32)
    with running_node(kind, tmp_path, port) as node:
        node.register()
        index.sync()
        assert indexed(index) == node.recorded()
        assert len(indexed(index)) == 2


def test_without_its_node_a_restarted_process_still_shows_what_it_knew(events: SqlEventStore, tmp_path: Path) -> None:
    with running_node("anvil", tmp_path, free_port()) as node:
        node.register(2)
        EventIndex(node.chain, events).sync()
    assert len(indexed(EventIndex(node.chain, events))) == 2


def test_another_chain_behind_the_address_is_refused(events: SqlEventStore, tmp_path: Path) -> None:
    port = free_port()
    with running_node("ganache", tmp_path / "ganache", port) as node:
        node.register()
        index = EventIndex(node.chain, events)
        index.sync()
    with pytest.raises(ChainUnavailable):
        index.sync()
    with running_node("anvil", tmp_path / "anvil", port), pytest.raises(WrongChain):
        index.sync()
    assert len(indexed(index)) == 1


def test_the_thread_lives_on_and_logs_trouble_once(
    events: SqlEventStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def logged() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == IndexThread.__module__]

    port = free_port()
    with running_node("anvil", tmp_path, port) as node:
        index = EventIndex(node.chain, events)
        thread = IndexThread(index, interval_s=0.02)
        thread.start()
        node.register()
        until(lambda: len(indexed(index)) == 1)
    until(lambda: len(logged()) == 1)
    time.sleep(0.2)
    with running_node("anvil", tmp_path, port) as node:
        node.register()
        until(lambda: len(indexed(index)) == 2)
        until(lambda: len(logged()) == 2)
        thread.stop()
    assert logged() == [
        "the index of the chain cannot be updated: ChainUnavailable: the node cannot be reached (ConnectionError)",
        "the index of the chain is updated again",
    ]


def test_the_thread_survives_errors_of_any_kind(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[None] = []

    class Broken:
        def sync(self) -> None:
            calls.append(None)
            raise ZeroDivisionError("by zero")

    thread = IndexThread(Broken(), interval_s=0.001)
    thread.start()
    until(lambda: len(calls) > 3)
    thread.stop()
    assert [m for m in caplog.messages if "by zero" in m] == [
        "the index of the chain cannot be updated: ZeroDivisionError: by zero"
    ]


def test_a_request_does_not_wait_for_a_long_catching_up(
    events: SqlEventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.services.event_index.LOCK_TIMEOUT_S", 0.05)
    with running_node("anvil", tmp_path, free_port()) as node:
        reading, go_on = threading.Event(), threading.Event()

        class Slow:
            def __getattr__(self, name: str):
                return getattr(node.chain, name)

            def read(self, first: int, last: int):
                reading.set()
                assert go_on.wait(20)
                return node.chain.read(first, last)

        index = EventIndex(Slow(), events)
        worker = threading.Thread(target=index.sync)
        worker.start()
        assert reading.wait(20)
        with pytest.raises(ChainUnavailable, match=r"^the records are still being read from the chain: try again in a"):
            index.lookup("0x" + "00" * 32)
        go_on.set()
        worker.join()
        assert index.lookup("0x" + "00" * 32) is None
        assert index.status().synced


def test_while_the_node_hangs_nothing_is_said_to_be_absent(
    events: SqlEventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that was current a moment ago does not know what was mined since."""
    monkeypatch.setattr("backend.services.event_index.LOCK_TIMEOUT_S", 0.05)
    with running_node("anvil", tmp_path, free_port()) as node:
        asked, go_on = threading.Event(), threading.Event()

        class Hanging:
            def __getattr__(self, name: str):
                return getattr(node.chain, name)

            def head(self):
                asked.set()
                assert go_on.wait(20)
                return node.chain.head()

        index = EventIndex(Hanging(), events)
        go_on.set()
        assert index.sync()
        node.register()
        new = node.recorded()[0].image.image_id
        asked.clear()
        go_on.clear()
        worker = threading.Thread(target=index.sync)
        worker.start()
        assert asked.wait(20)
        for _ in range(2):
            with pytest.raises(ChainUnavailable):
                index.lookup(new)
        assert not index.status().synced
        go_on.set()
        worker.join()
        assert index.lookup(new).image.image_id == new


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.01)
