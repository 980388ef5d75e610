"""Compares the index with the chain, and makes it anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from backend.domain import (
    Checkpoint,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    ImageRegisteredEvent,
    IndexedEvent,
    position,
)
from backend.errors import ChainUnavailable
from backend.ports import Chain, EventStore
from backend.services.event_index import EventIndex, ranges, read_range

MAX_SHOWN = 20
_LAST_BLOCK = 2**62
_ADDRESS_CHARACTERS = 42
_IDS_AT_ONCE = 500
_ATTEMPTS = 20
_RETRY_S = 0.5
Progress = Callable[[int, int], None]
"""Is given the newest block that was read, and the last one to read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``block`` is None for a difference that has no block of its own."""

    block: int | None
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class IndexComparison:
    """``differences`` are the first MAX_SHOWN of ``different``."""

    checkpoint: Checkpoint
    checkpoints: int
    events: int
    records: int
    different: int
    differences: tuple[Difference, ...]


class IndexCheck:
    def __init__(self, chain: Chain, events: EventStore, index: EventIndex) -> None:
        self._chain = chain
        self._events = events
        self._index = index
        self._ledger = events.ledger(chain.chain_id, chain.contract)

    def compare(self, progress: Progress) -> IndexComparison:
        """Bring the index up to date, read every event from the chain again, proven complete, and compare.

        The chain's own state is compared too: the number of diagnoses of each image, and the newest review of each
        diagnosis. Raises ChainError.
        """
        newest = self._catch_up(progress)
        kept = self._events.checkpoints(self._ledger)
        differences = list(self._of_checkpoints(kept))
        for first, last in ranges(self._chain.start_block, newest.number):
            on_chain = read_range(self._chain, first, last)
            indexed = self._events.all_events(self._ledger, first, last)
            differences += _of_events([_as_indexed(event) for event in on_chain.events], indexed)
            progress(last, newest.number)
        for outside in ((0, self._chain.start_block - 1), (newest.number + 1, _LAST_BLOCK)):
            differences += _of_events([], self._events.all_events(self._ledger, *outside))
        newest, counted, of_state = self._compare_state(newest)
        differences += of_state
        return IndexComparison(
            checkpoint=newest,
            checkpoints=len(kept),
            events=counted.events,
            records=len(counted.diagnoses),
            different=len(differences),
            differences=tuple(differences[:MAX_SHOWN]),
        )

    def rebuild(self, progress: Progress) -> IndexComparison:
        """Delete the copy of the chain's events and read them again, then compare as ``compare`` does.

        Nothing is deleted while the chain cannot be reached. An interrupted call leaves an index that says that it is
        not synced; any later sync continues it. Raises ChainError.
        """
        self._chain.head()
        kept = self._events.checkpoints(self._ledger)
        while kept and not self._events.rewind(self._ledger, kept[0], None):
            kept = self._events.checkpoints(self._ledger)
        return self.compare(progress)

    def _catch_up(self, progress: Progress | None = None) -> Checkpoint:
        """Several attempts, as a server may sync at the same time, and the chain may grow."""
        for _ in range(_ATTEMPTS):
            synced = self._index.sync(progress)
            newest = self._index.newest()
            if synced and newest:
                return newest
            time.sleep(_RETRY_S)
        raise ChainUnavailable("the index cannot be brought up to date: the node is behind, or the chain changes")

    def _of_checkpoints(self, kept: Sequence[Checkpoint]) -> Iterator[Difference]:
        blocks = self._chain.blocks([checkpoint.number for checkpoint in kept])
        for checkpoint, block in zip(kept, blocks, strict=True):
            if block is None or block.hash != checkpoint.hash:
                expected = "no such block" if block is None else f"block {block.hash}"
                yield Difference(checkpoint.number, expected, f"checkpoint {checkpoint.hash}")

    def _compare_state(self, newest: Checkpoint) -> tuple[Checkpoint, _Counted, list[Difference]]:
        """The differences between the index and the contract's state, when the chain did not change meanwhile."""
        for _ in range(_ATTEMPTS):
            counted = _Counted()
            for first, last in ranges(self._chain.start_block, newest.number):
                counted.add(self._events.all_events(self._ledger, first, last))
            differences = list(self._of_state(counted))
            if not differences or (again := self._catch_up()) == newest:
                return newest, counted, differences
            newest = again
        raise ChainUnavailable("the chain changes too fast to compare the index with its state: try again")

    def _of_state(self, counted: _Counted) -> Iterator[Difference]:
        for image_ids in _parts(list(counted.diagnoses)):
            for image_id, state in zip(image_ids, self._chain.image_states(image_ids), strict=True):
                stored, found = state.diagnosis_count if state else None, counted.diagnoses[image_id]
                if stored != found:
                    expected = "no such image" if stored is None else f"{stored} diagnoses of the image {image_id}"
                    yield Difference(None, expected, f"{found} diagnoses of the image {image_id}")
        for ids in _parts(list(counted.newest)):
            for diagnosis_id, review in zip(ids, self._chain.newest_reviews(ids), strict=True):
                if review != counted.newest[diagnosis_id]:
                    expected = f"{review} as the newest review of the diagnosis {diagnosis_id}"
                    yield Difference(None, expected, str(counted.newest[diagnosis_id]))


class _Counted:
    """The number of diagnoses of each image, and the newest review of each diagnosis, None without one."""

    def __init__(self) -> None:
        self.events = 0
        self.diagnoses: dict[str, int] = {}
        self.newest: dict[str, str | None] = {}

    def add(self, events: Iterable[IndexedEvent]) -> None:
        for event in events:
            self.events += 1
            if isinstance(event, ImageRegisteredEvent):
                self.diagnoses.setdefault(event.image_id, 0)
            elif isinstance(event, DiagnosisRecordedEvent):
                self.diagnoses[event.image_id] = self.diagnoses.get(event.image_id, 0) + 1
                self.newest.setdefault(event.diagnosis_id, None)
            elif isinstance(event, DiagnosisReviewedEvent) and event.diagnosis_id in self.newest:
                self.newest[event.diagnosis_id] = event.review_id


def _of_events(expected: Iterable[IndexedEvent], found: Iterable[IndexedEvent]) -> Iterator[Difference]:
    on_chain, indexed = ({position(event): event for event in events} for events in (expected, found))
    for place in sorted(on_chain.keys() | indexed.keys()):
        if on_chain.get(place) != indexed.get(place):
            yield Difference(place[0], _described(on_chain.get(place)), _described(indexed.get(place)))


def _described(event: IndexedEvent | None) -> str:
    return "no event" if event is None else str(event)


def _as_indexed(event: IndexedEvent) -> IndexedEvent:
    """The event with its addresses in lower case."""
    values: dict[str, Any] = {field.name: getattr(event, field.name) for field in fields(event)}
    for name, value in values.items():
        if isinstance(value, str) and value.startswith("0x") and len(value) == _ADDRESS_CHARACTERS:
            values[name] = value.lower()
    return replace(event, **values)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]
