"""An index of the registry's events that survives restarts, gaps and reorganisations.

A checkpoint is a block whose events, and those of all blocks before it, are in the index. Each range of blocks is added
in one transaction together with its checkpoint. The chain
proves each range complete (see ``Chain.read``), and the first block of a range must be the child of the checkpoint
before it. Before the next range is read, the newest checkpoint must still be on the chain. If another block has
replaced it, everything above the newest checkpoint that is still on the chain is
deleted and read again. A chain that was wiped and started again is the same case: it has none of the checkpoints.

A block that the node does not have proves nothing: the node may be behind the one that was asked before. Nothing is
deleted then, and the index is not synced. Only a development chain, which has one node, removes blocks without
replacing them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from backend.deadlines import remaining, time_limit
from backend.domain import (
    BlockRange,
    Checkpoint,
    DiagnosisStatus,
    IndexStatus,
    LedgerEntry,
    ModelEvent,
    Record,
    RecordFilter,
)
from backend.errors import ChainError, ChainUnavailable, DatabaseUnavailable, LogsIncomplete
from backend.ports import Chain, EventStore

FIRST_BLOCKS = 64
RANGE_BLOCKS = 2000
EVENTS_AT_ONCE = 10_000
"""All events of a range are in memory at once: after a range with more events, the ranges get shorter."""
LOCK_TIMEOUT_S = 2.0
REFRESHED_WITHIN_S = 1.5
"""A request does not wait longer for new blocks; the ranges that were read until then are kept."""
LOOKED_UP_WITHIN_S = 6.0
"""Of a request for one record that is not in the index: it may be in the blocks that are still to be read."""
Found = TypeVar("Found")
_log = logging.getLogger(__name__)


def ranges(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The blocks ``first`` to ``last`` in ranges of RANGE_BLOCKS."""
    for start in range(first, last + 1, RANGE_BLOCKS):
        yield start, min(start + RANGE_BLOCKS - 1, last)


def read_range(chain: Chain, first: int, last: int) -> BlockRange:
    """The events of these blocks, proven complete. Raises ChainUnavailable, also when the node lacks the last block."""
    found = chain.read(first, last)
    if found is None:
        raise ChainUnavailable(f"the node does not have block {last} yet: try again in a moment")
    return found


