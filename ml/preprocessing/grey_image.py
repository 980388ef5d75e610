"""Preprocesses grey images for training and serving alike: crop to the content, pad, resize, stretch.

``ml.bundle.procedures`` has every preprocessing by its id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

BORDER_TAIL = 0.05
BORDER_CONTRAST = 0.10
BORDER_GRID = 128
SMALLEST_CONTENT = 0.25
STRETCH_PERCENTILES = (0.01, 0.995)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the original image, right and bottom exclusive; it may reach beyond the image."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """The network's input, and the part of the original that it shows.

    ``pixels`` is float32 of shape (1, S, S, C) in [0, 1]. ``crop`` is the content that was kept; ``square`` is the
    area that the S x S pixels cover: ``crop`` with its padding. ``size`` is the original's (width, height).
    """

    pixels: np.ndarray
    crop: Box
    square: Box
    size: tuple[int, int]


def preprocessing_id(size: int) -> str:
    """The id of this procedure at ``size`` pixels; a change of its output needs a new id."""
    return f"grey-crop-pad-{size}-v1"


def preprocess(image: Image.Image, size: int) -> Preprocessed:
    """Turn an 8-bit image (mode ``L`` or ``RGB``) into the network's input of ``size`` x ``size``.

    Uniform borders, dark or bright, are cropped, so that neither their width nor the file's size is a clue to the
    class. Grey is ITU-R BT.601 luma; intensities are stretched from the 1st to the 99.5th percentile.
    """
    grey = image.convert("L")
    left, top, right, bottom = _content_box(grey)
    scale = size / max(right - left, bottom - top)
    width, height = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    content = np.asarray(grey.resize((width, height), Image.Resampling.BICUBIC, (left, top, right, bottom)))
    pad_x, pad_y = ((size - width) // 2, (size - height) // 2)
    pixels = np.zeros((1, size, size, 1), np.float32)
    pixels[0, pad_y : pad_y + height, pad_x : pad_x + width, 0] = _stretch(content)
    square_left, square_top = (left - pad_x / scale, top - pad_y / scale)
    return Preprocessed(
        pixels,
        Box(left, top, right, bottom),
        Box(square_left, square_top, square_left + size / scale, square_top + size / scale),
        image.size,
    )


def _content_box(grey: Image.Image) -> tuple[int, int, int, int]:
    """The image without uniform lines at its four sides; the whole image where too little would be left."""
    whole = (0, 0, grey.width, grey.height)
    step = max(1, max(grey.size) // BORDER_GRID)
    pixels = np.asarray(grey.reduce(step))
    height, width = pixels.shape
    limit = BORDER_CONTRAST * max(1, int(pixels.max()) - int(pixels.min()))
    top, bottom, left, right = 0, height, 0, width
    while True:
        before = (top, bottom, left, right)
        first, last = _busy_range(pixels[top:bottom, left:right], limit)
        top, bottom = top + first, top + last
        first, last = _busy_range(pixels[top:bottom, left:right].T, limit)
        left, right = left + first, left + last
        if min(bottom - top, right - left) < SMALLEST_CONTENT * max(height, width):
            return whole
        if (top, bottom, left, right) == before:
            break
    # One grid line of margin: the outermost line of the content may itself be nearly uniform.
    left, top, right, bottom = max(0, left - 1), max(0, top - 1), right + 1, bottom + 1
    return left * step, top * step, min(grey.width, right * step), min(grey.height, bottom * step)


def _busy_range(lines: np.ndarray, limit: float) -> tuple[int, int]:
    """First and one-past-last line whose brightness, without both tails, spans more than ``limit``."""
    length = lines.shape[1]
    if not length:
        return 0, 0
    low = int(length * BORDER_TAIL)
    high = length - 1 - low
    # NumPy sorts 16-bit integers ten times faster than it partitions bytes.
    ordered = np.sort(lines.astype(np.int16), axis=1)
    busy = np.flatnonzero(ordered[:, high] - ordered[:, low] > limit)
    return (int(busy[0]), int(busy[-1]) + 1) if busy.size else (0, 0)


def _stretch(grey: np.ndarray) -> np.ndarray:
    counts = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    low, high = (int(np.searchsorted(counts, share * counts[-1])) for share in STRETCH_PERCENTILES)
    return np.clip((grey.astype(np.float32) - low) / max(1, high - low), 0.0, 1.0)
