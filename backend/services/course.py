"""How the outlined area changed over time, for the images of one patient whom one sender de-identified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from backend.contours import enclosed_area
from backend.domain import SEALED_LABEL, DiagnosisReviewedEvent, DiagnosisStatus, ImageKind, Record, RecordFilter
from backend.errors import ScanProofError
from backend.ports import Kinds
from backend.services.event_index import EventIndex
from backend.services.kinds import KindService
from backend.services.models import ModelService
from backend.services.outline import OutlineService
from backend.services.statements import Statement

MOST_IMAGES = 12
"""Each may need an outline, which takes the model a while."""
_LOOKED_AT = 100


class OutlinedBy(StrEnum):
    MODEL = "model"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True)
class CourseEntry:
    """A recorded image. ``pixels`` is the outlined area, 0 if a clinician removed the outline; ``square_mm`` the same
    where the file has the spacing of its pixels. Without an area, ``reason`` says why."""

    record: Record
    kind: ImageKind
    pixels: float | None = None
    by: OutlinedBy | None = None
    reason: str | None = None

    @property
    def square_mm(self) -> float | None:
        if self.pixels is None or self.kind.spacing is None:
            return None
        rows, columns = self.kind.spacing
        return self.pixels * rows * columns


@dataclass(frozen=True, slots=True)
class Course:
    """``entries`` by study date, the oldest first; the ``reason`` why there are none."""

    entries: tuple[CourseEntry, ...]
    reason: str | None = None


class CourseService:
    """``published`` gives the published statement of a review. Thread-safe."""

    def __init__(
        self,
        *,
        kinds: Kinds,
        kind_service: KindService,
        index: EventIndex,
        models: ModelService,
        outlines: OutlineService,
        published: Callable[[DiagnosisReviewedEvent], Statement | None],
    ) -> None:
        self._kinds = kinds
        self._kind_service = kind_service
        self._index = index
        self._models = models
        self._outlines = outlines
        self._published = published

    def of(self, record: Record) -> Course:
        """The newest MOST_IMAGES images of the same patient that the same account recorded.

        A pseudonym is made with the sender's key, so that another sender's images of the patient have another one. A
        file's pseudonym is public, and anybody could copy it: so the account counts too.
        """
        kind = self._kind_service.of(record.image.cid)
        if kind.patient is None or kind.study_date is None:
            return Course((), "the image is no DICOM file with the pseudonym of a patient and a study date")
        kinds = {each.cid: each for each in self._kinds.of_patient(kind.patient, _LOOKED_AT) if each.study_date}
        wanted = RecordFilter(text=record.image.uploader.lower(), cids=tuple(kinds))
        self._index.refresh(max_age_s=0)
        found = [
            each
            for each in self._index.search(wanted, _LOOKED_AT, None)
            if each.image.uploader.lower() == record.image.uploader.lower()
        ]
        found.sort(key=lambda each: (kinds[each.image.cid].study_date or "", each.image.block.number))
        return Course(tuple(self._entry(each, kinds[each.image.cid]) for each in found[-MOST_IMAGES:]))

    def _entry(self, record: Record, kind: ImageKind) -> CourseEntry:
        newest = record.diagnoses[-1] if record.diagnoses else None
        if newest is None:
            return CourseEntry(record, kind, reason="no diagnosis is recorded")
        reviews = record.reviews_of(newest)
        statement = self._published(reviews[-1]) if reviews else None
        if statement and statement.outline is not None:
            return CourseEntry(record, kind, enclosed_area(statement.outline), OutlinedBy.CLINICIAN)
        if record.status_of(newest) is DiagnosisStatus.ABSTAINED:
            return CourseEntry(record, kind, reason="the model gave no answer")
        if record.status_of(newest) not in (DiagnosisStatus.ASSERTED, DiagnosisStatus.CONFIRMED):
            return CourseEntry(record, kind, reason="the model's result does not hold")
        model = self._models.facts(newest.model_id)
        if newest.label == SEALED_LABEL:
            return CourseEntry(record, kind, reason="the result is sealed")
        if model is None:
            return CourseEntry(record, kind, reason="the model is not installed here")
        try:
            outline = self._outlines.outline(record.image.cid, model.name)
        except ScanProofError as error:
            return CourseEntry(record, kind, reason=str(error))
        if not outline.contours:
            return CourseEntry(record, kind, reason=outline.reason)
        return CourseEntry(record, kind, outline.pixels, OutlinedBy.MODEL)
