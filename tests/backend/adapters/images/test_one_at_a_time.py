"""Decoded images are large: whatever shows one to the models or the analysis waits for the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import pytest

from backend.adapters.classifier import BundleClassifier
from backend.adapters.image_analysis import StepwiseAnalyser
from backend.adapters.ml_images import one_image
from backend.adapters.outliner import BundleOutliner
from ml.datasets.phantom import phantom_png

CLASSIFIER = BundleClassifier()
SHOWN: dict[str, Callable[[bytes], object]] = {
    "choice of a model": lambda image: CLASSIFIER.resolve(None, image),
    "classification": lambda image: CLASSIFIER.predict(CLASSIFIER.resolve("brain-mri"), image),
    "outline": lambda image: BundleOutliner().outline("brain-mri", image),
    "analysis": StepwiseAnalyser().analyse,
}


@pytest.mark.parametrize("name", SHOWN)
def test_an_image_waits_for_another(name: str) -> None:
    image = phantom_png(96)
    SHOWN[name](image)
    with ThreadPoolExecutor(1) as pool:
        with one_image():
            waiting = pool.submit(SHOWN[name], image)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
        assert waiting.result(timeout=60)
