"""Maps a network's output back to the coordinates of the original image."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ml.preprocessing.grey_image import Box, Preprocessed

MAP_SIZE = 64


def placed_map(activation_map: np.ndarray, seen: Preprocessed) -> np.ndarray:
    """The positive evidence (h, w) over ``seen.square`` as float32 in [0, 1] over the whole original image.

    The longest side has ``MAP_SIZE`` cells; the strongest evidence is 1, and zero outside ``seen.crop``.
    """
    evidence = np.maximum(activation_map, 0.0)
    return placed(evidence / max(float(evidence.max()), 1e-6), seen, MAP_SIZE)


def placed(values: np.ndarray, seen: Preprocessed, longest_side: int) -> np.ndarray:
    """``values`` (h, w) over ``seen.square``, in [0, 1], as float32 in the proportions of the original image.

    Interpolated to a longest side of ``longest_side``; zero outside ``seen.crop``.
    """
    width, height = seen.size
    step = max(width, height) / longest_side
    size = (max(1, round(width / step)), max(1, round(height / step)))
    square = seen.square
    cell = (square.right - square.left) / values.shape[1]
    # PIL maps an output pixel to an input position: x_in = a * x_out + c, both in pixels.
    placement = (width / size[0] / cell, 0, -square.left / cell, 0, height / size[1] / cell, -square.top / cell)
    padded = Image.fromarray(np.pad(values.astype(np.float32), 1, mode="edge"))
    placement = (placement[0], 0, placement[2] + 1, 0, placement[4], placement[5] + 1)
    laid = padded.transform(size, Image.Transform.AFFINE, placement, Image.Resampling.BILINEAR)
    found: np.ndarray = np.clip(np.asarray(laid, np.float32), 0.0, 1.0) * _inside(seen.crop, seen.size, size)
    return found


def _inside(crop: Box, original: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """One where a cell's centre lies in ``crop``, zero elsewhere; (height, width) of ``size``."""
    x = (np.arange(size[0]) + 0.5) * original[0] / size[0]
    y = (np.arange(size[1]) + 0.5) * original[1] / size[1]
    columns = (x >= crop.left) & (x < crop.right)
    rows = (y >= crop.top) & (y < crop.bottom)
    return np.outer(rows, columns).astype(np.float32)
