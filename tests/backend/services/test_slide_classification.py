"""One answer for a slide, made of those for its fields by a rule that the manifest names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import rfc8785

from backend.domain import (
    GateOpinion,
    ImageFacts,
    LocalSlide,
    ModelDescription,
    ModelFacts,
    ModelLabel,
    Region,
    SlideFacts,
    SlideLevel,
)
from backend.errors import NotFound, UnsupportedImage
from backend.services import manifests
from backend.services.reproduction import repeat
from backend.services.slide_classification import FIELD, SlideClassification

MODEL = ModelFacts("breast-histology", "1.0.0", "ab" * 32, "breast-histology")
OTHER = ModelFacts("brain-mri", "1.0.0", "ef" * 32, "brain-mri")
GATE = ModelFacts("modality-gate", "1.0.0", "cd" * 32, "any")
BENIGN, MALIGNANT = ("benign", 1), ("malignant", 2)


class Reader:
    """Port SlideReader: as many fields as asked for; a field's picture is its number."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.asked: list[tuple[tuple[int, int], int]] = []

    def fields(self, slide: LocalSlide, size: tuple[int, int], most: int) -> Sequence[Region]:
        self.asked.append((size, most))
        return [Region(number * size[0], 0, *size) for number in range(self._count)]

    def region(self, slide: LocalSlide, region: Region, size: tuple[int, int]) -> bytes:
        assert size == FIELD
        return bytes([region.x // region.width])


class Models:
    """Port Classifier: ``malignant`` is the probability for each field, None where the gate declines it."""

    def __init__(self, *malignant: float | None) -> None:
        self._malignant = malignant

    def resolve(self, name: str) -> ModelFacts:
        return {MODEL.name: MODEL, OTHER.name: OTHER}[name]

    def for_modality(self, modality: str) -> ModelFacts:
        assert modality == "breast-histology"
        return MODEL

    def magnification(self, model: ModelFacts) -> int | None:
        return 100 if model == MODEL else None

    def least_confidence(self, model: ModelFacts) -> float:
        return 0.6

    def describe(self, sha256: str) -> ModelDescription | None:
        classes = tuple(ModelLabel(label, code, label) for label, code in (BENIGN, MALIGNANT))
        if sha256 not in (MODEL.sha256, GATE.sha256):
            return None
        return ModelDescription(MODEL if sha256 == MODEL.sha256 else GATE, "classifier", "", None, classes, {}, "", 100)

    def recognise(self, gate: ModelFacts, image: bytes) -> GateOpinion:
        return GateOpinion(gate, "other" if self._malignant[image[0]] is None else MODEL.modality)

    def predict(self, model: ModelFacts, image: bytes) -> tuple[SimpleNamespace, None]:
        malignant = self._malignant[image[0]]
        label, code = MALIGNANT if malignant > 0.5 else BENIGN
        confidence = max(malignant, 1 - malignant)
        abstained = confidence < 0.6
        return (
            SimpleNamespace(
                label="abstained" if abstained else label,
                code=0 if abstained else code,
                confidence=confidence,
                probabilities={"benign": 1 - malignant, "malignant": malignant},
                abstained=abstained,
            ),
            None,
        )


def slide(micrometres: float | None = 0.25) -> LocalSlide:
    levels = (SlideLevel(20_000, 10_000, 1.0),)
    said = SlideFacts(levels, micrometres, None, None)
    facts = ImageFacts("bafy", "12" * 32, 10, 20_000, 10_000, "image/tiff", (), slide=said)
    return LocalSlide(Path("slide.tif"), facts)


def answer(*malignant: float | None, micrometres: float | None = 0.25):
    return SlideClassification(Models(*malignant), Reader(len(malignant))).answer(slide(micrometres), MODEL, GATE)


def test_the_answer_is_the_mean_over_the_answered_fields() -> None:
    found, opinion = answer(0.9, 0.8, 0.7, 0.55, None)

    assert (found.label, found.code, found.abstained, found.reason) == ("malignant", 2, False, None)
    assert found.probabilities == {"benign": 0.2, "malignant": 0.8}
    assert found.confidence == 0.8
    assert opinion == GateOpinion(GATE, "breast-histology")
    assert [field.abstained for field in found.fields] == [False, False, False, True, True]
    assert [field.label_code for field in found.fields] == [2, 2, 2, 0, 0]


@pytest.mark.parametrize(
    ("malignant", "reason"),
    [
        ((0.9, 0.55, 0.55, 0.55), "of 4 fields with tissue, gate and model answered 1; an answer needs a third"),
        ((0.9, 0.9, 0.3, 0.3), None),
        ((0.9, 0.9, 0.1, 0.2), "no class is probable enough: the highest mean is 0.53, the limit 0.60"),
        ((), "no field of the slide shows enough tissue"),
    ],
)
def test_too_few_answers_or_too_low_a_mean_are_an_abstention(malignant: tuple[float, ...], reason: str | None) -> None:
    found, _ = answer(*malignant)

    assert found.reason == reason
    assert (found.label, found.code) == (("abstained", 0) if reason else ("malignant", 2))


def test_the_gate_recognises_a_slide_by_a_third_of_its_fields() -> None:
    assert answer(0.9, None, None)[1].modality == "breast-histology"
    assert answer(0.9, None, None, None)[1].modality is None


@pytest.mark.parametrize(
    ("micrometres", "reason"),
    [
        (None, "the slide does not state the size of its pixels; breast-histology needs at most 0.26 micrometres"),
        (0.5, "the slide's pixels are 0.500 micrometres wide; breast-histology needs at most 0.26, since it knows "),
    ],
)
def test_without_a_pixel_size_or_too_coarse_nothing_is_read(micrometres: float | None, reason: str) -> None:
    found, opinion = answer(0.9, micrometres=micrometres)

    assert found.abstained
    assert found.reason.startswith(reason)
    assert (found.fields, opinion) == ((), None)
    assert found.probabilities == {"benign": 0.0, "malignant": 0.0}


@pytest.mark.parametrize(("micrometres", "size"), [(0.25, (560, 368)), (0.26, (538, 354)), (0.1, (1400, 920))])
def test_a_field_is_as_much_tissue_as_a_photograph_shows(micrometres: float, size: tuple[int, int]) -> None:
    reader = Reader(1)
    SlideClassification(Models(0.9), reader).answer(slide(micrometres), MODEL, GATE)

    assert reader.asked == [(size, 48)]


def test_without_a_gate_every_field_asks_the_model() -> None:
    found, opinion = SlideClassification(Models(0.9, 0.7), Reader(2)).answer(slide(), MODEL, None)

    assert (found.label, opinion) == ("malignant", None)


def test_only_a_model_for_photographs_at_100_reads_slides() -> None:
    service = SlideClassification(Models(), Reader(0))

    assert service.model(None) == service.model("breast-histology") == MODEL
    with pytest.raises(NotFound, match="a model that reads whole slides, found brain-mri"):
        service.model("brain-mri")


def test_the_manifest_names_rule_grid_and_fields() -> None:
    found, opinion = answer(0.9, 0.8, None)
    manifest = manifests.build(
        image=slide().facts,
        model=MODEL,
        preprocessing={"id": "histology", "temperature": 1.0},
        prediction=found,
        time=datetime(2026, 11, 29, tzinfo=UTC),
        decoding=3,
        opinion=opinion,
    )

    tiles = json.loads(manifest)["tiles"]
    assert {name: value for name, value in tiles.items() if name != "list"} == {
        "rule": "mean-of-fields/1",
        "decoding": "slide-1",
        "micrometresPerPixel": 0.25,
        "field": {"width": 560, "height": 368},
        "leastConfidence": 0.6,
        "read": 3,
        "answered": 2,
    }
    assert tiles["list"][1] == {
        "x": 560,
        "y": 0,
        "width": 560,
        "height": 368,
        "label": "malignant",
        "labelCode": 2,
        "confidence": 0.8,
        "abstained": False,
    }
    read = manifests.read(manifest).slide
    assert read.fields == found.fields
    assert read.statements == manifests.slide_statements(found)


@pytest.mark.parametrize(
    "damage",
    [
        {"list": 3},
        {"list": [{"x": "0"}]},
        {"list": [{}] * 1001},
        {"rule": 3},
    ],
)
def test_a_manifest_with_other_tiles_is_no_manifest(damage: dict) -> None:
    found, opinion = answer(0.9)
    content = manifests.build(
        image=slide().facts,
        model=MODEL,
        preprocessing={"id": "histology", "temperature": 1.0},
        prediction=replace(found),
        time=datetime(2026, 11, 29, tzinfo=UTC),
        decoding=3,
        opinion=opinion,
    )
    values = json.loads(content)
    values["tiles"] |= damage

    assert manifests.read(json.dumps(values).encode()) is None


def repeated(made: Sequence[float | None], again: Sequence[float | None], **changes: object) -> tuple[bool, str]:
    """Whether the manifest of fields ``made``, with ``changes``, is reproduced by fields ``again``."""
    models = Models(*made)
    found, opinion = SlideClassification(models, Reader(len(made))).answer(slide(), MODEL, GATE)
    content = manifests.build(
        image=slide().facts,
        model=MODEL,
        preprocessing={"id": "histology", "temperature": 1.0},
        prediction=found,
        time=datetime(2026, 11, 29, tzinfo=UTC),
        decoding=3,
        opinion=opinion,
    )
    manifest = manifests.read(rfc8785.dumps(json.loads(content) | changes))
    models = Models(*again)
    return repeat(models, manifest, MODEL, slide(), SlideClassification(models, Reader(len(again))))


def test_the_same_fields_give_the_same_answer() -> None:
    passed, found = repeated((0.9, 0.8, None), (0.9, 0.80005, None))

    assert passed
    assert found.startswith("malignant (0.8500), largest difference 0.0000")
    assert found.endswith(", from 3 fields")


TILES = {"rule": "mean-of-fields/1", "decoding": "slide-1", "list": []}


@pytest.mark.parametrize(
    ("again", "changes", "expected"),
    [
        ((0.9, 0.8), {}, "other fields: expected 3, found 2"),
        ((0.9, 0.7, None), {}, "another result for field 2: malignant (0.7000)"),
        ((0.9, 0.8, 0.8), {}, "another result for field 3: malignant (0.8000)"),
        ((0.9, 0.8, None), {"label": "benign", "labelCode": 1}, "malignant (0.8500), largest"),
        ((0.9, 0.8, None), {"probabilities": {"benign": 0.3, "malignant": 0.7}}, "malignant (0.8500), largest"),
        ((0.9, 0.8, None), {"tiles": TILES}, "other fields: expected 0, found 3"),
        ((0.9, 0.8, None), {"tiles": TILES | {"rule": "best/9"}}, "not checked: slides are not read by best/9"),
        (
            (0.9, 0.8, None),
            {"tiles": TILES | {"decoding": "x"}},
            "not checked: slides are not read by mean-of-fields/1 a",
        ),
        ((None, None, None), {}, "the gate recognises no modality, not breast-histology"),
        (
            (0.9, 0.8, None),
            {"gate": {"name": "g", "version": "1", "sha256": "77" * 32, "modality": None}},
            f"not checked: the gate with SHA-256 {'77' * 32} is not installed here",
        ),
    ],
)
def test_another_answer_is_not_reproduced(again: Sequence[float | None], changes: dict, expected: str) -> None:
    passed, found = repeated((0.9, 0.8, None), again, **changes)

    assert not passed
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"micrometresPerPixel": 0.1}, "the manifest states another micrometresPerPixel"),
        ({"field": {"width": 700, "height": 460}}, "the manifest states another field"),
        ({"leastConfidence": 0.1}, "the manifest states another leastConfidence"),
        ({"read": 48, "answered": 48}, "the manifest states another read and answered"),
        ({"stain": "HER2"}, "the manifest has further statements"),
    ],
)
def test_statements_on_a_slide_that_are_not_those_of_the_repetition_are_not_reproduced(
    changes: dict, expected: str
) -> None:
    found, _ = answer(0.9, 0.8, None)
    listed = [manifests.field_values(field) for field in found.fields]
    tiles = manifests.slide_statements(found) | {"list": listed}
    assert repeated((0.9, 0.8, None), (0.9, 0.8, None), tiles=tiles)[0]

    assert repeated((0.9, 0.8, None), (0.9, 0.8, None), tiles=tiles | changes) == (False, expected)


