"""Finds regions by thresholds: foreground, the brightest region inside a head, nuclei in stained tissue."""

from __future__ import annotations

import numpy as np

SKULL_SHARE = 0.2
"""Assumed depth of skull and scalp, as a share of the radius of the head's area."""
BRIGHTNESS_CLASSES = 3
OPENING = 7
SMALLEST_NUCLEUS = 20
_NO_SHARE = float(np.finfo(np.float32).eps)
"""A smaller share of the pixels is none."""
OUTLINE = (0, 230, 160)


def connected(mask: np.ndarray, *, diagonally: bool = True) -> np.ndarray:
    """The connected regions of ``mask``, bool (H, W): int (H, W), 0 outside, numbered from 1 by their first pixels.

    As ``cv2.connectedComponents``, without the 15 MB of OpenCV: joins the runs of pixels that touch one another in the
    next row (Rosenfeld & Pfaltz 1966).
    """
    row = mask.shape[1] + 2
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8).ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    first = np.searchsorted(ends, starts + row - diagonally, side="right")
    touching = np.maximum(np.searchsorted(starts, ends + row + diagonally) - first, 0)
    above = np.repeat(np.arange(len(starts)), touching)
    below = np.arange(len(above)) + np.repeat(first - np.cumsum(touching) + touching, touching)
    found = np.arange(len(starts))
    while (found[above] != found[below]).any():
        least = np.minimum(found[above], found[below])
        np.minimum.at(found, found[above], least)
        np.minimum.at(found, found[below], least)
        while (found[found] != found).any():
            found = found[found]
    regions = np.zeros(mask.shape, np.int64)
    regions[mask] = 1 + np.repeat(np.unique(found, return_inverse=True)[1], ends - starts)
    return regions


def otsu_threshold(grey: np.ndarray) -> int:
    """The level of ``grey``, uint8, that separates dark from bright best (Otsu 1979); for a uniform image, its own.

    The same as OpenCV's.
    """
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    mean = float(shares @ np.arange(256))
    best, level, dark, mean_of_dark = 0.0, int(grey.min()), 0.0, 0.0
    for candidate, share in enumerate(map(float, shares)):
        mean_of_dark *= dark
        dark += share
        if min(dark, 1 - dark) < _NO_SHARE:
            continue
        mean_of_dark = (mean_of_dark + candidate * share) / dark
        mean_of_bright = (mean - dark * mean_of_dark) / (1 - dark)
        variance = dark * (1 - dark) * (mean_of_dark - mean_of_bright) ** 2
        if variance > best:
            best, level = variance, candidate
    return level


def head_mask(grey: np.ndarray) -> np.ndarray:
    """The largest connected area that is not background, holes filled: bool of the shape of ``grey``.

    The threshold lies halfway between Otsu's and the mean of what is darker, so that dark tissue is kept.
    """
    threshold = otsu_threshold(grey)
    tissue = np.pad(_largest(grey > (threshold + grey[grey <= threshold].mean()) / 2), 1)
    surroundings = connected(~tissue, diagonally=False)
    head: np.ndarray = (surroundings != surroundings[0, 0])[1:-1, 1:-1]
    return head


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
    return int(connected(mask).max(initial=0))


def outlined(picture: np.ndarray, mask: np.ndarray, thickness: int) -> np.ndarray:
    """``picture``, grey or RGB, as RGB with the outline of ``mask`` drawn over it."""
    import cv2

    canvas = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture.copy()
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(canvas, contours, -1, OUTLINE, thickness)


def _largest(mask: np.ndarray) -> np.ndarray:
    regions = connected(mask)
    areas = np.bincount(regions.ravel())[1:]
    largest: np.ndarray = regions == 1 + areas.argmax() if areas.size else mask
    return largest
