"""How the outlined area changed over time, for the images of one patient whom one sender de-identified."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.contours import enclosed_area
from backend.domain import SEALED_LABEL, DiagnosisReviewedEvent, DiagnosisStatus, ImageKind, Record, RecordFilter
from backend.errors import ScanProofError
from backend.ports import Kinds
from backend.services.event_index import EventIndex
from backend.services.kinds import KindService
from backend.services.models import ModelService
from backend.services.outline import OutlineService
from backend.services.statements import Statement
from backend.services.study_areas import OutlinedBy, StudyAreas

MOST_IMAGES = 12
"""Each may need an outline, which takes the model a while."""
WORK_S = 8.0
"""How long one call outlines slices of studies; what is left is pending."""
_LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class CourseEntry:
    """A recorded image. ``pixels`` is the outlined area, 0 if a clinician removed the outline; ``square_mm`` the same
    where the file has the spacing of its pixels. Without an area, ``reason`` says why.

    Of a study it is the largest area of a slice; ``cubic_mm``, ``slices`` and ``pending`` are as in StudyArea.
    """

    record: Record
    kind: ImageKind
    pixels: float | None = None
    by: OutlinedBy | None = None
    reason: str | None = None
    study: bool = False
    square_mm: float | None = None
    cubic_mm: float | None = None
    slices: int | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """``entries`` by study date, the oldest first; the ``reason`` why there are none."""

    entries: tuple[CourseEntry, ...]
    reason: str | None = None


class CourseService:
    """``published`` gives the published statement of a review, ``known_studies`` those CIDs that are studies.
    Thread-safe."""

    def __init__(
        self,
        *,
        kinds: Kinds,
        kind_service: KindService,
        index: EventIndex,
        models: ModelService,
        outlines: OutlineService,
        areas: StudyAreas,
        known_studies: Callable[[Sequence[str]], frozenset[str]],
        published: Callable[[DiagnosisReviewedEvent], Statement | None],
    ) -> None:
        self._kinds = kinds
        self._kind_service = kind_service
        self._index = index
        self._models = models
        self._outlines = outlines
        self._areas = areas
        self._known_studies = known_studies
        self._published = published

    def of(self, record: Record) -> Course:
        """The newest MOST_IMAGES images of the same patient that the same account recorded; of a study, the studies.

        A pseudonym is made with the sender's key, so that another sender's images of the patient have another one. A
        file's pseudonym is public, and anybody could copy it: so the account counts too.
        """
        kind = self._kind_service.of(record.image.cid)
        if kind.patient is None or kind.study_date is None:
            return Course((), "the image is no DICOM file with the pseudonym of a patient and a study date")
        wanted = RecordFilter(text=record.image.uploader.lower(), patient=kind.patient)
        self._index.refresh(max_age_s=0)
        found = [
            each
            for each in self._index.search(wanted, _LOOKED_AT, None)
            if each.image.uploader.lower() == record.image.uploader.lower()
        ]
        cids = [each.image.cid for each in found]
        kinds, studies = self._kinds.find(cids), self._known_studies([*cids, record.image.cid])
        alike = [each for each in found if (each.image.cid in studies) == (record.image.cid in studies)]
        alike.sort(key=lambda each: (kinds[each.image.cid].study_date or "", each.image.block.number))
        until = time.monotonic() + WORK_S
        if record.image.cid in studies:
            entries = [self._study(each, kinds[each.image.cid], until) for each in alike[-MOST_IMAGES:]]
        else:
            entries = [self._entry(each, kinds[each.image.cid]) for each in alike[-MOST_IMAGES:]]
        return Course(tuple(entries))

    def _study(self, record: Record, kind: ImageKind, until: float) -> CourseEntry:
        newest = record.diagnoses[-1] if record.diagnoses else None
        if newest is None:
            return CourseEntry(record, kind, study=True, reason="no diagnosis is recorded")
        reviews = record.reviews_of(newest)
        statement = self._published(reviews[-1]) if reviews else None
        corrected = statement.slice_outlines if statement else ()
        holds = record.status_of(newest) in (DiagnosisStatus.ASSERTED, DiagnosisStatus.CONFIRMED)
        model = self._models.facts(newest.model_id)
        if not corrected and not holds:
            return CourseEntry(record, kind, study=True, reason="the model's result does not hold")
        if not corrected and model is None:
            return CourseEntry(record, kind, study=True, reason="the model is not installed here")
        try:
            area = self._areas.of(record.image.cid, model if holds else None, corrected, until=until)
        except ScanProofError as error:
            return CourseEntry(record, kind, study=True, reason=str(error))
        return CourseEntry(
            record,
            kind,
            pixels=area.pixels,
            by=area.by,
            reason=area.reason,
            study=True,
            square_mm=area.square_mm,
            cubic_mm=area.cubic_mm,
            slices=area.slices,
            pending=area.pending,
        )

    def _entry(self, record: Record, kind: ImageKind) -> CourseEntry:
        newest = record.diagnoses[-1] if record.diagnoses else None
        if newest is None:
            return CourseEntry(record, kind, reason="no diagnosis is recorded")
        reviews = record.reviews_of(newest)
        statement = self._published(reviews[-1]) if reviews else None
        if statement and statement.outline is not None:
            return _measured(record, kind, enclosed_area(statement.outline), OutlinedBy.CLINICIAN)
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
        return _measured(record, kind, outline.pixels, OutlinedBy.MODEL)


def _measured(record: Record, kind: ImageKind, pixels: float, by: OutlinedBy) -> CourseEntry:
    square_mm = pixels * kind.spacing[0] * kind.spacing[1] if kind.spacing else None
    return CourseEntry(record, kind, pixels, by, square_mm=square_mm)
