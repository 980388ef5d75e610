"""Classifies the slices of a study, and makes its documents of the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from backend.domain import ImageFacts, ModelFacts, StudySeries
from backend.ports import Classifier
from backend.services import manifests, study_documents
from backend.services.classification import choose_model, infer
from backend.services.study_documents import StudyDocuments

AT_ONCE = 2
"""Slices that are classified at the same time: decoding leaves this process, so that two cores are used."""


class StudyClassification:
    """``cid_of`` computes the CID of bytes. Stores nothing. Thread-safe."""

    def __init__(
        self,
        classifier: Classifier,
        cid_of: Callable[[bytes], str],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._classifier = classifier
        self._cid_of = cid_of
        self._now = now

    def infer(self, facts: ImageFacts, content: bytes, model: str | None) -> bytes:
        """The inference manifest of a slice, by the named model or the one for its modality.

        Raises NotFound, UnsupportedImage, ImageTooLarge, ServerBusy, ClassificationFailed.
        """
        choice = choose_model(self._classifier, model, lambda gate: self._classifier.recognise(gate, content))
        return infer(self._classifier, choice, facts, content, self._now).manifest

    def infer_several(self, slices: Sequence[tuple[ImageFacts, Callable[[], bytes]]], model: str | None) -> list[bytes]:
        """As ``infer`` for a few slices; each function reads the bytes of its image."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda each: self.infer(each[0], each[1](), model), slices))

    def complete(
        self,
        facts: Sequence[ImageFacts],
        inferences: Sequence[bytes],
        model: str | None,
        read: Callable[[int], bytes],
        series: StudySeries | None = None,
    ) -> StudyDocuments:
        """The documents of a study from the inference manifest of each slice; ``read`` gives the bytes of a slice.

        The model of the series is the named one, or the one for the modality that the gate recognised most often.
        Slices of another modality become the gate's abstentions, as if that model had been named.
        """
        lines = list(inferences)
        seen = [_recognised(each) for each in lines]
        own = self._model_of(seen, model)
        for order, modality in enumerate(seen):
            if modality not in (None, own.modality):
                lines[order] = self.infer(facts[order], read(order), own.name)
        slices = study_documents.slices_of(facts, lines)
        return study_documents.build(slices, lines, model=own, series=series, cid_of=self._cid_of, time=self._now())

    def _model_of(self, seen: Sequence[str | None], model: str | None) -> ModelFacts:
        if model:
            return self._classifier.resolve(model)
        counts = Counter(modality for modality in seen if modality)
        if counts:
            return self._classifier.for_modality(counts.most_common(1)[0][0])
        return self._classifier.gate() or self._classifier.resolve(None)


def _recognised(inference: bytes) -> str | None:
    """What the gate recognised, by the inference manifest."""
    found = manifests.read(inference)
    return found.opinion.modality if found and found.opinion else None
