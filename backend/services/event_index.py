"""An index of the registry's events that survives restarts, gaps and reorganisations.

A checkpoint is a block whose events, and those of all blocks before it, are in the index. Each range of blocks is read
and added in one transaction with its checkpoint. Before reading on, the newest checkpoint must still be on the chain;
otherwise everything above the newest one that is, is dropped and read again. A chain that was wiped and begun anew is
the same case: no checkpoint is left on it.
"""

from __future__ import annotations

import logging
import threading
import time

from backend.domain import Checkpoint, IndexStatus, Record
from backend.errors import ChainError, ChainUnavailable
from backend.ports import Chain, EventStore

RANGE_BLOCKS = 2000
LOCK_TIMEOUT_S = 2.0
_log = logging.getLogger(__name__)


class EventIndex:
    def __init__(self, chain: Chain, events: EventStore, *, range_blocks: int = RANGE_BLOCKS) -> None:
        self._chain = chain
        self._events = events
        self._range_blocks = range_blocks
        self._lock = threading.Lock()
        self._ledger = events.ledger(chain.chain_id, chain.contract)
        self._head: int | None = None
        self._synced_at: float | None = None

    def sync(self) -> None:
        """Read what is new. Returns early if another thread is at it for longer than LOCK_TIMEOUT_S.

        Raises ChainError, DatabaseUnavailable.
        """
        if not self._lock.acquire(timeout=LOCK_TIMEOUT_S):
            return
        complete = False
        try:
            complete = self._catch_up()
        finally:
            self._synced_at = time.monotonic() if complete else None
            self._lock.release()

    def refresh(self, *, max_age_s: float = 0.0) -> ChainError | None:
        """Sync unless that was done within ``max_age_s``; an error of the chain is returned, not raised."""
        if self._synced_at is not None and time.monotonic() - self._synced_at < max_age_s:
            return None
        try:
            self.sync()
        except ChainError as error:
            return error
        return None

    def lookup(self, image_id: str) -> Record | None:
        """The record of an image, just mined or old, None if there is none.

        Raises ChainError when it is not here and the index does not hold all of the chain now.
        """
        error = self.refresh()
        record = self._events.find(self._ledger, image_id)
        if record is None and self._synced_at is None:
            raise error or ChainUnavailable("the records are still being read from the chain: try again in a moment")
        return record

    def search(
        self, text: str | None, labels: list[tuple[str, int]], limit: int, before: tuple[int, int] | None
    ) -> list[Record]:
        """As ``EventStore.search``, on what was read so far."""
        return list(self._events.search(self._ledger, text, labels, limit, before))

    def status(self) -> IndexStatus:
        kept = self._events.checkpoints(self._ledger)
        return IndexStatus(block=kept[0].number if kept else None, head=self._head, synced=self._synced_at is not None)

    def _catch_up(self) -> bool:
        """Whether the index now holds everything up to the head."""
        self._head = head = self._chain.head().number
        newest = self._rewind()
        first = newest.number + 1 if newest else self._chain.start_block
        while first <= head:
            newest = self._read(newest, first, min(first + self._range_blocks - 1, head))
            if newest is None:
                return False
            first = newest.number + 1
        return True

    def _rewind(self) -> Checkpoint | None:
        """The newest checkpoint that is still on the chain; what lies above it is dropped."""
        kept = self._events.checkpoints(self._ledger)
        ancestor = next((checkpoint for checkpoint in kept if self._on_chain(checkpoint)), None)
        if kept and ancestor != kept[0]:
            after = f"block {ancestor.number}" if ancestor else "the start"
            _log.warning("the chain was reorganised: everything after %s is read again", after)
            self._events.rewind(self._ledger, kept[0], ancestor)
        return ancestor

    def _read(self, previous: Checkpoint | None, first: int, last: int) -> Checkpoint | None:
        """Add one range; None when the chain or the index changed meanwhile, so that the next sync must begin anew."""
        upto = self._chain.block(last)
        if upto is None:
            return None
        events = self._chain.events(first, last)
        # A reorganisation before ``upto`` was read shows in ``previous`` now, a later one in ``upto`` at the next sync.
        if previous and not self._on_chain(previous):
            return None
        checkpoint = Checkpoint(upto.number, upto.hash)
        return checkpoint if self._events.advance(self._ledger, previous, checkpoint, events) else None

    def _on_chain(self, checkpoint: Checkpoint) -> bool:
        block = self._chain.block(checkpoint.number)
        return block is not None and block.hash == checkpoint.hash
