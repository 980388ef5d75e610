"""Finds regions by thresholds: foreground, the brightest region inside a head, nuclei in stained tissue."""

from __future__ import annotations

import numpy as np

SKULL_SHARE = 0.2
"""Assumed depth of skull and scalp, as a share of the radius of the head's area."""
BRIGHTNESS_CLASSES = 3
OPENING = 7
SMALLEST_NUCLEUS = 20
OUTLINE = (0, 230, 160)


def otsu_threshold(grey: np.ndarray) -> int:
    """The level that separates dark from bright best (Otsu 1979); for a uniform image, its own level."""
    import cv2

    darkest = int(grey.min())
    return darkest if darkest == grey.max() else int(cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[0])


def head_mask(grey: np.ndarray) -> np.ndarray:
    """The largest connected area that is not background, holes filled: bool of the shape of ``grey``.

    The threshold lies halfway between Otsu's and the mean of what is darker, so that dark tissue is kept.
    """
    import cv2

    threshold = otsu_threshold(grey)
    tissue = _largest(grey > (threshold + grey[grey <= threshold].mean()) / 2).astype(np.uint8)
    surface, _ = cv2.findContours(tissue, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(tissue, surface, -1, 1, cv2.FILLED) > 0


def brightest_region(grey: np.ndarray, head: np.ndarray) -> np.ndarray:
    """The brightest connected region inside ``head``, bool; empty where no region is brighter than the rest.

    Pixels less than ``SKULL_SHARE`` of the head's radius below its surface count as skull and are left out. Otsu's
    method with three classes (Liao, Chen & Chung 2001) separates the brightest class, an opening removes lines thinner
    than ``OPENING`` pixels, and the connected region with the largest sum of brightness above the threshold remains.
    """
    import cv2
    from skimage.filters import threshold_multiotsu

    nothing = np.zeros(grey.shape, bool)
    # The margin makes the image's edge part of the head's surface.
    depth = cv2.distanceTransform(np.pad(head, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    inside = depth > SKULL_SHARE * np.sqrt(head.sum() / np.pi)
    levels = grey[inside]
    if np.unique(levels).size < BRIGHTNESS_CLASSES:
        return nothing
    threshold = int(threshold_multiotsu(levels, BRIGHTNESS_CLASSES)[-1])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (OPENING, OPENING))
    bright = cv2.morphologyEx((inside & (grey > threshold)).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels = cv2.connectedComponents(bright)
    if count == 1:
        return nothing
    excess = np.where(bright, grey.astype(np.float64) - threshold, 0.0)
    brightest: np.ndarray = labels == 1 + np.bincount(labels.ravel(), excess.ravel(), count)[1:].argmax()
    return brightest


def nuclei(rgb: np.ndarray) -> np.ndarray:
    """Where hematoxylin, which stains nuclei, is dense: bool (H, W) from uint8 (H, W, 3).

    Colours are separated into hematoxylin, eosin and DAB (Ruifrok & Johnston 2001), Otsu's threshold is applied to the
    first, and regions of fewer than ``SMALLEST_NUCLEUS`` pixels are removed.
    """
    import cv2
    from skimage.color import rgb2hed
    from skimage.filters import threshold_otsu

    hematoxylin = rgb2hed(rgb)[..., 0]
    dense = (hematoxylin > threshold_otsu(hematoxylin)).astype(np.uint8)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(dense)
    large = facts[:, cv2.CC_STAT_AREA] >= SMALLEST_NUCLEUS
    large[0] = False
    kept: np.ndarray = large[labels]
    return kept


def count_regions(mask: np.ndarray) -> int:
    """The number of connected regions; those that touch count as one."""
    import cv2

    return cv2.connectedComponents(mask.astype(np.uint8))[0] - 1


def outlined(picture: np.ndarray, mask: np.ndarray, thickness: int) -> np.ndarray:
    """``picture``, grey or RGB, as RGB with the outline of ``mask`` drawn over it."""
    import cv2

    canvas = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture.copy()
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(canvas, contours, -1, OUTLINE, thickness)


def _largest(mask: np.ndarray) -> np.ndarray:
    import cv2

    _, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = facts[1:, cv2.CC_STAT_AREA]
    return labels == 1 + areas.argmax() if areas.size else mask
