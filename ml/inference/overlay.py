"""Draws an activation map as a transparent overlay for the image."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from ml.inference.prediction import Prediction

STRONGEST_ALPHA = 0.72
# From yellow through orange to red: readable over grey, and distinguishable by lightness alone.
RAMP = np.array([[255, 226, 120], [247, 147, 30], [190, 18, 40]], np.float32)


def activation_overlay(prediction: Prediction) -> bytes | None:
    """PNG (RGBA) with one pixel for each cell of the activation map, to scale up over the image; None without a map.

    The stronger the evidence for the most probable class, the redder and the more opaque; no evidence is transparent.
    """
    heat = prediction.activation_map
    if heat is None:
        return None
    steps = np.linspace(0.0, 1.0, len(RAMP))
    channels = [np.interp(heat, steps, RAMP[:, channel]) for channel in range(3)]
    channels.append(255 * STRONGEST_ALPHA * heat)
    file = io.BytesIO()
    # At level 1 a sixth larger, and five times as fast.
    Image.fromarray(np.stack(channels, axis=2).round().astype(np.uint8)).save(file, "PNG", compress_level=1)
    return file.getvalue()
