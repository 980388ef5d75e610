from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.inference.registry import Registry
from ml.inference.single_network import Predictor

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SCANPROOF_DATA", ROOT / "../shared/data"))


@pytest.fixture(scope="session")
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"the public images are not at {DATA}: set SCANPROOF_DATA to their folder")
    return DATA


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return Registry().get("brain-mri")


@pytest.fixture
def head() -> Image.Image:
    """A bright disc with a darker patch: 200 x 240, grey, without a border."""
    y, x = np.mgrid[:240, :200]
    values = 60 + 150 * (((x - 100) / 100) ** 2 + ((y - 120) / 120) ** 2 < 1)
    values[60:100, 40:90] = 120
    values += (x + y) % 7
    return Image.fromarray(values.astype(np.uint8))
