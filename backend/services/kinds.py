"""The kind of each image: modality, body part, sequence and magnification, each with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from backend.domain import DICOM_TYPE, GateOpinion, ImageKind, KindFilter
from backend.errors import (
    DatabaseUnavailable,
    ImageTooLarge,
    InvalidCid,
    InvalidStudy,
    NotFound,
    ServerBusy,
    StorageError,
    UnsupportedImage,
)
from backend.ports import Classifications, Classifier, Kinds
from backend.services.intake import IntakeService
from backend.services.kind_sources import agreed, kind_of, with_magnification, with_opinion
from backend.services.studies import StudyService

_AT_ONCE = 100


class KindService:
    """Thread-safe."""

    def __init__(
        self,
        *,
        kinds: Kinds,
        classifications: Classifications,
        classifier: Classifier,
        intake: IntakeService,
        studies: StudyService | None = None,
    ) -> None:
        self._kinds = kinds
        self._classifications = classifications
        self._classifier = classifier
        self._intake = intake
        self._studies = studies

    def of(self, cid: str) -> ImageKind:
        """The kind of an image or study. One that is not stored, as of images of former releases, is found now and
        stored; unknown where that cannot be."""
        if found := self._kinds.find([cid]).get(cid):
            return found
        kind = self._of_image(cid) or self._of_study(cid)
        if kind is None:
            return ImageKind(cid)
        # A disk that is full or cannot be written must not hide the record.
        with suppress(DatabaseUnavailable):
            return self._kinds.change(kind, lambda stored: stored)
        return kind

    def known(self, cids: Sequence[str]) -> Mapping[str, ImageKind]:
        """The stored kinds of these, by CID."""
        return self._kinds.find(cids)

    def state(self, cid: str, magnification: int, *, corrected: bool = False) -> None:
        """Store what the uploader of a known image says: beside what was said before, or, ``corrected``, in its
        place."""
        self._kinds.change(self.of(cid), partial(with_magnification, magnification=magnification, corrected=corrected))

    def matching(self, wanted: KindFilter, limit: int) -> Sequence[ImageKind]:
        """Stored kinds of images and studies, in the order of their CIDs."""
        return self._kinds.matching(wanted, limit)

    def complete(self) -> Iterator[bool]:
        """Store the kind of each image that has none: for each, whether it could be read."""
        after = ""
        while cids := self._kinds.without_kind(_AT_ONCE, after):
            for cid in cids:
                self.of(cid)
                yield bool(self._kinds.find([cid]))
            after = cids[-1]

    def _of_image(self, cid: str) -> ImageKind | None:
        try:
            facts = self._intake.find(cid)
            if facts.media_type == DICOM_TYPE and facts.attributes is None:
                derived = self._intake.derive(cid)
                if derived is None:
                    return None
                facts = derived
        except (InvalidCid, NotFound, StorageError, UnsupportedImage, ImageTooLarge, ServerBusy):
            return None
        gate = self._classifier.gate()
        seen = gate and self._classifications.recognition(cid, self._classifier.decoding, gate.sha256)
        kind = kind_of(facts)
        return with_opinion(kind, GateOpinion(gate, seen.modality)) if gate and seen else kind

    def _of_study(self, cid: str) -> ImageKind | None:
        """None unless the kind of every slice is stored."""
        if self._studies is None or cid not in self._studies.known([cid]):
            return None
        try:
            _, slices = self._studies.slices(cid)
        except (InvalidCid, InvalidStudy, NotFound, StorageError):
            return None
        found = self._kinds.find([each.cid for each in slices])
        return agreed(cid, list(found.values())) if len(found) == len(slices) else None
