"""Grey values to 8 bits: the modality's units, a window, the picture. In floating point until the last step.

Source: DICOM PS3.3, sections C.11.1 (modality LUT) and C.11.2 (VOI LUT).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"
PERCENTILES = (0.5, 99.5)
FEW_PIXELS = (100.0 - PERCENTILES[1]) / 100
CORE_PERCENTILES = (10.0, 90.0)
MARK_WIDTH = 5
MARK_LEVELS = 4
FRAMES = 4
SPIKE = 10
FEWEST_LEVELS = 16
BLOCK_PIXELS = 4_000_000

Transform = Callable[[np.ndarray], np.ndarray]
"""Maps float64 values to float64 values of the same shape."""


@dataclass(frozen=True, slots=True)
class Window:
    """``center`` and ``width`` in the modality's units, HU for CT; ``function`` is one of the three above, as in DICOM.

    ``origin`` says where it comes from: ``file``, ``percentiles`` of the pixels, or ``bits``, the range of the stored
    values.
    """

    center: float
    width: float
    function: str = LINEAR_EXACT
    origin: str = "file"

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Brightness in [0, 1]. Source: PS3.3, section C.11.2.1.2 and C.11.2.1.3."""
        if self.function == SIGMOID:
            # The exponent's limit keeps exp() finite; the result is 0 or 1 to 30 digits there.
            return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - self.center) / self.width, -70.0, 70.0)))
        center, width = self.center, self.width
        if self.function == LINEAR:
            center, width = center - 0.5, width - 1.0
        if not width:
            return (values > center).astype(np.float64)
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Table:
    """A look-up table: ``entries`` for the values from ``first`` on; the first and last entry go on at both ends."""

    first: int
    entries: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        places = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1).astype(np.intp)
        found: np.ndarray = self.entries[places]
        return found


def range_window(low: float, high: float, origin: str) -> Window:
    """The window that maps ``low`` to black and ``high`` to white; two equal values give black."""
    if low == high:
        return Window(low, 0.0, LINEAR_EXACT, origin)
    return Window((low + high) / 2, high - low, LINEAR_EXACT, origin)


