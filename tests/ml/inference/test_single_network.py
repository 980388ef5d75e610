from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ml.datasets.phantom import phantom_png
from ml.errors import ImageError
from ml.evaluation.outliers import DRAWINGS, draw_outliers
from ml.inference.overlay import activation_overlay
from ml.inference.prediction import Prediction
from ml.inference.single_network import Predictor

LABELS = {"glioma": 1, "meningioma": 2, "notumor": 3, "pituitary": 4}
MRI_SAMPLES = [f"mri_{label}_{number}.jpg" for label in LABELS for number in (1, 2, 3)]
HISTOLOGY_SAMPLES = [
    "SOB_B_F-14-23060CD-100-001.png",
    "SOB_B_F-14-23060CD-100-002.png",
    "SOB_M_DC-14-12312-100-005.png",
    "SOB_M_DC-14-12312-100-006.png",
]


@pytest.fixture(scope="session")
def prediction(predictor: Predictor) -> Prediction:
    return predictor.predict(phantom_png())


def deterministic(prediction: Prediction) -> tuple[object, ...]:
    return (prediction.label, prediction.probabilities, prediction.ood_score, prediction.activation_map.tobytes())


@pytest.mark.parametrize("name", MRI_SAMPLES)
def test_every_sample_gets_its_class(predictor: Predictor, data: Path, name: str) -> None:
    prediction = predictor.predict((data / "samples" / name).read_bytes())
    label = name.split("_")[1]
    assert (prediction.label, prediction.code, prediction.reason) == (label, LABELS[label], None)


@pytest.mark.parametrize("name", HISTOLOGY_SAMPLES)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_histology_is_declined_in_colour_and_in_grey(predictor: Predictor, data: Path, name: str, mode: str) -> None:
    prediction = predictor.predict(Image.open(data / "samples" / name).convert(mode))
    assert (prediction.label, prediction.code, prediction.abstained) == ("abstained", 0, True)
    assert prediction.reason is not None


@pytest.mark.parametrize("kind", DRAWINGS)
def test_what_is_no_scan_is_declined(predictor: Predictor, kind: str) -> None:
    images = draw_outliers(count=10, seed=99)[kind]
    assert sum(predictor.predict(image).abstained for image in images) >= 9


def test_a_coloured_scan_is_declined_for_its_colour(predictor: Predictor) -> None:
    tinted = ImageOps.colorize(Image.open(BytesIO(phantom_png())), "black", "orange")
    reason = predictor.predict(tinted).reason
    assert reason is not None
    assert reason.startswith("a brain-mri image is grey; the colourfulness is ")


def test_a_score_over_the_limit_is_the_reason(predictor: Predictor) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8))
    prediction = predictor.predict(noise)
    assert prediction.ood_score > prediction.threshold
    assert prediction.reason == (
        "unlike the brain-mri images of the training data: "
        f"score {prediction.ood_score:.2f}, limit {prediction.threshold:.2f}"
    )


def test_no_probable_class_is_a_reason(predictor: Predictor, head: Image.Image) -> None:
    limits = replace(predictor.bundle.metadata.abstention, score=1e9, confidence=1.01)
    metadata = replace(predictor.bundle.metadata, abstention=limits)
    prediction = Predictor(replace(predictor.bundle, metadata=metadata)).predict(head)
    assert (prediction.label, prediction.code) == ("abstained", 0)
    expected = f"no class is probable enough: the highest is {prediction.confidence:.2f}, the limit 1.01"
    assert prediction.reason == expected


def test_probabilities_are_rounded_and_sum_to_one(prediction: Prediction) -> None:
    values = list(prediction.probabilities.values())
    assert list(prediction.probabilities) == list(LABELS)
    assert sum(values) == pytest.approx(1, abs=1e-5)
    assert values == [round(value, 6) for value in values]
    assert prediction.confidence == max(values)


def test_the_same_bytes_give_the_same_numbers(predictor: Predictor, prediction: Prediction) -> None:
    assert deterministic(predictor.predict(phantom_png())) == deterministic(prediction)


