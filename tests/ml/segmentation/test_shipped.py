"""The shipped bundle tumour-outline on the public slices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ml.datasets import of_split
from ml.inference.registry import BUNDLES, Registry
from ml.segmentation.data import read_masked_manifest
from ml.segmentation.evaluation import evaluate_outlines
from ml.segmentation.segmenter import Segmenter

NAME = "tumour-outline"
LARGEST = 5_000_000


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Registry().get(NAME)


def test_the_bundle_is_small() -> None:
    assert sum(path.stat().st_size for path in (BUNDLES / NAME).iterdir()) <= LARGEST


def test_an_outline_needs_no_opencv() -> None:
    """It would add 15 MB to ``scanproof classify``."""
    program = (
        "import sys\nfrom ml.datasets.phantom import phantom_png\nfrom ml.inference.registry import Registry\n"
        f"assert Registry().get({NAME!r}).predict(phantom_png()).contours\n"
        "print(sorted({'cv2', 'scipy', 'tensorflow'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_outlines_agree_with_the_annotators_as_the_card_says(segmenter: Segmenter, data: Path) -> None:
    rows = of_split(read_masked_manifest(data / "tumor-masks"), "test")[::8]
    figures = evaluate_outlines(lambda image: segmenter.predict(image).mask, rows)
    assert figures["dice"] == pytest.approx(segmenter.bundle.metrics["test"]["dice"], abs=0.1)
    assert figures["dice"] > figures["threshold_method_dice"] + 0.2


def test_the_figures_are_of_the_whole_test_split(segmenter: Segmenter) -> None:
    figures = segmenter.bundle.metrics["test"]
    assert (figures["images"], figures["blocks"]) == (313, 6)
    assert figures["dice"] >= 0.80
    assert figures["dice_interval"][0] < figures["dice"] < figures["dice_interval"][1]


@pytest.mark.parametrize("label", ["glioma", "meningioma", "pituitary"])
def test_a_tumour_on_a_sample_is_outlined_inside_the_image(segmenter: Segmenter, data: Path, label: str) -> None:
    path = data / "samples" / f"mri_{label}_1.jpg"
    found = segmenter.predict(path.read_bytes())
    assert found.size == Image.open(path).size
    assert found.contours and 0 < found.share < 0.5