def to_eight_bits(values: np.ndarray, transform: Transform) -> np.ndarray:
    """``values`` (H, W) or (H, W, C), integers or floats, as uint8: 255 times the brightness that ``transform`` gives.

    The last step rounds half to even.
    """
    out = np.empty(values.shape, np.uint8)
    rows = max(1, BLOCK_PIXELS * len(values) // max(1, values.size))
    blocks = [slice(start, start + rows) for start in range(0, len(values), rows)]
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        # A table of each value that occurs is exact, and the values stay in their 16 bits.
        low, high = int(values.min()), int(values.max())
        table = _rounded(transform(np.arange(low, high + 1, dtype=np.float64)))
        for block in blocks:
            out[block] = table[values[block].astype(np.intp) - low]
    else:
        for block in blocks:
            out[block] = _rounded(transform(values[block].astype(np.float64)))
    return out


def robust_range(values: np.ndarray, padding: tuple[int, int] | None = None) -> tuple[float, float]:
    """The 0.5th and 99.5th percentile of the pixels that belong to the picture; ``values`` is (H, W), not empty.

    Left out are:

    - ``padding``, a range of values, both ends included, and up to ``FRAMES`` frames of one value around the picture;
    - the least and greatest values, ``MARK_LEVELS`` at a time, if they lie further from the others than these are apart
      or have more than ``SPIKE`` times the pixels of the next value: a mask or text of one value, however large;
    - lines, letters and dots of at most ``MARK_WIDTH`` - 1 pixels that lie further outside the 10th to the 90th
      percentile than these are apart.

    A picture of fewer than ``FEWEST_LEVELS`` grey levels is all picture.
    """
    values = _without_frame(values)
    levels, counts = _histogram(values)
    if padding:
        inside = (levels < padding[0]) | (levels > padding[1])
        if inside.any():
            levels, counts = levels[inside], counts[inside]
    few = FEW_PIXELS * counts.sum()
    for _ in range(MARK_LEVELS):
        above, below = _upper_marks(levels, counts, few), _upper_marks(-levels[::-1], counts[::-1], few)
        levels, counts = levels[below : len(levels) - above], counts[below : len(counts) - above]
    lowest, highest = _percentiles(levels, counts, CORE_PERCENTILES)
    spread = highest - lowest
    if len(levels) >= FEWEST_LEVELS and spread:
        if counts[levels > highest + spread].sum() > few:
            counts = counts - _thin_counts(values, levels, values > highest + spread)
        if counts[levels < lowest - spread].sum() > few:
            counts = counts - _thin_counts(values, levels, values < lowest - spread)
    low, high = _percentiles(levels, counts, PERCENTILES)
    return (low, high) if low < high else (float(levels[0]), float(levels[-1]))


def _without_frame(values: np.ndarray) -> np.ndarray:
    for _ in range(FRAMES):
        other = values != values[0, 0]
        rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
        if not rows.size:
            break
        values = values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return values


def _histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that occur, as ascending float64, and how often."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        low = int(values.min())
        counts = np.zeros(int(values.max()) - low + 1, np.int64)
        flat = values.reshape(-1)
        for start in range(0, flat.size, BLOCK_PIXELS):
            counts += np.bincount(flat[start : start + BLOCK_PIXELS].astype(np.intp) - low, minlength=len(counts))
        found = np.flatnonzero(counts)
        return found.astype(np.float64) + low, counts[found]
    levels, counts = np.unique(values, return_counts=True)
    return levels.astype(np.float64), counts


def _upper_marks(levels: np.ndarray, counts: np.ndarray, few: float) -> int:
    """How many of the greatest ``levels`` are no picture, but a border, a mask or text of one value."""
    most = min(MARK_LEVELS, len(levels) - FEWEST_LEVELS)
    for marks in range(1, most + 1):
        edge = levels[-marks - 1]
        if levels[-marks] - edge > edge - levels[0]:
            return marks
    return int(most > 0 and counts[-1] > few and counts[-1] > SPIKE * counts[-2])


def _thin_counts(values: np.ndarray, levels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """How many pixels of each of the ``levels`` are in thin parts of ``mask``: those that its opening by a square of
    ``MARK_WIDTH`` pixels removes."""
    found, counts = np.unique(values[mask & ~_opened(mask)], return_counts=True)
    places = np.searchsorted(levels, found)
    known = (places < len(levels)) & (levels[np.minimum(places, len(levels) - 1)] == found)
    thin = np.zeros(len(levels), np.int64)
    thin[places[known]] = counts[known]
    return thin


def _opened(mask: np.ndarray) -> np.ndarray:
    """Erosion, then dilation, of a Boolean ``mask`` (H, W). What lies beyond the picture goes on as its border does."""
    half = MARK_WIDTH // 2
    for combine in (np.all, np.any):
        for axis in (0, 1):
            around = [(half, half) if each == axis else (0, 0) for each in (0, 1)]
            wide = np.pad(mask, around, mode="edge")
            mask = combine(np.lib.stride_tricks.sliding_window_view(wide, MARK_WIDTH, axis), axis=-1)
    return mask


def _percentiles(levels: np.ndarray, counts: np.ndarray, percentiles: tuple[float, float]) -> tuple[float, float]:
    """The least levels that at least that share of the pixels does not exceed."""
    sums = np.cumsum(counts)
    low, high = (int(np.searchsorted(sums, share / 100 * sums[-1])) for share in percentiles)
    return float(levels[low]), float(levels[min(high, len(levels) - 1)])


def _rounded(brightness: np.ndarray) -> np.ndarray:
    return np.rint(brightness * 255.0).astype(np.uint8)