class EventIndex:
    def __init__(self, chain: Chain, events: EventStore, *, range_blocks: int = RANGE_BLOCKS) -> None:
        self._chain = chain
        self._events = events
        self._range_blocks = range_blocks
        self._span = min(FIRST_BLOCKS, range_blocks)
        self._lock = threading.Lock()
        self._ledger = events.ledger(chain.chain_id, chain.contract)
        self._head: int | None = None
        self._synced_at: float | None = None
        self._tried_at = float("-inf")
        self._trouble: ChainError | DatabaseUnavailable | None = None

    def sync(self, progress: Callable[[int, int], None] | None = None) -> bool:
        """Read the new blocks. Returns whether the index now contains everything up to the chain's head.

        ``progress`` is given the newest block that was read, and the head.

        It does not when another thread syncs for longer than LOCK_TIMEOUT_S, when the chain changed meanwhile, and when
        the node is behind. Raises ChainError, DatabaseUnavailable.
        """
        left = remaining()
        patience = LOCK_TIMEOUT_S if left is None else max(0.0, min(LOCK_TIMEOUT_S, left))
        if not self._lock.acquire(timeout=patience):
            self._synced_at, self._tried_at = None, time.monotonic()
            return False
        complete = False
        try:
            complete = self._catch_up(progress)
            self._trouble = None
        except (ChainError, DatabaseUnavailable) as error:
            self._trouble = error
            raise
        finally:
            self._tried_at = time.monotonic()
            self._synced_at = self._tried_at if complete else None
            self._lock.release()
        return complete

    def refresh(self, *, max_age_s: float) -> None:
        """Sync for REFRESHED_WITHIN_S at most, unless the last one, or an attempt that failed, is at most ``max_age_s``
        old. An error of it shows only in ``status``."""
        if time.monotonic() - self._tried_at >= max_age_s:
            self._sync_within(REFRESHED_WITHIN_S)

    def lookup(self, image_id: str) -> Record | None:
        """The record of an image, even if it was mined just now; None if there is none.

        Raises ChainError, or DatabaseUnavailable if nothing can be written, when it is not in the index and the index
        does not cover the whole chain now.
        """
        return self._lookup(lambda: self._events.find(self._ledger, image_id))

    def lookup_review(self, review_id: str) -> Record | None:
        """As ``lookup``, for the record that contains the review with that id."""
        return self._lookup(lambda: self._events.find_review(self._ledger, review_id))

    def events_of_model(self, model_id: str) -> Sequence[ModelEvent]:
        """As ``lookup``, for the registration, retirement and anchored training of a model, in chain order."""
        return self._lookup(lambda: self.known_events_of_model(model_id))

    def known_events_of_model(self, model_id: str) -> Sequence[ModelEvent]:
        """As ``events_of_model``, without a sync."""
        return self._events.events_of_model(self._ledger, model_id)

    def _lookup(self, find: Callable[[], Found]) -> Found:
        """What is indexed needs no longer wait than a refresh."""
        trouble = self._sync_within(REFRESHED_WITHIN_S)
        found = find()
        if found or trouble is None:
            return found
        trouble = self._sync_within(LOOKED_UP_WITHIN_S)
        found = find()
        if found or trouble is None:
            return found
        raise trouble

    def _sync_within(self, seconds: float) -> ChainError | DatabaseUnavailable | None:
        """Why the index does not contain everything up to the chain's head; None if it does."""
        try:
            with time_limit(seconds):
                if self.sync():
                    return None
        except (ChainError, DatabaseUnavailable) as error:
            return error
        # Another thread is reading: what stopped the last one may stop this one.
        if self._trouble:
            return self._trouble.with_traceback(None)
        return ChainUnavailable("the records are still being read from the chain: try again in a moment")

    def search(self, wanted: RecordFilter, limit: int, before: tuple[int, int] | None) -> list[Record]:
        """As ``EventStore.search``, without a sync."""
        return list(self._events.search(self._ledger, wanted, limit, before))

    def queue(self, status: DiagnosisStatus, limit: int, after: tuple[int, int] | None) -> list[Record]:
        """As ``EventStore.queue``, without a sync."""
        return list(self._events.queue(self._ledger, status, limit, after))

    def entries(self, limit: int, before: tuple[int, int] | None) -> list[LedgerEntry]:
        """As ``EventStore.entries``, without a sync."""
        return list(self._events.entries(self._ledger, limit, before))

    def newest(self) -> Checkpoint | None:
        """The newest block whose events are in the index."""
        kept = self._events.checkpoints(self._ledger, limit=1)
        return kept[0] if kept else None

    def blocks_of_image(self, image_id: str) -> Sequence[int]:
        """The numbers of the blocks with events of that image, as far as they are in the index."""
        return self._events.blocks_of_image(self._ledger, image_id)

    def blocks_of_role(self, role: str, account: str) -> Sequence[int]:
        """As ``blocks_of_image``, for grants and revocations of a role of that account."""
        return self._events.blocks_of_role(self._ledger, role, account)

    def blocks_of_reports(self, classifier: str) -> Sequence[int]:
        """As ``blocks_of_image``, for the reports that a classifier's key is compromised."""
        return self._events.blocks_of_reports(self._ledger, classifier)

    def status(self) -> IndexStatus:
        newest = self.newest()
        return IndexStatus(block=newest.number if newest else None, head=self._head, synced=self._synced_at is not None)

    def _catch_up(self, progress: Callable[[int, int], None] | None) -> bool:
        """Whether the index now contains everything up to the head, and nothing above it."""
        # A repair may have removed the ledger.
        self._ledger = self._events.ledger(self._chain.chain_id, self._chain.contract)
        kept = self._events.checkpoints(self._ledger)
        self._head = head = self._chain.head().number
        newest, replaced = self._ancestor(kept)
        if replaced:
            after = f"block {newest.number}" if newest else "the start"
            _log.warning("the chain was reorganised: everything after %s is read again", after)
            self._events.rewind(self._ledger, kept[0], newest)
        elif kept and newest != kept[0]:
            return False
        first = newest.number + 1 if newest else self._chain.start_block
        while first <= head:
            try:
                newest = self._read(newest, first, min(first + self._span - 1, head))
            except LogsIncomplete as error:
                # The blocks before it need not wait.
                if error.block > first:
                    self._read(newest, first, error.block - 1)
                raise
            if newest is None:
                return False
            if progress:
                progress(newest.number, head)
            first = newest.number + 1
        return first == head + 1

    def _ancestor(self, kept: Sequence[Checkpoint]) -> tuple[Checkpoint | None, bool]:
        """The newest checkpoint that the node has, and whether a newer one is proven to have left the chain."""
        replaced = False
        for checkpoint in kept:
            (block,) = self._chain.blocks([checkpoint.number])
            if block and block.hash == checkpoint.hash:
                return checkpoint, replaced
            replaced = replaced or block is not None or self._chain.development
        return None, replaced

    def _read(self, previous: Checkpoint | None, first: int, last: int) -> Checkpoint | None:
        """Add one range. Returns None when the chain or the index changed meanwhile: the next sync starts again."""
        found = self._chain.read(first, last)
        if found is None or (previous and found.parent != previous.hash):
            return None
        if len(found.events) > EVENTS_AT_ONCE:
            self._span = max(1, self._span // 2)
        elif len(found.events) < EVENTS_AT_ONCE // 4:
            self._span = min(self._range_blocks, self._span * 2)
        checkpoint = Checkpoint(found.last.number, found.last.hash)
        return checkpoint if self._events.advance(self._ledger, previous, checkpoint, found.events) else None
