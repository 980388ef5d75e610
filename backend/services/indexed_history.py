"""The history of images, models and roles, found fast with the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from backend.ancestry import Ancestry, ancestry_in, by_model, parent_in, state_after, trace
from backend.deadlines import time_limit
from backend.domain import (
    BlockRef,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    IndexedEvent,
    RecordEvent,
    RegistryState,
    RoleChange,
    RoleChangedEvent,
    SignedTransaction,
    StateKeys,
    earliest_report,
    position,
)
from backend.errors import ChainError, ChainUnavailable, DatabaseUnavailable
from backend.ports import Chain
from backend.services.event_index import RANGE_BLOCKS, EventIndex, read_range
from backend.services.hidden_events import lacking_reviews

_MAX_AGE_S = 1.0
_CAUGHT_UP_BLOCKS = 2000
"""An index that is further behind is left alone: it needs every header, which costs more than a search of the logs."""
_CAUGHT_UP_WITHIN_S = 60.0
_UNINDEXED_BLOCKS = 256
"""Blocks newer than the index that are read in addition to it."""
_CLOSE_BLOCKS = 8
Found = TypeVar("Found", bound=Sequence[object])


class IndexedHistory:
    """Port RegistryHistory, of ``chain``.

    The ``index`` only says in which blocks to look; the events come from the chain. If they do not lead to what the
    contract stores now, an event is missing, and the whole chain is searched.
    """

    def __init__(self, chain: Chain, index: EventIndex) -> None:
        self._chain = chain
        self._index = index
        self.chain_id = chain.chain_id
        self.contract = chain.contract
        self._newest_events: tuple[tuple[int, str], Sequence[IndexedEvent]] = ((0, ""), ())

    def catch_up(self, progress: Callable[[int, int], None] | None = None) -> bool:
        """Bring the index up to date, unless it is far behind. False, whatever the reason, where it is no help: then
        the chain is searched better without it. ``progress`` as in ``EventIndex.sync``."""
        with suppress(ChainError, DatabaseUnavailable), time_limit(_CAUGHT_UP_WITHIN_S):
            newest = self._index.newest()
            if newest and self._chain.head().number - newest.number <= _CAUGHT_UP_BLOCKS:
                return self._index.sync(progress)
        return False

    def image_id(self, uploader: str, cid: str) -> str:
        return self._chain.image_id(uploader, cid)

    def blocks(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        return self._chain.blocks(numbers)

    def events_of_transaction(self, hash_: str) -> Sequence[Event]:
        return self._chain.events_of_transaction(hash_)

    def state_block(self) -> BlockRef | None:
        return self._chain.state_block()

    def state(self, keys: StateKeys, block: BlockRef) -> RegistryState | None:
        return self._chain.state(keys, block)

    def signed_transactions(self, hashes: Sequence[str]) -> Sequence[SignedTransaction | None]:
        return self._chain.signed_transactions(hashes)

    def events_of_image(self, image_id: str) -> Sequence[RecordEvent]:
        return self._found(
            self._index.blocks_of_image(image_id),
            lambda events: [e for e in events if isinstance(e, RecordEvent) and e.image_id == image_id],
            is_all=lambda events: self._is_all_of_image(image_id, events),
            search=lambda: self._chain.events_of_image(image_id),
            read=(self._events_logged, self._events_in),
        )

    def ancestry(self, model_id: str) -> Ancestry:
        return self._indexed_ancestry(model_id) or self._chain.ancestry(model_id)

    def _indexed_ancestry(self, model_id: str) -> Ancestry | None:
        """None when the index is too far behind, or an event is not where it says."""
        unindexed = self._events_in(())
        if unindexed is None:
            return None
        newer = by_model(unindexed)
        blocks: dict[str, BlockRef] = {}

        def parent_of(model: str) -> str | None:
            events = [*self._index.known_events_of_model(model), *newer[model]]
            blocks.update((event.block.hash, event.block) for event in events)
            return parent_in(events)

        trace(model_id, parent_of)
        try:
            found = ancestry_in(self._chain.model_events_in(blocks.values()), model_id)
        except ChainUnavailable:
            return None
        states = self._chain.model_states(list(found))
        is_all = all(state_after(events) == state for events, state in zip(found.values(), states, strict=True))
        return found if is_all else None

    def events_of_classifier(self, address: str) -> Sequence[ClassifierCompromisedEvent]:
        return self._found(
            self._index.blocks_of_reports(address),
            lambda events: [
                event
                for event in events
                if isinstance(event, ClassifierCompromisedEvent) and event.classifier.lower() == address.lower()
            ],
            is_all=lambda reports: self._chain.compromised_since(address) == earliest_report(reports),
            search=lambda: self._chain.events_of_classifier(address),
        )

    def roles(self, role: str, address: str) -> Sequence[RoleChange]:
        def changes(events: Iterable[IndexedEvent]) -> Sequence[RoleChange]:
            ours = (e for e in events if isinstance(e, RoleChangedEvent) and e.role == role)
            return [
                RoleChange(*position(e), e.granted, e.sender, e.transaction_hash)
                for e in ours
                if e.account.lower() == address.lower()
            ]

        return self._found(
            self._index.blocks_of_role(role, address),
            changes,
            is_all=lambda found: self._chain.has_role(role, address) == (bool(found) and found[-1].granted),
            search=lambda: self._chain.roles(role, address),
        )

    def _found(
        self,
        blocks: Iterable[int],
        choose: Callable[[Iterable[IndexedEvent]], Found],
        *,
        is_all: Callable[[Found], bool],
        search: Callable[[], Found],
        read: Sequence[Callable[[Sequence[int]], Sequence[IndexedEvent] | None]] = (),
    ) -> Found:
        """What ``choose`` takes from the events of ``blocks`` and of those that are not in the index yet, if
        ``is_all``; else what ``search`` finds. The ways to ``read`` are tried in turn, by default the one whose blocks
        are proven complete."""
        numbers = list(blocks)
        for events_in in read or (self._events_in,):
            events = events_in(numbers)
            if events is not None and is_all(found := choose(events)):
                return found
        return search()

    def _events_logged(self, blocks: Sequence[int]) -> Sequence[IndexedEvent] | None:
        """As ``_events_in``, of any number of blocks in few requests: nothing proves yet that they are all."""
        newest = self._refreshed()
        if newest is None:
            return None
        try:
            events = self._chain.events_in([block for block in blocks if block <= newest[0]])
        except ChainUnavailable:
            # Not each node finds logs by the hash of their block.
            return None
        return [*events, *self._unindexed(newest[0] + 1, newest[1])]

    def _events_in(self, blocks: Sequence[int]) -> Sequence[IndexedEvent] | None:
        """None when the index is too far behind to help."""
        newest = self._refreshed()
        if newest is None:
            return None
        events: list[IndexedEvent] = []
        for first, last in _ranges(block for block in blocks if block <= newest[0]):
            events += read_range(self._chain, first, last).events
        return [*events, *self._unindexed(newest[0] + 1, newest[1])]

    def _refreshed(self) -> tuple[int, BlockRef] | None:
        """The newest block of the index and the chain's head, None when they are too far from each other."""
        self._index.refresh(max_age_s=_MAX_AGE_S)
        newest, head = self._index.newest(), self._chain.head()
        if newest is None or head.number - newest.number > _UNINDEXED_BLOCKS:
            return None
        return newest.number, head

    def _unindexed(self, first: int, head: BlockRef) -> Sequence[IndexedEvent]:
        """The events of the blocks ``first`` to ``head``, which many histories need: read once."""
        place, events = self._newest_events
        if place != (first, head.hash):
            events = read_range(self._chain, first, head.number).events if first <= head.number else ()
            self._newest_events = (first, head.hash), events
        return events

    def _is_all_of_image(self, image_id: str, events: Sequence[RecordEvent]) -> bool:
        """A review of what was never recorded may be missing: it changes nothing."""
        (state,) = self._chain.image_states([image_id])
        diagnoses = [event.diagnosis_id for event in events if isinstance(event, DiagnosisRecordedEvent)]
        registered = any(isinstance(event, ImageRegisteredEvent) for event in events)
        if state is None or not registered or len(diagnoses) != state.diagnosis_count:
            return state is None and not events
        reviews = {e.diagnosis_id: e.review_id for e in events if isinstance(e, DiagnosisReviewedEvent)}
        stored = dict(zip(diagnoses, self._chain.newest_reviews(diagnoses), strict=True))
        newest = {diagnosis_id: reviews.get(diagnosis_id) for diagnosis_id in diagnoses}
        return newest == stored and not any(lacking_reviews(stored, events))


def _ranges(blocks: Iterable[int]) -> list[tuple[int, int]]:
    """``blocks`` in few ranges, with those between blocks that are close to each other."""
    found: list[tuple[int, int]] = []
    for block in sorted(blocks):
        first, last = found[-1] if found else (block, block)
        if found and block - last <= _CLOSE_BLOCKS and block - first < RANGE_BLOCKS:
            found[-1] = first, block
        else:
            found.append((block, block))
    return found
