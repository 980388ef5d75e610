"""Draws an activation map as a transparent layer to lay over the image."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from ml.inference.prediction import Prediction

LONGEST_SIDE = 512
STRONGEST_ALPHA = 0.72
# From yellow through orange to red: readable over grey, and told apart by lightness alone.
RAMP = np.array([[255, 226, 120], [247, 147, 30], [190, 18, 40]], np.float32)


def activation_overlay(prediction: Prediction) -> bytes | None:
    """PNG (RGBA) in the proportions of the original, its size capped at a longest side of 512 pixels; None where the
    prediction has no activation map.

    The stronger the evidence for the most probable class, the redder and the more opaque; no evidence is transparent.
    """
    if prediction.activation_map is None:
        return None
    width, height = prediction.size
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    heat = np.asarray(Image.fromarray(prediction.activation_map).resize(size, Image.Resampling.BICUBIC)).clip(0.0, 1.0)
    steps = np.linspace(0.0, 1.0, len(RAMP))
    channels = [np.interp(heat, steps, RAMP[:, channel]) for channel in range(3)]
    channels.append(255 * STRONGEST_ALPHA * heat)
    file = io.BytesIO()
    Image.fromarray(np.stack(channels, axis=2).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
