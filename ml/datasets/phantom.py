"""Draws a synthetic head slice after Shepp and Logan (1974), for demonstrations without a patient's image."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# Centre x, centre y, half-width, half-height in shares of the side, turn in degrees, brightness: outside in.
ELLIPSES = (
    (0.50, 0.50, 0.36, 0.44, 0, 205),
    (0.50, 0.50, 0.345, 0.425, 0, 40),
    (0.50, 0.50, 0.33, 0.41, 0, 105),
    (0.50, 0.50, 0.27, 0.34, 0, 132),
    (0.44, 0.46, 0.035, 0.13, 14, 38),
    (0.56, 0.46, 0.035, 0.13, -14, 38),
    (0.50, 0.56, 0.012, 0.05, 0, 42),
    (0.41, 0.60, 0.05, 0.06, 20, 118),
    (0.59, 0.60, 0.05, 0.06, -20, 118),
    (0.66, 0.36, 0.055, 0.05, 30, 212),
)


def phantom_png(size: int = 512, seed: int = 0) -> bytes:
    """A grey PNG of ``size`` x ``size`` pixels; the same size and seed always give the same pixels."""
    image = Image.new("L", (size, size))
    for x, y, half_width, half_height, turn, brightness in ELLIPSES:
        mask = Image.new("L", (size, size))
        box = [(x - half_width) * size, (y - half_height) * size, (x + half_width) * size, (y + half_height) * size]
        ImageDraw.Draw(mask).ellipse(box, fill=255)
        image.paste(brightness, mask=mask.rotate(turn, Image.Resampling.BICUBIC, center=(x * size, y * size)))
    smooth = np.asarray(image.filter(ImageFilter.GaussianBlur(size / 200)), np.float32)
    noise = np.random.default_rng(seed).normal(0.0, 5.0, smooth.shape) * (smooth > 8)
    file = io.BytesIO()
    Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
