"""How well a picture is encrypted or preserved: entropy, PSNR, SSIM, correlation, histogram, NPCR and UACI.

Pictures are of 8 bits, grey (height, width) or colour (height, width, 3); colours count as further values, except that
neighbours are of one colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
LEVELS = 256
_LARGEST = LEVELS - 1
WINDOW = 11
_SIGMA = 1.5
DIRECTIONS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}
"""Steps in rows and columns to the neighbour."""


def histogram(picture: Pixels) -> NDArray[np.intp]:
    """How often each of the 256 values occurs."""
    return np.bincount(_checked(picture).ravel(), minlength=LEVELS)


def entropy(picture: Pixels) -> float:
    """Bits a value, from 0 to 8 (Shannon: A Mathematical Theory of Communication, 1948)."""
    counts = histogram(picture)
    frequencies = counts[counts > 0] / counts.sum()
    return float(max(0.0, -(frequencies * np.log2(frequencies)).sum()))


def correlation(picture: Pixels, direction: str) -> float:
    """Of all neighbouring values in one of DIRECTIONS, from -1 to 1 (Pearson); 0 where one of the two is constant."""
    down, right = DIRECTIONS[direction]
    values = _checked(picture).astype(np.float64)
    one = values[: values.shape[0] - down, : values.shape[1] - right].ravel()
    other = values[down:, right:].ravel()
    if one.size == 0 or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def psnr(one: Pixels, other: Pixels) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures."""
    x, y = _same(one, other)
    error = float(np.mean((x - y) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(_LARGEST**2 / error))


def ssim(one: Pixels, other: Pixels) -> float:
    """Mean structural similarity, 1 for equal pictures, with a Gaussian window of 11 pixels, sigma 1.5, and without the
    border (Wang et al.: Image Quality Assessment, IEEE TIP 2004); the mean over colours. Raises ValueError for a side
    below 11."""
    x, y = _same(one, other)
    if min(x.shape[:2]) < WINDOW:
        raise ValueError(f"expected sides of at least {WINDOW} pixels, found {x.shape[:2]}")
    mean_x, mean_y = _smoothed(x), _smoothed(y)
    variance_x, variance_y = _smoothed(x * x) - mean_x**2, _smoothed(y * y) - mean_y**2
    covariance = _smoothed(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * _LARGEST) ** 2, (0.03 * _LARGEST) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return float(np.mean(luminance * structure))


def npcr(one: Pixels, other: Pixels) -> float:
    """Number of pixel change rate: the part of the values that differ, from 0 to 1. Two random pictures give 255/256,
    99.61 % (Wu, Noonan and Agaian: NPCR and UACI Randomness Tests for Image Encryption, 2011)."""
    x, y = _same(one, other)
    return float(np.mean(x != y))


def uaci(one: Pixels, other: Pixels) -> float:
    """Unified average changing intensity: the mean difference by 255, from 0 to 1. Two random pictures give 33.46 %
    (the same source)."""
    x, y = _same(one, other)
    return float(np.mean(np.abs(x - y))) / _LARGEST


def _checked(picture: Pixels) -> Pixels:
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or not picture.size:
        raise ValueError("expected a picture of 8 bits")
    return picture


def _same(one: Pixels, other: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if one.shape != other.shape:
        raise ValueError(f"expected two pictures of one size, found {one.shape} and {other.shape}")
    return _checked(one).astype(np.float64), _checked(other).astype(np.float64)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """By the window, along rows and columns; where it does not fit, nothing is left."""
    distance = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(distance**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    for axis in (0, 1):
        kept = values.shape[axis] - WINDOW + 1
        values = sum(
            (weight * np.take(values, range(at, at + kept), axis) for at, weight in enumerate(weights)),
            start=np.zeros(()),
        )
    return values
