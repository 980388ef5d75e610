"""Texture from the grey-level co-occurrence matrix (GLCM; Haralick, Shanmugam & Dinstein 1973)."""

from __future__ import annotations

import numpy as np

from ml.analysis.steps import Figure

LEVELS = 256
DISTANCE = 1
ANGLES = (0, 45, 90, 135)
EXPLANATIONS = {
    "contrast": "Mean squared difference of neighbouring pixels: 0 for a plain area, large for edges and noise.",
    "dissimilarity": "Mean difference of neighbouring pixels, in grey levels.",
    "homogeneity": "Near 1 where neighbours are alike, near 0 where they differ.",
    "energy": "Near 1 where few pairs of levels make up the image, near 0 where many do.",
    "correlation": "How well a pixel's level tells its neighbour's, from -1 to 1; 1 for a plain image.",
}


def cooccurrence(grey: np.ndarray) -> np.ndarray:
    """How often two levels lie beside each other: float64 (256, 256, 1, 4), symmetric, each angle sums to 1.

    An image too small for an angle, such as one of a single row, has zeros there.
    """
    from skimage.feature import graycomatrix

    angles = np.deg2rad(ANGLES)
    matrix: np.ndarray = graycomatrix(grey, [DISTANCE], angles, levels=LEVELS, symmetric=True, normed=True)
    return matrix


def texture(matrix: np.ndarray) -> tuple[Figure, ...]:
    """Contrast, dissimilarity, homogeneity, energy and correlation: the mean over the angles of ``cooccurrence``."""
    from skimage.feature import graycoprops

    present = matrix[..., matrix.sum(axis=(0, 1, 2)) > 0]
    return tuple(
        Figure(name, name.capitalize(), float(graycoprops(present, name).mean()) if present.size else 0.0, "", text)
        for name, text in EXPLANATIONS.items()
    )


def picture(matrix: np.ndarray) -> np.ndarray:
    """The mean matrix as a picture (256, 256), uint8: level against neighbour's level, frequency on a log scale."""
    mean = matrix.mean(axis=(2, 3))
    smallest = mean[mean > 0].min(initial=1.0)
    scaled = np.log1p(mean / smallest)
    levels: np.ndarray = np.rint(255 * scaled / max(float(scaled.max()), 1e-12)).astype(np.uint8)
    return levels
