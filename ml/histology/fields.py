"""Chooses the fields of a whole slide that a model for photographs looks at: those with the most tissue."""

from __future__ import annotations

import numpy as np

LEAST_TISSUE = 0.5
"""Of a field's area."""
LEAST_SATURATION = 0.05
"""The lowest threshold: a slide without tissue has a threshold within its noise."""
_BINS = 256


def choose_fields(
    overview: np.ndarray, full_size: tuple[int, int], field_size: tuple[int, int], most: int
) -> list[tuple[int, int]]:
    """The upper left corners (x, y) of at most ``most`` fields in pixels of the full size, in the order of rows.

    ``overview`` is the whole slide, uint8 (H, W, 3); ``full_size`` and ``field_size`` are (width, height). The fields
    are those of a grid from the upper left corner that lie within the slide and of which at least LEAST_TISSUE is
    tissue: those with the most, and of as much the upper left ones.
    """
    across, down = (full // side for full, side in zip(full_size, field_size, strict=True))
    if not across or not down:
        return []
    shares = _shares(tissue_mask(overview), full_size, field_size, (across, down))
    order = np.argsort(-shares, axis=None, kind="stable")[:most]
    chosen = sorted(int(place) for place in order if shares.flat[place] >= LEAST_TISSUE)
    return [(place % across * field_size[0], place // across * field_size[1]) for place in chosen]


def tissue_mask(overview: np.ndarray) -> np.ndarray:
    """Where the picture is stained, bool (H, W): its saturation is above Otsu's threshold (1979)."""
    pixels = overview.astype(np.float32)
    brightest = pixels.max(axis=2)
    saturation = (brightest - pixels.min(axis=2)) / np.maximum(brightest, 1)
    return np.asarray(saturation > max(LEAST_SATURATION, _otsu(saturation)))


def _otsu(values: np.ndarray) -> float:
    """The threshold in [0, 1] that parts ``values`` with the greatest variance between both parts."""
    counts, edges = np.histogram(values, _BINS, (0.0, 1.0))
    weights = np.cumsum(counts)
    sums = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    above = weights[-1] - weights
    with np.errstate(divide="ignore", invalid="ignore"):
        between = weights * above * (sums / weights - (sums[-1] - sums) / above) ** 2
    return float(edges[1:][int(np.nanargmax(np.nan_to_num(between)))])


def _shares(
    mask: np.ndarray, full_size: tuple[int, int], field_size: tuple[int, int], grid: tuple[int, int]
) -> np.ndarray:
    """The share of tissue of each field, (rows, columns), from sums over the mask; six decimals, so that equal ones are
    equal."""
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    edges = []
    for axis, (count, field, full) in enumerate(zip(grid, field_size, full_size, strict=True)):
        cells = mask.shape[1 - axis]
        edges.append(np.minimum(np.rint(np.arange(count + 1) * (field * cells / full)).astype(int), cells))
    columns, rows = edges
    corner = sums[np.ix_(rows, columns)]
    found = corner[1:, 1:] - corner[:-1, 1:] - corner[1:, :-1] + corner[:-1, :-1]
    areas = np.maximum(1, np.outer(np.diff(rows), np.diff(columns)))
    return np.asarray(np.round(found / areas, 6))
