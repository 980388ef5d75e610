"""The preprocessing of breast histology: measures of colour, texture and nuclei, tile by tile."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ml.histology import tiles
from ml.histology.nuclei import nuclear_measures
from ml.histology.stains import optical_density, separate
from ml.histology.texture import band_energies, binary_patterns, coherence, cooccurrence, field, gabor
from ml.preprocessing.grey_image import Box, Preprocessed

ASPECT = 460 / 700
"""Height to width of BreakHis images; other images are cropped to it."""

MEASURES = 178
COLOUR_PERCENTILES = (10.0, 90.0)
EMPTY_DENSITY = 0.12
NUCLEUS_PATTERNS = ((1, 8, 1), (2, 8, 1), (2, 16, 2), (4, 8, 1))
"""Scale, points and radius of local binary patterns in the haematoxylin picture."""


def measure_tiles(image: Image.Image, size: int) -> Preprocessed:
    """The middle of the image, ``size`` pixels wide, as float32 (1, ROWS, COLUMNS, MEASURES).

    The crop is scaled to ``size``: an image of any resolution is assumed to show as much tissue as a BreakHis image.
    The measures have no common range: the network scales them."""
    box = _middle(image.size)
    shape = (size, round(size * ASPECT))
    rgb = np.asarray(image.convert("RGB").resize(shape, Image.Resampling.LANCZOS, box))
    pixels = np.stack(_measures(rgb), axis=2).astype(np.float32)[None]
    crop = Box(*box)
    return Preprocessed(np.nan_to_num(pixels), crop, crop, image.size)


def _measures(rgb: np.ndarray) -> list[np.ndarray]:
    density = optical_density(rgb)
    haematoxylin, eosin = separate(density)
    darkness = density.mean(axis=2)
    found = [tiles.mean((darkness < EMPTY_DENSITY).astype(np.float32))]
    for channel in range(3):
        picture = density[:, :, channel]
        found += [
            tiles.mean(picture),
            tiles.deviation(picture),
            *tiles.percentiles(picture[::3, ::3], COLOUR_PERCENTILES),
        ]
    for picture in (haematoxylin, eosin, darkness):
        found += band_energies(picture)
    for picture in (haematoxylin, eosin):
        found += [*field(picture), *gabor(picture), *cooccurrence(picture)]
    for pattern in NUCLEUS_PATTERNS:
        found += binary_patterns(haematoxylin, *pattern)
    return [*found, *binary_patterns(darkness / 2, 2, 8, 1), *coherence(haematoxylin), *nuclear_measures(haematoxylin)]


def _middle(size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest box of ``ASPECT`` in the middle of an image of (width, height)."""
    width, height = size
    wide, high = (height / ASPECT, height) if width * ASPECT > height else (width, width * ASPECT)
    left, top = (width - wide) / 2, (height - high) / 2
    return left, top, left + wide, top + high
