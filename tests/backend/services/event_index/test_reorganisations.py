"""The chain takes blocks back; the index follows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.adapters.database import events as event_store
from backend.adapters.database.events import SqlEventStore
from backend.domain import BlockRef, Verdict
from backend.errors import ChainUnavailable
from backend.services.event_index import EventIndex
from tests.backend.services.event_index.conftest import Node, indexed, opened, rows_of
from tests.backend.services.event_index.test_catching_up import Recording


def test_records_of_blocks_that_were_taken_back_are_replaced(node: Node, index: EventIndex) -> None:
    node.register(2)
    node.diagnose()
    snapshot = node.rpc("evm_snapshot")
    node.register(2)
    node.diagnose()
    index.sync()
    node.rpc("evm_revert", snapshot)
    node.register(3)
    node.diagnose()
    index.sync()
    assert indexed(index) == node.recorded()


def test_reviews_of_blocks_that_were_taken_back_are_replaced(node: Node, index: EventIndex) -> None:
    image_id = node.diagnose()
    node.review(Verdict.CONFIRMED)
    snapshot = node.rpc("evm_snapshot")
    node.review(Verdict.OVERRIDDEN, label=2)
    node.review(Verdict.WITHDRAWN, label=0)
    index.sync()
    assert status_of(index, image_id) == "withdrawn"
    node.rpc("evm_revert", snapshot)
    node.rpc("evm_mine")
    index.sync()
    assert status_of(index, image_id) == "confirmed"
    node.review(Verdict.OVERRIDDEN, label=3)
    index.sync()
    assert status_of(index, image_id) == "overridden"
    assert indexed(index) == node.recorded()


def test_models_of_blocks_that_were_taken_back_are_replaced(node: Node, index: EventIndex, file: Path) -> None:
    snapshot = node.rpc("evm_snapshot")
    gone = node.model()
    index.sync()
    node.rpc("evm_revert", snapshot)
    kept = node.model()
    index.sync()
    rows = rows_of(file)
    for table in ("model_registrations", "model_retirements", "trainings"):
        assert [kept in row for row in rows[table]].count(True) == 1
        assert not any(gone in row for row in rows[table])


def test_records_vanish_when_a_development_chain_only_becomes_shorter(node: Node, index: EventIndex) -> None:
    node.register()
    snapshot = node.rpc("evm_snapshot")
    node.register(2)
    index.sync()
    gone = indexed(index)[0].image.image_id
    node.rpc("evm_revert", snapshot)
    assert index.lookup(gone) is None
    assert indexed(index) == node.recorded()


@pytest.mark.parametrize("behind", [1, 2, 1000])
def test_a_node_that_is_behind_takes_nothing_back(node: Node, events: SqlEventStore, behind: int) -> None:
    index = EventIndex(chain := _Live(node.chain), events)
    node.register()
    index.sync()
    node.register(2)
    index.sync()
    before = indexed(index)
    chain.behind = behind
    assert not index.sync()
    assert not index.status().synced
    assert indexed(index) == before == node.recorded()
    assert index.lookup(before[0].image.image_id) == before[0]
    with pytest.raises(ChainUnavailable):
        index.lookup("0x" + "00" * 32)
    chain.behind, chain.ranges = 0, []
    assert index.sync()
    assert chain.ranges == []


def test_a_shorter_chain_with_other_blocks_is_a_reorganisation(node: Node, events: SqlEventStore) -> None:
    index = EventIndex(_Live(node.chain), events)
    snapshot = node.rpc("evm_snapshot")
    for _ in range(3):
        node.register()
        index.sync()
    node.rpc("evm_revert", snapshot)
    node.diagnose()
    assert index.sync()
    assert indexed(index) == node.recorded()


def test_blocks_below_the_common_ancestor_are_not_read_again(node: Node, events: SqlEventStore) -> None:
    index = EventIndex(chain := Recording(node.chain), events)
    node.register(3)
    index.sync()
    ancestor = node.chain.head().number
    snapshot = node.rpc("evm_snapshot")
    node.register(2)
    index.sync()
    node.rpc("evm_revert", snapshot)
    node.register(1)
    chain.ranges.clear()
    index.sync()
    assert chain.ranges == [(ancestor + 1, ancestor + 1)]


def test_a_reorganisation_while_the_process_was_down_is_found(node: Node, events: SqlEventStore) -> None:
    snapshot = node.rpc("evm_snapshot")
    node.register(2)
    EventIndex(node.chain, events).sync()
    node.rpc("evm_revert", snapshot)
    node.register(5)
    restarted = EventIndex(node.chain, events)
    restarted.sync()
    assert indexed(restarted) == node.recorded()


def test_a_reorganisation_deeper_than_all_checkpoints_is_read_from_the_start(
    node: Node, events: SqlEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "KEPT_CHECKPOINTS", 2)
    index = EventIndex(node.chain, events)
    snapshot = node.rpc("evm_snapshot")
    for _ in range(4):
        node.register()
        index.sync()
    node.rpc("evm_revert", snapshot)
    node.register(4)
    index.sync()
    assert indexed(index) == node.recorded()


@pytest.mark.parametrize("calls", range(1, 6))
def test_a_reorganisation_in_the_middle_of_a_sync_leaves_nothing_wrong(
    node: Node, events: SqlEventStore, calls: int
) -> None:
    """Whatever request the blocks change after, the next sync at the latest has the truth."""
    node.register()
    snapshot = node.rpc("evm_snapshot")
    node.register(2)
    EventIndex(node.chain, events).sync()
    node.register()
    index = EventIndex(chain := _Shaken(node, calls, snapshot), events)
    index.sync()
    chain.shake()
    index.sync()
    assert indexed(index) == node.recorded()


def test_any_sequence_of_mining_and_rewinding_ends_with_the_truth(
    node: Node, index: EventIndex, file: Path, tmp_path: Path
) -> None:
    """Which is what an index that is built anew holds, row by row."""
    choose = random.Random(7)
    snapshots: list[object] = []
    node.diagnose()
    for _ in range(50):
        step = choose.choice(["register", "diagnose", "review", "model", "snapshot", "revert", "sync", "mine"])
        if step == "register":
            node.register()
        elif step == "diagnose":
            node.diagnose()
        elif step == "review":
            verdict, label = choose.choice([(Verdict.CONFIRMED, 1), (Verdict.OVERRIDDEN, 2), (Verdict.WITHDRAWN, 0)])
            node.review(verdict, label=label)
        elif step == "model":
            node.model()
            node.report()
        elif step == "snapshot":
            snapshots.append(node.rpc("evm_snapshot"))
        elif step == "revert" and snapshots:
            at = choose.randrange(len(snapshots))
            node.rpc("evm_revert", snapshots[at])
            del snapshots[at:]
        elif step == "mine":
            node.rpc("evm_mine")
        elif step == "sync":
            index.sync()
            assert indexed(index) == node.recorded()
    index.sync()
    assert indexed(index) == node.recorded()
    with opened(tmp_path / "anew.db") as anew:
        assert EventIndex(node.chain, anew, range_blocks=7).sync()
    rows = rows_of(file)
    assert rows == rows_of(tmp_path / "anew.db")
    assert all(rows.values())


@pytest.mark.parametrize("node", ["anvil"], indirect=True)
def test_anvils_own_reorganisation(node: Node, index: EventIndex) -> None:
    node.register(5)
    index.sync()
    node.rpc("anvil_reorg", 3, [])
    index.sync()
    assert indexed(index) == node.recorded()
    node.register(2)
    index.sync()
    assert indexed(index) == node.recorded()


def status_of(index: EventIndex, image_id: str) -> str:
    record = index.lookup(image_id)
    return record.status_of(record.diagnoses[0])


class _Live(Recording):
    """A chain with value, read through a node that can fall behind by a number of blocks."""

    development = False
    behind = 0

    def head(self) -> BlockRef:
        newest = self._chain.head().number
        (block,) = self._chain.blocks([max(newest - self.behind, 0)])
        return block

    def blocks(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        head = self.head().number
        return [
            block if number <= head else None
            for number, block in zip(numbers, self._chain.blocks(numbers), strict=True)
        ]


class _Shaken:
    """A chain whose newest blocks change, and become more, after a number of requests."""

    def __init__(self, node: Node, calls: int, snapshot: object) -> None:
        self._node = node
        self._calls = calls
        self._snapshot = snapshot

    def __getattr__(self, name: str):
        value = getattr(self._node.chain, name)
        if not callable(value):
            return value

        def call(*arguments):
            answer = value(*arguments)
            self._calls -= 1
            if self._calls == 0:
                self.shake()
            return answer

        return call

    def shake(self) -> None:
        """Change the blocks, if that did not happen yet."""
        if self._snapshot is not None:
            snapshot, self._snapshot = self._snapshot, None
            self._node.rpc("evm_revert", snapshot)
            self._node.register(5)