def test_threads_may_share_a_predictor(predictor: Predictor) -> None:
    images = [phantom_png(128 + 8 * number, number) for number in range(8)]
    alone = [deterministic(predictor.predict(image)) for image in images]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda image: deterministic(predictor.predict(image)), images * 5))
    assert together == alone * 5


def test_a_damaged_image_is_an_image_error(predictor: Predictor) -> None:
    with pytest.raises(ImageError, match="found damaged data"):
        predictor.predict(phantom_png()[:-1000])


def test_the_mean_of_the_activation_maps_is_the_logits(predictor: Predictor) -> None:
    pixels = np.random.default_rng(4).random(predictor.network.input_shape, np.float32)
    output = predictor.network(pixels)
    assert output.activation_maps.mean(axis=(0, 1)) == pytest.approx(output.logits, abs=1e-3)


def test_the_activation_map_lies_over_the_content(predictor: Predictor) -> None:
    scan = ImageOps.expand(Image.open(BytesIO(phantom_png(200))), (300, 0, 0, 0))
    prediction = predictor.predict(scan)
    assert prediction.size == (500, 200)
    assert prediction.activation_map.shape == (26, 64)
    assert prediction.activation_map.dtype == np.float32
    assert not prediction.activation_map[:, : int(64 * 0.6)].any()
    assert 0.5 < prediction.activation_map.max() <= 1
    assert prediction.activation_map.min() >= 0


def test_the_activation_map_moves_with_the_content(predictor: Predictor, data: Path) -> None:
    scan = Image.open(data / "samples/mri_glioma_2.jpg").resize((200, 200))
    left = predictor.predict(ImageOps.expand(scan, (0, 0, 200, 0))).activation_map
    right = predictor.predict(ImageOps.expand(scan, (200, 0, 0, 0))).activation_map
    assert np.abs(left[:, :32] - right[:, 32:]).mean() < 0.1
    assert left[:, 36:].max() == right[:, :28].max() == 0


@pytest.mark.parametrize(("size", "expected"), [((2048, 1024), (64, 32)), ((300, 400), (48, 64))])
def test_the_overlay_has_a_pixel_for_each_cell_of_the_map(
    predictor: Predictor, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    scan = Image.open(BytesIO(phantom_png())).resize(size)
    overlay = Image.open(BytesIO(activation_overlay(predictor.predict(scan))))
    assert (overlay.format, overlay.mode, overlay.size) == ("PNG", "RGBA", expected)


def test_the_overlay_is_opaque_where_the_evidence_is(prediction: Prediction) -> None:
    alpha = np.asarray(Image.open(BytesIO(activation_overlay(prediction))))[:, :, 3]
    assert np.corrcoef(alpha.ravel(), prediction.activation_map.ravel())[0, 1] > 0.99
    assert alpha.max() < 255


def test_no_evidence_is_fully_transparent(prediction: Prediction) -> None:
    blank = replace(prediction, activation_map=np.zeros_like(prediction.activation_map))
    assert np.asarray(Image.open(BytesIO(activation_overlay(blank))))[:, :, 3].max() == 0


def test_no_activation_map_has_no_overlay(prediction: Prediction) -> None:
    assert activation_overlay(replace(prediction, activation_map=None)) is None


def test_the_phantom_is_always_the_same_and_a_seed_changes_it() -> None:
    assert phantom_png() == phantom_png()
    assert phantom_png(seed=1) != phantom_png()
    assert Image.open(BytesIO(phantom_png(300))).size == (300, 300)


def test_serving_loads_no_tensorflow() -> None:
    code = (
        "import sys, ml.inference.overlay; from ml.datasets.phantom import phantom_png;"
        "from ml.inference.registry import Registry;"
        "Registry().get('brain-mri').predict(phantom_png());"
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras', 'torch', 'jax')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_prediction_has_the_features_that_its_score_is_made_of(predictor: Predictor, prediction: Prediction) -> None:
    assert prediction.features is not None
    score = predictor.bundle.detector.score(prediction.features[None])[0]
    assert round(float(score), 4) == prediction.ood_score


def test_the_magnification_is_that_of_the_training_images(predictor: Predictor) -> None:
    assert predictor.bundle.metadata.magnification is None
    assert replace(predictor.bundle.metadata, preprocessing="histology-tiles-700-v1").magnification == 100
