"""Separates the two stains of a histology image, haematoxylin (nuclei) and eosin (the rest)."""

from __future__ import annotations

import numpy as np

LEAST_DENSITY = 0.15
EXTREMES = (1.0, 99.0)
STRONGEST = 99.0
FEWEST_STAINED = 500
TYPICAL_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
"""Haematoxylin and eosin by Ruifrok & Johnston (2001), for images with too little stain to measure."""

_DENSITY_OF_LEVEL = -np.log(np.maximum(np.arange(256), 1) / 255.0).astype(np.float32)


def optical_density(rgb: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) to float32 (H, W, 3), 0 for white to 5.5 for black (Beer and Lambert's law)."""
    found: np.ndarray = _DENSITY_OF_LEVEL[rgb]
    return found


def separate(density: np.ndarray) -> np.ndarray:
    """The amount of each stain: float32 (2, H, W), haematoxylin first, from optical density (H, W, 3).

    The stains' colours are measured on the image itself (Macenko et al. 2009), and each amount is divided by its 99th
    percentile and clipped to [0, 2]. This removes differences of dye and light between laboratories.
    """
    stains = stain_colours(density[::3, ::3].reshape(-1, 3))
    amounts = np.moveaxis(density @ np.linalg.pinv(stains).astype(np.float32), 2, 0)
    strongest = np.percentile(amounts[:, ::3, ::3], STRONGEST, axis=(1, 2))
    found: np.ndarray = np.clip(amounts / np.maximum(strongest, 1e-3)[:, None, None], 0.0, 2.0).astype(np.float32)
    return found


def stain_colours(densities: np.ndarray) -> np.ndarray:
    """The optical density of pure haematoxylin and eosin, (2, 3), from that of pixels (N, 3)."""
    stained = densities[(densities > LEAST_DENSITY).all(axis=1)]
    if len(stained) < FEWEST_STAINED:
        return TYPICAL_STAINS
    plane = np.linalg.eigh(np.cov(stained.T))[1][:, [2, 1]]
    plane *= np.where(plane[0] < 0, -1.0, 1.0)
    angles = np.arctan2(*(stained @ plane).T[::-1])
    first, second = (plane @ (np.cos(angle), np.sin(angle)) for angle in np.percentile(angles, EXTREMES))
    # Haematoxylin absorbs more red light than eosin.
    stains = np.array([first, second] if first[0] > second[0] else [second, first])
    return stains if np.linalg.cond(stains) < 1e3 else TYPICAL_STAINS
