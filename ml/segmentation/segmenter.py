"""Outlines a region on an image with a segmentation bundle, by numpy, Pillow and LiteRT, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from ml.bundle.bundle import Bundle
from ml.bundle.kinds import METADATA
from ml.bundle.litert import LiteRtNetwork
from ml.bundle.procedures import procedure_of
from ml.errors import BundleError
from ml.inference.activation import placed
from ml.preprocessing.grey_image import Preprocessed
from ml.preprocessing.images import decode_image

LONGEST_SIDE = 512
TOLERANCE = 0.25

Contour = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The outline on one image. It depends on the image's bytes alone.

    ``mask`` is bool (h, w) in the proportions of the original, its size capped at a longest side of 512. ``contours``
    are closed polygons of (x, y) in pixels of the original, whose pixel centres lie at halves, filled by the even-odd
    rule: a contour inside another is a hole. ``pixels`` is the region's area in pixels of the
    original, ``share`` its share of the head's area in [0, 1], ``probability`` the mean of the network's probabilities
    inside it, 0 where nothing was found. ``size`` is the original's (width, height).
    """

    mask: np.ndarray
    contours: tuple[Contour, ...]
    pixels: int
    share: float
    probability: float
    size: tuple[int, int]


class Segmenter:
    """A loaded segmentation bundle. Thread-safe.

    Example:
        >>> Segmenter(load_bundle(Path("ml/bundles/tumour-outline"))).predict(Path("scan.jpg").read_bytes()).share
        0.0312
    """

    members = ()

    @classmethod
    def open(cls, bundle: Bundle, by_sha256: object) -> Self:
        """The opener of the kind, see ``Kind.open``: one network needs no other bundle."""
        return cls(bundle)

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError where the metadata give no threshold in (0, 1)."""
        threshold = bundle.metadata.mask_threshold
        if threshold is None or not 0 < threshold < 1:
            raise BundleError(f"{METADATA}: expected a mask_threshold above 0 and below 1, found {threshold}")
        self.bundle = bundle
        self._threshold = threshold
        self._procedure = procedure_of(bundle.metadata.preprocessing)
        self._network = LiteRtNetwork(bundle.model)

    def predict(self, source: bytes | Image.Image) -> Segmentation:
        """Outline the region on an image file's bytes, or an open image.

        The result is the mean of the image and its mirror image. Of several separate regions only the one with the most
        evidence is kept: annotators outlined one region on every training slice.

        Raises:
            ImageError: see ``ml.preprocessing.images.decode_image``.
        """
        seen = self._procedure.run(decode_image(source))
        found = strongest_region(self.probabilities(seen.pixels), self._threshold)
        laid = placed(found, seen, min(LONGEST_SIDE, max(seen.size)))
        mask = laid >= self._threshold
        scale = seen.size[0] * seen.size[1] / mask.size
        pixels = round(mask.sum() * scale)
        return Segmentation(
            mask=mask,
            contours=contours_of(laid, self._threshold, seen.size),
            pixels=pixels,
            share=round(min(1.0, pixels / max(_head_pixels(seen), 1)), 4),
            probability=round(float(laid[mask].mean()), 4) if mask.any() else 0.0,
            size=seen.size,
        )

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """The probability of each of ``pixels`` (1, S, S, 1): float32 (S, S) in [0, 1]."""
        logits = self._network(pixels).logits[..., 0]
        mirrored = self._network(np.ascontiguousarray(pixels[:, :, ::-1])).logits[:, ::-1, 0]
        mean: np.ndarray = (_sigmoid(logits) + _sigmoid(mirrored)) / 2
        return mean


def strongest_region(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """``probabilities`` (S, S) with every connected region set to zero but the one with the largest sum of squares."""
    from ml.analysis.regions import connected

    regions = connected(probabilities >= threshold)
    evidence = np.bincount(regions.ravel(), (probabilities**2).ravel())
    evidence[0] = 0.0
    others = (regions > 0) & (regions != evidence.argmax())
    return np.where(others, np.float32(0.0), probabilities)


def contours_of(laid: np.ndarray, threshold: float, size: tuple[int, int]) -> tuple[Contour, ...]:
    """Where ``laid`` (h, w) crosses ``threshold``, over an image of ``size``, see ``Segmentation``.

    Marching squares (Lorensen & Cline 1987), simplified to a quarter of a cell (Douglas & Peucker 1973).
    """
    from skimage.measure import find_contours

    # The margin closes the contours that meet the image's edge.
    lines = find_contours(np.pad(laid, 1), threshold)
    scale = np.array([size[0] / laid.shape[1], size[1] / laid.shape[0]])
    contours = []
    for line in lines:
        corners = simplify(line, TOLERANCE)[:-1, ::-1] - 0.5
        if len(corners) > 2:
            corners = np.clip(corners * scale, 0.0, size)
            contours.append(tuple((round(float(x), 1), round(float(y), 1)) for x, y in corners))
    return tuple(contours)


def simplify(line: np.ndarray, tolerance: float) -> np.ndarray:
    """The points of a polygonal chain (N, 2) that matter: no other is further than ``tolerance`` from what they draw.

    The same points as ``skimage.measure.approximate_polygon``, whose module imports ``scipy.signal``: a second and
    50 MB for this loop.
    """
    kept = np.zeros(len(line), bool)
    kept[[0, -1]] = True
    parts = [(0, len(line) - 1)]
    while parts:
        start, end = parts.pop()
        distances = _distances(line[start + 1 : end], line[start], line[end])
        if len(distances) and distances.max() > tolerance:
            farthest = start + 1 + int(distances.argmax())
            kept[farthest] = True
            parts += [(start, farthest), (farthest, end)]
    return line[kept]


def _distances(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The distance (N,) of each of ``points`` (N, 2) from the segment between ``start`` and ``end``."""
    along = end - start
    beside = ((points - start) @ along > 0) & ((end - points) @ along > 0)
    to_ends = np.minimum(np.hypot(*(points - start).T), np.hypot(*(points - end).T))
    across = np.abs((points - start) @ np.array([along[1], -along[0]])) / (np.hypot(*along) or 1.0)
    distances: np.ndarray = np.where(beside, across, to_ends)
    return distances


def _head_pixels(seen: Preprocessed) -> float:
    """The area of the head in pixels of the original."""
    from ml.analysis.regions import head_mask

    grey = np.rint(seen.pixels[0, :, :, 0] * 255).astype(np.uint8)
    cell = (seen.square.right - seen.square.left) / grey.shape[1]
    pixels: float = float(head_mask(grey).sum()) * cell * cell
    return pixels


def _sigmoid(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = (1 / (1 + np.exp(-values))).astype(np.float32)
    return found
