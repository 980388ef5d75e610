"""Nothing is outlined unless a classifier takes the image for a tumour in a modality that has a model for it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from backend.container import Container
from backend.domain import ImageFacts, ModelFacts, Outline
from backend.errors import NotFound
from backend.services.outline import OutlineService, outline_finding

SQUARE = ((1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0))


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rule looks at, of a prediction."""

    label: str
    abstained: bool = False


class SquareOutliner:
    """Outlines the same square on everything, and counts how often it was asked."""

    def __init__(self, modality: str = "brain-mri") -> None:
        self.modality = modality
        self.asked = 0

    def outline(self, modality: str, image: bytes) -> Outline | None:
        self.asked += 1
        if modality != self.modality:
            return None
        return Outline(facts("tumour-outline"), None, (SQUARE,), 16, 0.1, 0.9, b"PNG")


def facts(name: str = "brain-mri", modality: str = "brain-mri") -> ModelFacts:
    return ModelFacts(name, "1.0.0", "ab" * 32, modality)


@pytest.mark.parametrize("label", ["glioma", "meningioma", "pituitary"])
def test_a_tumour_is_outlined(label: str) -> None:
    found = outline_finding(SquareOutliner(), facts(), Finding(label), b"")
    assert (found.contours, found.pixels, found.reason) == ((SQUARE,), 16, None)


@pytest.mark.parametrize(
    ("model", "finding", "reason"),
    [
        (facts(), Finding("notumor"), "the classifier found no tumour"),
        (facts(), Finding("abstained", abstained=True), "the classifier gave no answer"),
        (facts("modality-gate", "any"), Finding("abstained", abstained=True), "the classifier gave no answer"),
        (
            facts("breast-histology", "breast-histology"),
            Finding("malignant"),
            "tumours are outlined on brain-mri images, not on breast-histology",
        ),
    ],
)
def test_nothing_is_outlined_and_no_model_asked(model: ModelFacts, finding: Finding, reason: str) -> None:
    outliner = SquareOutliner()
    assert outline_finding(outliner, model, finding, b"") == Outline(None, reason)
    assert outliner.asked == 0


def test_without_a_model_that_outlines_the_reason_says_so() -> None:
    found = outline_finding(SquareOutliner("chest-x-ray"), facts(), Finding("glioma"), b"")
    assert found == Outline(None, "no model that outlines tumours on brain-mri images is installed")


def test_a_classification_that_is_kept_decides(
    container: Container, image: ImageFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = service_of(container, SquareOutliner())
    monkeypatch.setattr(type(container.classifier), "predict", lambda *_: (Finding("abstained", abstained=False), None))
    assert service.outline(image.cid, "brain-mri").reason.startswith("tumours are outlined on brain-mri images, not on")
    monkeypatch.undo()
    container.classification.classify(image.cid, "brain-mri")
    monkeypatch.setattr(type(container.classifier), "predict", lambda *_: pytest.fail("classified again"))
    assert service.outline(image.cid, "brain-mri").reason == "the classifier gave no answer"


def test_there_is_no_layer_of_nothing(container: Container, image: ImageFacts) -> None:
    with pytest.raises(NotFound, match=r"^nothing is outlined: the classifier gave no answer$"):
        service_of(container, SquareOutliner()).overlay(image.cid, None)


def test_the_image_is_fetched_once(container: Container, image: ImageFacts, fetched: list[str]) -> None:
    service_of(container, SquareOutliner()).outline(image.cid, None)
    assert fetched == [image.cid]


def test_an_image_that_was_not_pinned_is_not_outlined(container: Container, picture) -> None:
    cid = container.inspector.accept(picture())[1].cid
    with pytest.raises(NotFound, match=f"^no image {cid} was uploaded here$"):
        container.outline.outline(cid, None)


def service_of(container: Container, outliner: SquareOutliner) -> OutlineService:
    return OutlineService(
        container.outline._classifications, container.classification, container.intake, container.classifier, outliner
    )