def test_a_result_of_a_model_that_reads_no_slides_is_not_reproduced() -> None:
    models = Models(0.9)
    manifest = SimpleNamespace(slide=manifests.ReadSlide("mean-of-fields/1", "slide-1", (), {}), opinion=None)

    assert repeat(models, manifest, OTHER, slide(), SlideClassification(models, Reader(1))) == (
        False,
        "brain-mri does not read slides: expected a model that does",
    )


def test_an_image_is_not_a_slide_and_a_slide_no_image() -> None:
    read = manifests.ReadSlide("mean-of-fields/1", "slide-1", (), {})
    manifest = SimpleNamespace(slide=read)

    assert repeat(Models(), manifest, MODEL, b"PNG") == (
        False,
        "the image is no slide, and the manifest is of another image",
    )
    assert not repeat(Models(), SimpleNamespace(slide=None), MODEL, slide())[0]
    assert repeat(Models(), manifest, MODEL, slide())[1].startswith("not checked: slides are not read by")


def test_a_slide_that_cannot_be_read_is_not_reproduced() -> None:
    class Damaged(Reader):
        def region(self, slide: LocalSlide, region: Region, size: tuple[int, int]) -> bytes:
            raise UnsupportedImage("damaged")

    manifest = SimpleNamespace(slide=manifests.ReadSlide("mean-of-fields/1", "slide-1", (), {}), opinion=None)

    assert repeat(Models(0.9), manifest, MODEL, slide(), SlideClassification(Models(0.9), Damaged(1))) == (
        False,
        "damaged",
    )
