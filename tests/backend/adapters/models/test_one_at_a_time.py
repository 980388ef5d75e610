"""Decoded images are large: whatever shows one to the models or the analysis waits for the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import pytest

from backend.adapters.models.bundled import BundledModels, analyse, decode_in_turn
from ml.datasets.phantom import phantom_png

MODELS = BundledModels()
GATE = MODELS.gate()
assert GATE
SHOWN: dict[str, Callable[[bytes], object]] = {
    "choice of a model": lambda image: MODELS.recognise(GATE, image),
    "classification": lambda image: MODELS.predict(MODELS.resolve("brain-mri"), image),
    "outline": lambda image: MODELS.outline("brain-mri", image),
    "analysis": analyse,
}


@pytest.mark.parametrize("name", SHOWN)
def test_an_image_waits_for_another(name: str) -> None:
    image = phantom_png(96)
    SHOWN[name](image)
    with ThreadPoolExecutor(1) as pool:
        with decode_in_turn():
            waiting = pool.submit(SHOWN[name], image)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
        assert waiting.result(timeout=60)
