"""All events of the contract, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain import IndexStatus, LedgerEntry
from backend.services.event_index import EventIndex
from backend.services.records import SEARCH_MAX_AGE_S


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """``next`` is the position of the last entry, at which the next page continues; None on the last page."""

    entries: tuple[LedgerEntry, ...]
    next: tuple[int, int] | None
    index: IndexStatus


class LedgerService:
    def __init__(self, index: EventIndex) -> None:
        self._index = index

    def page(self, *, limit: int, before: tuple[int, int] | None) -> LedgerPage:
        """The newest entries first, older than the position ``before``."""
        self._index.refresh(max_age_s=SEARCH_MAX_AGE_S)
        found = self._index.entries(limit + 1, before)
        shown = found[:limit]
        following = (shown[-1].block.number, shown[-1].log_index) if len(found) > limit else None
        return LedgerPage(tuple(shown), following, self._index.status())
