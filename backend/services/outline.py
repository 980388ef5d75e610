"""Outlines a tumour, but only on images in which the classifier finds one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

from backend.domain import Classification, ModelFacts, Outline
from backend.errors import NotFound
from backend.ports import Classifications, Classifier, Outliner
from backend.services.classification import ClassificationService
from backend.services.intake import IntakeService

if TYPE_CHECKING:
    from ml.inference.prediction import Prediction

FREE_OF_TUMOUR = {"brain-mri": "notumor"}
"""The modalities in which tumours are outlined, each with its label for no tumour."""


class Finding(Protocol):
    """A classifier's output, whether just made or from a manifest."""

    @property
    def label(self) -> str: ...

    @property
    def abstained(self) -> bool: ...


class OutlineService:
    """Stores nothing. Thread-safe."""

    def __init__(
        self,
        classifications: Classifications,
        classification: ClassificationService,
        intake: IntakeService,
        classifier: Classifier,
        outliner: Outliner,
    ) -> None:
        self._classifications = classifications
        self._classification = classification
        self._intake = intake
        self._classifier = classifier
        self._outliner = outliner

    def outline(self, cid: str, model_name: str | None) -> Outline:
        """The outline on a known image, after the output of the named classifier (None: the one for its modality).

        Raises InvalidCid, NotFound, StorageError, UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """
        image = cache(lambda: self._intake.content(cid))
        model = self._classification.choose(cid, model_name, image)
        finding: Classification | Prediction | None
        finding = self._classifications.find(cid, self._classifier.decoding, model.sha256)
        if finding and (reason := why_not_outlined(model, finding)):
            return Outline(None, reason)
        _, content = image()
        finding = finding or self._classifier.predict(model, content)[0]
        return outline_finding(self._outliner, model, finding, content)

    def overlay(self, cid: str, model_name: str | None) -> bytes:
        """The outline as a PNG overlay. Raises NotFound when there is no outline, and as ``outline``."""
        found = self.outline(cid, model_name)
        if found.overlay is None:
            raise NotFound(f"nothing is outlined: {found.reason}")
        return found.overlay


def outline_finding(outliner: Outliner, model: ModelFacts, finding: Finding, image: bytes) -> Outline:
    """The outline on ``image``; ``finding`` is the output of classifier ``model``. Raises as ``Outliner.outline``."""
    if reason := why_not_outlined(model, finding):
        return Outline(None, reason)
    found = outliner.outline(model.modality, image)
    return found or Outline(None, f"no model that outlines tumours on {model.modality} images is installed")


def why_not_outlined(model: ModelFacts, finding: Finding) -> str | None:
    """Why there is no outline for that finding; None when the classifier found a tumour."""
    if finding.abstained:
        return "the classifier gave no answer"
    if model.modality not in FREE_OF_TUMOUR:
        return f"tumours are outlined on {', '.join(FREE_OF_TUMOUR)} images, not on {model.modality}"
    if finding.label == FREE_OF_TUMOUR[model.modality]:
        return "the classifier found no tumour"
    return None
