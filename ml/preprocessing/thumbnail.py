"""The gate's preprocessing: the whole image in colour, small."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ml.preprocessing.grey_image import Box, Preprocessed


def thumbnail(image: Image.Image, size: int) -> Preprocessed:
    """The whole image (mode ``L`` or ``RGB``) resized to ``size`` x ``size``: float32 (1, size, size, 3) in [0, 1]."""
    whole = Box(0, 0, image.width, image.height)
    # Reducing first makes a large upload as quick as a small one.
    small = image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("RGB")
    return Preprocessed((np.asarray(small, np.float32) / 255.0)[None], whole, whole, image.size)
