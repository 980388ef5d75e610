"""The gate: what kind of image is it, before a model is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.datasets.splits import SPLITS
from ml.errors import WrongChoice
from ml.evaluation.outliers import draw_outliers
from ml.gate.data import BRAIN, HISTOLOGY, Material, gather, listed
from ml.gate.gate import REASON, Gate
from ml.gate.pictures import LEARNED, LEARNED_PHOTOGRAPHS, UNSEEN, UNSEEN_PHOTOGRAPHS, unseen_pictures
from ml.gate.pictures import learned_pictures as learned
from ml.inference.registry import Registry
from ml.preprocessing.thumbnail import thumbnail
from ml.training.specifications import MODALITY_GATE


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


@pytest.fixture(scope="module")
def gate(registry: Registry) -> Gate:
    return registry.get("modality-gate")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_thumbnail_shows_the_whole_image(mode: str) -> None:
    seen = thumbnail(Image.new(mode, (300, 200), "white"), 8)
    assert seen.pixels.shape == (1, 8, 8, 3)
    assert seen.pixels.dtype == np.float32
    assert (seen.pixels == 1.0).all()
    assert (seen.crop.right, seen.crop.bottom) == seen.size == (300, 200)


@pytest.mark.parametrize("kind", ["noise", "coloured noise", "blank", "text", "stripes", "coloured scenery"])
def test_what_is_neither_is_declined_with_the_reason(gate: Gate, kind: str) -> None:
    found = [gate.predict(image) for image in draw_outliers(count=10, seed=99)[kind]]
    declined = [each for each in found if each.abstained]
    assert len(declined) >= 9
    assert {(each.label, each.code, each.reason) for each in declined} == {("abstained", 0, REASON)}
    assert REASON == "not recognised as a brain MRI or a breast-histology image"


def test_other_is_never_an_answer(gate: Gate) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    found = gate.predict(noise)
    assert max(found.probabilities, key=found.probabilities.get) == "other"
    assert found.label == "abstained"


def test_without_a_model_named_the_gate_declines_what_it_does_not_know(registry: Registry, gate: Gate) -> None:
    assert registry.for_image(draw_outliers(count=1, seed=5)["text"][0]) is gate


@pytest.mark.parametrize(("pattern", "modality"), [("mri_*.jpg", "brain-mri"), ("SOB_*.png", "breast-histology")])
def test_uploads_go_to_their_model(registry: Registry, data: Path, pattern: str, modality: str) -> None:
    for path in sorted((data / "samples").glob(pattern)):
        assert registry.for_image(path.read_bytes()).bundle.metadata.modality == modality, path.name


def test_a_section_in_grey_is_declined(gate: Gate, data: Path) -> None:
    for path in sorted((data / "samples").glob("SOB_*.png")):
        assert gate.predict(Image.open(path).convert("L")).abstained, path.name


def test_no_kind_that_is_judged_on_was_learned_from() -> None:
    assert not LEARNED.keys() & UNSEEN.keys()
    assert not set(LEARNED_PHOTOGRAPHS) & set(UNSEEN_PHOTOGRAPHS)


@pytest.mark.parametrize("draw", [learned, unseen_pictures])
def test_the_same_seed_draws_the_same_pictures(draw) -> None:
    brains, histology = [Image.new("L", (90, 80), 90)], [Image.new("RGB", (70, 46), (200, 120, 180))]
    first, again = (draw(1, 3, brains, histology) for _ in range(2))
    assert {kind: len(pictures) for kind, pictures in first.items()} == dict.fromkeys(first, 1)
    for kind, (picture,) in first.items():
        assert picture.mode in ("L", "RGB")
        assert picture.tobytes() == again[kind][0].tobytes(), kind


def test_no_patient_is_learned_from_and_judged_on(data: Path) -> None:
    files = listed(data / "brain-mri", data / "breakhis-100x")
    parts = [set(gather(files[split], split, brain_limit=3, pictures=1).patients) for split in ("val", "test")]
    assert len(parts[0]) == 4
    assert len(parts[1]) == 5
    assert not parts[0] & parts[1]


def test_a_collection_without_the_folds_of_a_split_is_refused(tmp_path: Path) -> None:
    brains = "".join(f"{split}.png,brain,{split},\n" for split in SPLITS)
    sections = "a.png,benign,,0\nb.png,benign,,3\n"
    for name, rows in (("brains", brains), ("sections", sections)):
        (tmp_path / name).mkdir()
        for row in rows.splitlines():
            Image.new("L", (8, 8)).save(tmp_path / name / row.partition(",")[0])
        (tmp_path / name / "manifest.csv").write_text(f"path,label,split,fold\n{rows}")
    with pytest.raises(WrongChoice, match="sections: expected rows of the folds 4, found none"):
        listed(tmp_path / "brains", tmp_path / "sections")


def test_the_rate_of_false_alarms_counts_the_two_kinds_only() -> None:
    from ml.gate.training import false_alarm_rate

    probabilities = np.array([[0.9, 0.05, 0.05], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
    labels = np.array([0, 0, 1, 2])
    assert false_alarm_rate(probabilities, labels) == pytest.approx(1 / 3, abs=1e-4)


def test_a_gate_is_trained_and_packaged(tmp_path: Path) -> None:
    from ml.gate.network import build_gate
    from ml.gate.training import package
    from ml.training.fitting import fit
    from ml.training.recipes import Recipe

    brains = [Image.new("L", (20, 20), 40 + number) for number in range(8)]
    histology = [Image.new("RGB", (20, 20), (230, 60 + number, 200)) for number in range(8)]
    material = Material(brains, histology, ["a", "b"] * 4, {"flags": [Image.new("RGB", (20, 20), "green")] * 8})
    images = material.labelled(64)
    assert np.bincount(images.labels).tolist() == [8, 8, 8]
    assert images.pixels[8].mean(axis=(0, 1)) * 255 == pytest.approx((230, 60, 200), abs=1)
    recipe = Recipe(epochs=1, batch_size=24, cycles=1, mixup=0.0, augmentation="none", average=0.0)
    network = build_gate((64, 64, 3), 3)
    fit(network, images, images, recipe)

    bundle = package(MODALITY_GATE, network, recipe, {"train": images, "val": images}, material, tmp_path)

    assert bundle.metadata.labels[HISTOLOGY] == "breast-histology"
    assert np.sum(bundle.metrics["test"]["decisions"], axis=1).tolist() == [8, 8, 8]
    assert bundle.metrics["outliers"]["flags"]["images"] == 8


def test_the_shipped_gate_knows_the_two_kinds(gate: Gate) -> None:
    brain, section, _ = np.array(gate.bundle.metrics["test"]["decisions"])
    assert brain[BRAIN] / brain.sum() >= 0.99
    assert section[HISTOLOGY] / section.sum() >= 0.99
    assert len(gate.bundle.model) < 300_000
