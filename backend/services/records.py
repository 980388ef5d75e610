"""Searches the records of the chain, and reads one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backend.deadlines import time_limit
from backend.domain import (
    DiagnosisRecordedEvent,
    DiagnosisStatus,
    ImageRegisteredEvent,
    IndexStatus,
    KindFilter,
    Record,
    RecordFilter,
    StoredImage,
    position,
)
from backend.errors import ChainError, NotFound
from backend.ports import Chain, RegistryHistory
from backend.services.event_index import EventIndex
from backend.services.evidence_events import reports_about
from backend.services.hidden_events import require_all_shown
from backend.services.models import ModelService

SEARCH_MAX_AGE_S = 1.0
_READ_WITHIN_S = 10.0
_ID = re.compile(r"0x[0-9a-f]{64}")
_log = logging.getLogger(__name__)
EXPORT_RECORDS = 200
_ANY_KIND = KindFilter()


@dataclass(frozen=True, slots=True)
class Page:
    """``next`` is the position of the last record, at which the next page continues; None on the last page."""

    records: tuple[Record, ...]
    next: tuple[int, int] | None
    index: IndexStatus


class RecordService:
    def __init__(self, index: EventIndex, models: ModelService, chain: Chain, history: RegistryHistory) -> None:
        self._index = index
        self._models = models
        self._chain = chain
        self._history = history

    def find(self, image_id: str) -> Record:
        """Raises NotFound, ChainError."""
        record = self._index.lookup(image_id)
        if record is None and (state := self._state(image_id)):
            record = self._read(image_id, state)
        if record is None:
            raise NotFound(f"no image with the id {image_id} is registered on the chain")
        return record

    def _state(self, image_id: str) -> StoredImage | None:
        (state,) = self._chain.image_states([image_id])
        return state

    def _read(self, image_id: str, state: StoredImage) -> Record | None:
        """The record of an image that the index lacks, from the chain.

        Raises LogsIncomplete when the node does not show all events that the contract's ``state`` has, ChainError.
        """
        _log.warning("the index lacks the image %s: compare it with the chain by `scanproof index verify`", image_id)
        with time_limit(_READ_WITHIN_S):
            events = self._history.events_of_image(image_id)
            require_all_shown(self._chain, state, events)
            record = Record.of(events)
            return record and replace(record, reports=tuple(reports_about(self._history, events)))

    def filter(
        self,
        *,
        text: str,
        model: str = "",
        label: str = "",
        status: DiagnosisStatus | None = None,
        first_time: int | None = None,
        last_time: int | None = None,
        kind: KindFilter = _ANY_KIND,
    ) -> RecordFilter:
        """The filter for a person's input. ``text`` is an id or name in a record; ``model`` a name or an id.

        An empty text sets no condition; case and surrounding space are ignored.
        """
        text, model, label = (given.strip().lower() for given in (text, model, label))
        return RecordFilter(
            text=text or None,
            text_models=tuple(self._models.ids(text)) if text else (),
            text_labels=tuple(self._models.codes(text)) if text else (),
            models=(model, "0x" + model, *self._models.ids(model)) if model else None,
            labels=tuple(self._models.codes(label)) if label else None,
            status=status,
            first_time=first_time,
            last_time=last_time,
            kind=kind,
        )

    def search(
        self,
        wanted: RecordFilter,
        *,
        limit: int,
        before: tuple[int, int] | None,
        max_age_s: float = SEARCH_MAX_AGE_S,
    ) -> Page:
        """Records, newest registration first. An image id that the index lacks is looked for on the chain.

        The index is synced first, unless that was done in the last ``max_age_s``.
        """
        self._index.refresh(max_age_s=max_age_s)
        found = self._index.search(wanted, limit + 1, before)
        image_id = wanted.text or ""
        if not found and before is None and _ID.fullmatch(image_id) and wanted == RecordFilter(text=image_id):
            found = self._not_indexed(image_id)
        return self._page(found[:limit], [record.image for record in found], limit)

    def _not_indexed(self, image_id: str) -> list[Record]:
        """Nothing while the chain cannot be asked; the page says then that the index is not synced."""
        try:
            state = self._state(image_id)
        except ChainError:
            return []
        record = self._read(image_id, state) if state else None
        return [record] if record else []

    def of_image(self, cid: str, *, limit: int) -> Page:
        """The newest records of the image with that CID, those that were mined just now too."""
        return self.search(RecordFilter(text=cid), limit=limit, before=None, max_age_s=0)

    def pages(self, wanted: RecordFilter) -> Iterator[Sequence[Record]]:
        """All records that ``search`` finds, with at most EXPORT_RECORDS in memory at once."""
        self._index.refresh(max_age_s=SEARCH_MAX_AGE_S)
        last = None
        while found := self._index.search(wanted, EXPORT_RECORDS, last):
            yield found
            last = position(found[-1].image)

    def queue(self, status: DiagnosisStatus, *, limit: int, after: tuple[int, int] | None) -> Page:
        """Diagnoses of that status, oldest first: each as a record that contains it alone."""
        self._index.refresh(max_age_s=SEARCH_MAX_AGE_S)
        found = self._index.queue(status, limit + 1, after)
        return self._page(found[:limit], [record.diagnoses[0] for record in found], limit)

    def _page(
        self, records: Sequence[Record], events: Sequence[ImageRegisteredEvent | DiagnosisRecordedEvent], limit: int
    ) -> Page:
        """``events`` give the positions of the records, and of one more if there is a next page."""
        following = position(events[limit - 1]) if len(events) > limit else None
        return Page(tuple(records), following, self._index.status())
