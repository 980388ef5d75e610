"""Pictures that are unlike each other."""

from __future__ import annotations

import numpy as np
from PIL import Image


def noise(seed: int) -> Image.Image:
    """Soft grey noise, 64 x 64 pixels: no two seeds give near-duplicates."""
    values = np.random.default_rng(seed).integers(0, 256, (12, 12), np.uint8)
    return Image.fromarray(values).resize((64, 64), Image.Resampling.BICUBIC)
