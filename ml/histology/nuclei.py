"""Finds nuclei in the haematoxylin channel and measures their size, shape, darkness and spacing, tile by tile.

In malignant tissue nuclei are larger, of more varied size and more crowded (nuclear grade: Elston & Ellis 1991).
"""

from __future__ import annotations

import numpy as np

from ml.histology.tiles import COLUMNS, ROWS

ABOVE_SURROUNDINGS = 1.05
SURROUNDINGS = 25
LEAST_AREA = 20
LEAST_DEPTH = 1.5
MEASURES = 14


def nuclear_measures(haematoxylin: np.ndarray) -> list[np.ndarray]:
    """``MEASURES`` numbers a tile, each (ROWS, COLUMNS), from the amount of haematoxylin, float32 (H, W).

    Number and covered share of the tile; mean and deviation of log area, elongation, darkness, unevenness, distance to
    the nearest nucleus and to the fifth nearest. A tile with fewer than two nuclei has zeros.
    """
    nuclei = _find(haematoxylin)
    height, width = haematoxylin.shape
    row = np.minimum((nuclei[:, 1] * ROWS / height).astype(int), ROWS - 1)
    column = np.minimum((nuclei[:, 0] * COLUMNS / width).astype(int), COLUMNS - 1)
    area = height * width / (ROWS * COLUMNS)
    found = np.zeros((MEASURES, ROWS, COLUMNS), np.float32)
    for r in range(ROWS):
        for c in range(COLUMNS):
            inside = nuclei[(row == r) & (column == c)]
            if len(inside) > 1:
                described = inside[:, 3:]
                found[:, r, c] = (
                    np.log(len(inside)),
                    inside[:, 2].sum() / area,
                    *described.mean(axis=0),
                    *described.std(axis=0),
                )
    return list(found)


def _find(haematoxylin: np.ndarray) -> np.ndarray:
    """(N, 9): x, y, area; log area, elongation, mean and deviation of the amount, log distances to two neighbours."""
    import cv2

    smooth = cv2.GaussianBlur(haematoxylin, (0, 0), 1.0)
    levels = (smooth.clip(0, 1) * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    around = cv2.GaussianBlur(haematoxylin, (0, 0), SURROUNDINGS)
    dark = ((levels > threshold) & (smooth > ABOVE_SURROUNDINGS * around)).astype(np.uint8)
    opened = cv2.morphologyEx(dark, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    return _described(_split(opened), haematoxylin)


def _split(dark: np.ndarray) -> np.ndarray:
    """Numbered nuclei, int32 (H, W), 0 for none. A dark pixel belongs to the nearest centre, which splits touching
    ones."""
    import cv2

    depth = cv2.GaussianBlur(cv2.distanceTransform(dark, cv2.DIST_L2, 5), (0, 0), 1.0)
    middles = (depth == cv2.dilate(depth, np.ones((9, 9), np.uint8))) & (depth > LEAST_DEPTH)
    if not middles.any():
        return np.zeros(dark.shape, np.int32)
    elsewhere = (~middles).astype(np.uint8)
    nearest = cv2.distanceTransformWithLabels(elsewhere, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)[1]
    return np.where(dark > 0, nearest, 0)


def _described(numbered: np.ndarray, haematoxylin: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    y, x = np.nonzero(numbered)
    which = numbered[y, x]
    count = np.bincount(which)
    present = count >= LEAST_AREA
    amounts = haematoxylin[y, x]

    def average(values: np.ndarray) -> np.ndarray:
        return np.bincount(which, values, len(count))[present] / count[present]

    area, middle_x, middle_y = count[present].astype(float), average(x), average(y)
    if len(area) < 6:
        return np.zeros((0, 9))
    xx, yy, xy = (
        average(a * b) - m * n
        for a, b, m, n in ((x, x, middle_x, middle_x), (y, y, middle_y, middle_y), (x, y, middle_x, middle_y))
    )
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    elongation = spread / np.maximum(xx + yy, 1e-6)
    amount = average(amounts)
    unevenness = np.sqrt(np.maximum(average(amounts**2) - amount**2, 0))
    distances, _ = cKDTree(np.c_[middle_x, middle_y]).query(np.c_[middle_x, middle_y], k=6)
    near, fifth = np.log(np.maximum(distances[:, [1, 5]], 1.0)).T
    described: np.ndarray = np.c_[middle_x, middle_y, area, np.log(area), elongation, amount, unevenness, near, fifth]
    return described
