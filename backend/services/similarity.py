"""Recorded cases that look like an image to the model that classified it, with what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backend.domain import SEALED_LABEL, Classification, DiagnosisRecordedEvent, DiagnosisStatus, Record, RecordFilter
from backend.ports import Classifications, Classifier, Kinds
from backend.services.classification import pack_features
from backend.services.event_index import EventIndex
from backend.services.intake import IntakeService

MOST_CASES = 6
COMPARED = 10_000
"""The most images whose features are compared: 10 MB of 512 numbers each."""
SAME_DISTANCE = 0.001
"""Up to this distance two images are copies of one: float16 and a JPEG's encoding change it less."""
_NEAREST = 600
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Case:
    """``distance`` is 1 minus the cosine of the features, in [0, 2]. ``record`` is the newest one of the image with a
    ``diagnosis`` by the same model that is neither sealed nor withdrawn, nor signed by a key that was reported."""

    distance: float
    record: Record
    diagnosis: DiagnosisRecordedEvent

    @property
    def same_image(self) -> bool:
        return self.distance <= SAME_DISTANCE


@dataclass(frozen=True, slots=True)
class SimilarCases:
    """The nearest ``cases``, nearest first, of ``compared`` images; the ``reason`` why there are none to compare."""

    classification: Classification | None
    compared: int
    cases: tuple[Case, ...]
    reason: str | None = None


class SimilarityService:
    """Thread-safe. Sealed results store no features, and no record of one is found."""

    def __init__(
        self,
        *,
        kinds: Kinds,
        classifications: Classifications,
        classifier: Classifier,
        intake: IntakeService,
        index: EventIndex,
    ) -> None:
        self._kinds = kinds
        self._classifications = classifications
        self._classifier = classifier
        self._intake = intake
        self._index = index

    def similar(self, cid: str, model_name: str | None, limit: int = MOST_CASES) -> SimilarCases:
        """The recorded images most like a known one that was classified in public by the named model, or by the one for
        its modality.

        Raises InvalidCid, NotFound, StorageError, UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """
        self._intake.find(cid)
        gate = self._classifier.gate()
        if gate and model_name == gate.name:
            return SimilarCases(None, 0, (), "no model here knows this kind of image")
        made = self._classification(cid, model_name)
        if made is None:
            return SimilarCases(None, 0, (), "the image was not classified in public")
        wanted = self._features(made)
        if wanted is None:
            return SimilarCases(made, 0, (), f"{made.model.name} gives no features to compare")
        stored = self._kinds.all_features(made.decoding, made.model.sha256, COMPARED)
        others = [(other, features) for other, features in stored if other != cid and len(features) == len(wanted)]
        distances = _distances(wanted, [features for _, features in others])
        self._index.refresh(max_age_s=0)
        order = np.argsort(distances, kind="stable")[:_NEAREST]
        nearest = [(others[place][0], float(distances[place])) for place in order]
        cases = self._cases(nearest, "0x" + made.model.sha256)
        return SimilarCases(made, len(others), tuple(case for case, _ in zip(cases, range(limit), strict=False)))

    def _classification(self, cid: str, model_name: str | None) -> Classification | None:
        """The public one that is stored, which asks neither gate nor model."""
        decoding = self._classifier.decoding
        if model_name:
            return self._classifications.find(cid, decoding, self._classifier.resolve(model_name).sha256)
        gate = self._classifier.gate()
        seen = gate and self._classifications.recognition(cid, decoding, gate.sha256)
        if seen is None or seen.modality is None:
            return None
        return self._classifications.find(cid, decoding, self._classifier.for_modality(seen.modality).sha256)

    def _features(self, made: Classification) -> bytes | None:
        """Those of an image that a former release classified are computed now."""
        if found := self._kinds.features(made.cid, made.decoding, made.model.sha256):
            return found
        prediction, _ = self._classifier.predict(made.model, self._intake.content(made.cid)[1])
        if features := pack_features(prediction):
            self._kinds.add_features(made.cid, made.decoding, made.model.sha256, features)
        return features

    def _cases(self, nearest: Sequence[tuple[str, float]], model_id: str) -> Iterator[Case]:
        for start in range(0, len(nearest), _AT_ONCE):
            part = nearest[start : start + _AT_ONCE]
            cids = tuple(cid for cid, _ in part)
            here = self._intake.available(cids)
            newest: dict[str, Case] = {}
            distances = dict(part)
            for record in self._index.search(RecordFilter(cids=cids, models=(model_id,)), _NEAREST, None):
                cid = record.image.cid
                if cid in here and cid not in newest and (diagnosis := _shown(record, model_id)):
                    newest[cid] = Case(distances[cid], record, diagnosis)
            yield from (newest[cid] for cid in cids if cid in newest)


def _shown(record: Record, model_id: str) -> DiagnosisRecordedEvent | None:
    found = (
        diagnosis
        for diagnosis in reversed(record.diagnoses)
        if diagnosis.model_id == model_id
        and diagnosis.label != SEALED_LABEL
        and record.status_of(diagnosis) is not DiagnosisStatus.WITHDRAWN
        and record.compromised_since(diagnosis) is None
    )
    return next(found, None)


def _distances(wanted: bytes, others: Sequence[bytes]) -> np.ndarray:
    """1 minus the cosine with each of ``others``, (N,); 1 for features that are all 0."""
    one = np.frombuffer(wanted, "<f2").astype(np.float32)
    many = np.frombuffer(b"".join(others), "<f2").astype(np.float32).reshape(len(others), len(one))
    lengths = np.linalg.norm(many, axis=1) * np.linalg.norm(one)
    cosines = np.divide(many @ one, lengths, out=np.zeros(len(many), np.float32), where=lengths > 0)
    distances: np.ndarray = np.clip(1 - cosines, 0.0, 2.0)
    return distances
