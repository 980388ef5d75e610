"""The grid of tiles on which an image is measured, so that each tile has evidence of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

ROWS, COLUMNS = 2, 3
GRID = (ROWS, COLUMNS)


def in_tiles(values: np.ndarray) -> np.ndarray:
    """(H, W) to (ROWS, COLUMNS, pixels of a tile), without the remainder at the right and at the bottom."""
    height, width = values.shape[0] // ROWS, values.shape[1] // COLUMNS
    whole = values[: ROWS * height, : COLUMNS * width].reshape(ROWS, height, COLUMNS, width)
    return whole.swapaxes(1, 2).reshape(ROWS, COLUMNS, height * width)


def mean(values: np.ndarray) -> np.ndarray:
    """The mean of each tile, (ROWS, COLUMNS)."""
    found: np.ndarray = in_tiles(values).mean(axis=2)
    return found


def deviation(values: np.ndarray) -> np.ndarray:
    """The standard deviation of each tile, (ROWS, COLUMNS)."""
    found: np.ndarray = in_tiles(values).std(axis=2)
    return found


def percentiles(values: np.ndarray, shares: tuple[float, ...]) -> list[np.ndarray]:
    """For each of ``shares``, in percent, that percentile of each tile, (ROWS, COLUMNS)."""
    return list(np.percentile(in_tiles(values), shares, axis=2))


def each_tile(values: np.ndarray, measure: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
    """``measure`` returns F numbers for the pixels (h, w) of one tile; the result is F arrays (ROWS, COLUMNS)."""
    height, width = values.shape[0] // ROWS, values.shape[1] // COLUMNS
    rows = [
        [measure(values[r * height : (r + 1) * height, c * width : (c + 1) * width]) for c in range(COLUMNS)]
        for r in range(ROWS)
    ]
    return list(np.moveaxis(np.array(rows), 2, 0))
