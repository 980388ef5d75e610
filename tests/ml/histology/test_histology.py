"""Breast histology: stains, nuclei, tiles, and a classifier that is judged on patients it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle.litert import LiteRtNetwork
from ml.bundle.procedures import procedure_of
from ml.datasets import Sample
from ml.histology import tiles
from ml.histology.measures import MEASURES, measure_tiles
from ml.histology.nuclei import nuclear_measures
from ml.histology.stains import TYPICAL_STAINS, optical_density, separate, stain_colours
from ml.inference.calibration import softmax
from ml.inference.registry import Registry
from ml.inference.single_network import Predictor
from ml.training.linear_head import Measured, fit_head, out_of_fold, out_of_fold_probabilities
from ml.training.specifications import BREAST_HISTOLOGY

SIZE = 140
OTHER_STAINS = np.array([[0.55, 0.75, 0.35], [0.20, 0.85, 0.30]])


@pytest.fixture(scope="module")
def model() -> Predictor:
    return Registry().get("breast-histology")


def amounts(seed: int = 0) -> np.ndarray:
    """Smooth, unrelated amounts of two stains, (2, 92, 140)."""
    noise = np.random.default_rng(seed).uniform(0, 1, (2, 12, 18)).astype(np.float32)
    return np.stack([np.asarray(Image.fromarray(each).resize((140, 92), Image.Resampling.BICUBIC)) for each in noise])


def stained(of: np.ndarray, stains: np.ndarray) -> np.ndarray:
    """The picture, uint8 (H, W, 3), that these amounts of these stains give."""
    colours = stains / np.linalg.norm(stains, axis=1, keepdims=True)
    return (255 * np.exp(-np.moveaxis(of.clip(0.05, 1) * 1.5, 0, 2) @ colours)).round().astype(np.uint8)


@pytest.mark.parametrize("stains", [TYPICAL_STAINS, OTHER_STAINS], ids=["typical", "of another laboratory"])
def test_stains_are_separated_whatever_their_colours(stains: np.ndarray) -> None:
    truth = amounts()
    found = separate(optical_density(stained(truth, stains)))
    for number in range(2):
        assert np.corrcoef(found[number].ravel(), truth[number].clip(0.05, 1).ravel())[0, 1] > 0.97


def test_without_stained_tissue_the_typical_stains_are_assumed() -> None:
    assert stain_colours(np.zeros((1000, 3), np.float32)) is TYPICAL_STAINS


def discs(radius: int, count_x: int) -> np.ndarray:
    """Haematoxylin, float32 (200, 300): rows of dark discs in the left third of the picture."""
    picture = np.full((200, 300), 0.1, np.float32)
    y, x = np.mgrid[:200, :300]
    for top in range(20, 200, 40):
        for left in np.linspace(15, 85, count_x):
            picture[np.hypot(y - top, x - left) < radius] = 0.9
    return picture


def test_nuclei_are_counted_and_measured_where_they_are() -> None:
    small, large = np.stack(nuclear_measures(discs(4, 4))), np.stack(nuclear_measures(discs(7, 4)))
    assert small[:, :, 1:].max() == 0.0
    assert np.exp(small[0, :, 0]).sum() == pytest.approx(20, abs=2)
    area = 2
    assert np.exp(large[area, 0, 0] - small[area, 0, 0]) == pytest.approx((7 / 4) ** 2, rel=0.3)


def test_a_tile_is_measured_from_its_own_pixels() -> None:
    values = np.zeros((21, 31), np.float32)
    values[:10, 20:30] = 1.0
    assert tiles.mean(values).tolist() == [[0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("shape", [(46, 70), (200, 90), (1, 1), (90, 400, 3)])
def test_any_image_can_be_measured(shape: tuple[int, ...]) -> None:
    seen = measure_tiles(Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8)), SIZE)
    assert seen.pixels.shape == (1, *tiles.GRID, MEASURES)
    assert np.isfinite(seen.pixels).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_image_can_be_measured(level: int) -> None:
    assert np.isfinite(measure_tiles(Image.new("L", (70, 46), level), SIZE).pixels).all()


def test_the_middle_is_looked_at() -> None:
    wide = measure_tiles(Image.new("RGB", (1000, 460)), SIZE).crop
    assert (wide.left, wide.top, wide.right, wide.bottom) == pytest.approx((150, 0, 850, 460))
    high = measure_tiles(Image.new("RGB", (700, 1000)), SIZE).crop
    assert (high.left, high.top, high.right, high.bottom) == pytest.approx((0, 270, 700, 730))


def patients_alone(seed: int = 0) -> Measured:
    """Forty patients of six images, whose measures tell the patient and nothing of the class."""
    generator = np.random.default_rng(seed)
    patients = np.repeat(np.arange(40), 6)
    measures = generator.normal(size=(40, 60))[patients] + 0.01 * generator.normal(size=(240, 60))
    return Measured(measures, patients % 2, patients.astype(str), (patients // 2 % 5).astype(str))


def test_what_is_known_of_a_patient_does_not_help_with_another() -> None:
    data = patients_alone()
    known = fit_head(data).logits(data.measures).argmax(axis=1) == data.labels
    unknown = out_of_fold(data).argmax(axis=1) == data.labels
    assert known.mean() > 0.95
    assert 0.3 < unknown.mean() < 0.7


def test_calibration_makes_an_empty_claim_modest() -> None:
    data = patients_alone()
    assert out_of_fold_probabilities(data).max(axis=1).mean() < softmax(out_of_fold(data)).max(axis=1).mean() - 0.1


def test_a_bundle_is_made_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml.training.histology import package

    monkeypatch.setattr("ml.training.histology.OTHER_SEEDS", 1)

    generator = np.random.default_rng(0)
    patients = np.repeat(np.arange(10), 6)
    labels = patients % 2
    measured = generator.normal(size=(60, *tiles.GRID, MEASURES)) + 0.5 * labels[:, None, None, None]
    samples = [
        Sample(tmp_path / f"{row}.png", ("benign", "malignant")[label], group=str(patient), fold=str(patient // 4))
        for row, (label, patient) in enumerate(zip(labels, patients, strict=True))
    ]

    bundle = package(BREAST_HISTOLOGY, samples, measured.astype(np.float32), labels, tmp_path, seed=7)

    assert bundle.metrics["grouped"]["macro_auc"] > 0.9
    assert bundle.metrics["grouped"]["patients"]["images"] == 10
    assert bundle.metrics["paper"]["other_seeds"]["macro_auc"] > 0.9
    network = LiteRtNetwork(bundle.model)
    answers = [network(each[None].astype(np.float32)).logits.argmax() for each in measured]
    assert np.mean(answers == labels) > 0.9


def test_the_map_is_exactly_what_the_answer_is_the_mean_of(model: Predictor) -> None:
    pixels = np.random.default_rng(0).normal(size=model.network.input_shape).astype(np.float32)
    output = model.network(pixels)
    assert output.activation_maps.mean(axis=(0, 1))[1] == pytest.approx(output.logits[1], rel=1e-4)
    assert output.activation_maps[..., 0] == pytest.approx(-output.activation_maps[..., 1])


def test_the_shipped_model_says_that_it_is_weak(model: Predictor) -> None:
    metadata, metrics = model.bundle.metadata, model.bundle.metrics
    assert (metadata.labels, [info.code for info in metadata.classes]) == (("benign", "malignant"), [1, 2])
    assert metadata.weak in model.bundle.card
    assert metrics["grouped"]["abstention"]["rate"] > 0.5
    assert metrics["grouped"]["macro_auc"] < metrics["paper"]["macro_auc"]


def test_the_literature_s_protocol_is_met(model: Predictor) -> None:
    assert model.bundle.metrics["paper"]["accuracy"] >= 0.90
    assert model.bundle.metrics["paper"]["macro_auc"] >= 0.95


def test_no_network_of_others_is_inside(model: Predictor) -> None:
    assert len(model.bundle.model) < 100_000


def test_a_section_is_classified_as_it_was_learned(model: Predictor, data: Path) -> None:
    path = next((data / "breakhis-100x" / "benign").glob("*23060CD*"))
    prediction = model.predict(path.read_bytes())
    assert max(prediction.probabilities, key=prediction.probabilities.get) == "benign"
    assert prediction.ood_score < prediction.threshold
    assert prediction.activation_map.shape == (42, 64)
    assert procedure_of(model.bundle.metadata.preprocessing).channels == 3
