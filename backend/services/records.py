"""Searching the records of the chain, and reading one."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain import IndexStatus, Record
from backend.errors import NotFound
from backend.services.event_index import EventIndex
from backend.services.models import ModelService

SEARCH_MAX_AGE_S = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """``next`` is the position after the last record, for the following page; None on the last page."""

    records: tuple[Record, ...]
    next: tuple[int, int] | None
    index: IndexStatus


class RecordService:
    def __init__(self, index: EventIndex, models: ModelService) -> None:
        self._index = index
        self._models = models

    def find(self, image_id: str) -> Record:
        """Raises NotFound, ChainError."""
        record = self._index.lookup(image_id)
        if record is None:
            raise NotFound(f"no image with the id {image_id} is registered on the chain")
        return record

    def search(self, query: str, *, limit: int, before: tuple[int, int] | None) -> Page:
        """Records, newest first: all, or those whose image id, CID, uploader, transaction or label ``query`` is."""
        self._index.refresh(max_age_s=SEARCH_MAX_AGE_S)
        text = query.strip().lower() or None
        labels = self._models.codes(text) if text else []
        found = self._index.search(text, labels, limit + 1, before)
        records = tuple(found[:limit])
        last = records[-1].image if len(found) > limit else None
        return Page(records, last and (last.block.number, last.log_index), self._index.status())
