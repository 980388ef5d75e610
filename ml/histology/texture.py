"""Texture measures of a picture, one number a tile each. Pictures are float32 (H, W), mostly in [0, 1]."""

from __future__ import annotations

import numpy as np

from ml.histology import tiles

SCALES = (1, 2, 4, 8, 16)
FIELD_SCALES = (4, 8, 16)
FIELD_REDUCTION = 4
FIELD_PERCENTILES = (10.0, 50.0, 90.0)
WAVELENGTHS = (4, 8, 16)
ORIENTATIONS = 6
COHERENCE_SCALES = (2, 4, 8)
GREY_LEVELS = 32
GLCM_DISTANCES = (1, 4, 16)
GLCM_PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
TINY = 1e-5

Measures = list[np.ndarray]


def band_energies(picture: np.ndarray) -> Measures:
    """Log of the deviation in octave bands, between Gaussians of 0, 1, 2, … 16 pixels (Burt & Adelson 1983)."""
    import cv2

    energies, finer = [], picture
    for sigma in SCALES:
        coarser = cv2.GaussianBlur(picture, (0, 0), sigma)
        energies.append(np.log(tiles.deviation(finer - coarser) + TINY))
        finer = coarser
    return energies


def field(picture: np.ndarray) -> Measures:
    """Distribution of a stain over the tissue: deviation and percentiles of the smoothed amount."""
    import cv2

    small, found = _reduced(picture, FIELD_REDUCTION), []
    for sigma in FIELD_SCALES:
        smooth = cv2.GaussianBlur(small, (0, 0), sigma / FIELD_REDUCTION)
        found += [tiles.deviation(smooth), *tiles.percentiles(smooth, FIELD_PERCENTILES)]
    return found


def gabor(picture: np.ndarray) -> Measures:
    """Strength, evenness and directedness of stripes of 8, 16 and 32 pixels (Daugman 1985), measured at half size."""
    import cv2

    half, found = _reduced(picture, 2), []
    for wavelength in WAVELENGTHS:
        strengths = []
        for angle in np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS:
            side = int(wavelength * 1.5) | 1
            kernel = cv2.getGaborKernel((side, side), wavelength / 2, angle, wavelength, 1.0, 0.0)
            strengths.append(np.abs(cv2.filter2D(half, -1, (kernel - kernel.mean()).astype(np.float32))))
        average = np.mean(strengths, axis=0)
        level = tiles.mean(average) + TINY
        found += [np.log(level), tiles.deviation(average) / level, tiles.mean(np.max(strengths, axis=0)) / level]
    return found


def coherence(picture: np.ndarray) -> Measures:
    """How much structures run in parallel, 0 to 1, by the structure tensor (Bigün & Granlund 1987), at half size."""
    import cv2

    smooth = _reduced(picture, 2)
    x, y = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    found = []
    for sigma in COHERENCE_SCALES:
        xx, xy, yy = (cv2.GaussianBlur(each, (0, 0), sigma) for each in (x * x, x * y, y * y))
        parallel = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (xx + yy + TINY)
        found += [tiles.mean(parallel), tiles.deviation(parallel)]
    return found


def binary_patterns(picture: np.ndarray, scale: int, points: int, radius: int) -> Measures:
    """Roots of the frequencies of uniform local binary patterns (Ojala et al. 2002), at 1 / ``scale`` of the size."""
    from skimage.feature import local_binary_pattern

    levels = (_reduced(picture, scale).clip(0, 1) * 255).astype(np.uint8)
    patterns = tiles.in_tiles(local_binary_pattern(levels, points, radius, "uniform").astype(np.uint8))
    return [np.sqrt((patterns == pattern).mean(axis=2)) for pattern in range(points + 2)]


def cooccurrence(picture: np.ndarray) -> Measures:
    """Haralick's figures (1973) of the grey-level co-occurrence at 1, 4 and 16 pixels, mean over four directions."""
    from skimage.feature import graycomatrix, graycoprops

    def measure(levels: np.ndarray) -> np.ndarray:
        angles = np.arange(4) * np.pi / 4
        counts = graycomatrix(levels, GLCM_DISTANCES, angles, GREY_LEVELS, symmetric=True, normed=True)
        return np.concatenate([graycoprops(counts, name).mean(axis=1) for name in GLCM_PROPERTIES])

    return tiles.each_tile((picture.clip(0, 1) * (GREY_LEVELS - 1)).astype(np.uint8), measure)


def _reduced(picture: np.ndarray, factor: int) -> np.ndarray:
    import cv2

    if factor == 1:
        return picture
    height, width = picture.shape
    return cv2.resize(picture, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
