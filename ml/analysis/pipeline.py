"""Runs the steps of an image analysis. scikit-image and OpenCV are imported when they are first used."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ml.analysis import regions, texture
from ml.analysis.statistics import first_order, histogram
from ml.analysis.steps import Analysis, Figure, Step
from ml.preprocessing.images import colourfulness, decode_image

LONGEST_SIDE = 512
LARGEST_ENLARGEMENT = 2
SHOWN_SIDE = 1024
STAINED_COLOURFULNESS = 15.0
"""An image of a higher colourfulness (Hasler & Süsstrunk 2003) is analysed as stained tissue, others as grey."""
FILTER_DIAMETER, FILTER_LEVELS, FILTER_PIXELS = 9, 50, 5


def analyse(source: bytes | Image.Image) -> Analysis:
    """Analyse an image file's bytes, or an open image. The result depends on the pixels alone.

    Steps: original, resized, grey, filtered, histogram, texture, threshold, region. No figure is NaN.

    Raises:
        ImageError: see ``ml.preprocessing.images.decode_image``.
    """
    original = decode_image(source)
    stained = colourfulness(original) > STAINED_COLOURFULNESS
    resized = _fitted(original, LONGEST_SIDE, LARGEST_ENLARGEMENT)
    # A copy: scikit-image takes no read-only memory.
    grey = np.array(resized.convert("L"))
    filtered = _bilateral(grey)
    matrix = texture.cooccurrence(grey)
    share = original.width * original.height / grey.size
    steps = (
        _original(original),
        _resizing(resized),
        Step("grey", "Grey", "Luma by ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue, from 0 to 255.", grey),
        Step(
            "filtered",
            "Bilateral filter",
            f"Smooths noise and keeps edges (Tomasi & Manduchi 1998): diameter {FILTER_DIAMETER} pixels, sigma "
            f"{FILTER_LEVELS} grey levels and {FILTER_PIXELS} pixels.",
            filtered,
        ),
        Step(
            "histogram",
            "Statistics",
            "How often each grey level occurs, black at the left. The figures are of all pixels of the grey image, its "
            "background included.",
            histogram(grey),
            first_order(grey),
        ),
        Step(
            "texture",
            "Texture (GLCM)",
            "Grey-level co-occurrence matrix of the grey image (Haralick 1973): a pixel's level downwards, its "
            "neighbour's to the right, brighter where the pair is more frequent (log scale). 256 levels, distance "
            "1 pixel; the figures are means over the angles 0, 45, 90 and 135 degrees.",
            texture.picture(matrix),
            texture.texture(matrix),
        ),
        _threshold(filtered),
        _nuclei(resized, share) if stained else _brightest(grey, filtered, share),
    )
    return Analysis(stained, steps)


def _original(image: Image.Image) -> Step:
    return Step(
        "original",
        "Original",
        f"The image's own pixels, 8 bits a channel; shown with a longest side of {SHOWN_SIDE:,} pixels at most.",
        np.asarray(_fitted(image, SHOWN_SIDE, 1)),
        (
            Figure("width", "Width", image.width, "pixels", "Of the original."),
            Figure("height", "Height", image.height, "pixels", "Of the original."),
            Figure("channels", "Channels", len(image.getbands()), "", "1 for a grey file, 3 for one in colour."),
        ),
    )


def _fitted(image: Image.Image, longest_side: int, enlargement: int) -> Image.Image:
    scale = min(longest_side / max(image.size), enlargement)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


def _resizing(image: Image.Image) -> Step:
    return Step(
        "resized",
        "Resized",
        f"Longest side {LONGEST_SIDE} pixels, proportions kept, bicubic; enlarged {LARGEST_ENLARGEMENT} times at most.",
        np.asarray(image),
        (
            Figure("width", "Width", image.width, "pixels", "Of the resized image, on which all that follows rests."),
            Figure("height", "Height", image.height, "pixels", "Of the resized image."),
        ),
    )


def _bilateral(grey: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.bilateralFilter(grey, FILTER_DIAMETER, FILTER_LEVELS, FILTER_PIXELS)


def _threshold(filtered: np.ndarray) -> Step:
    level = regions.otsu_threshold(filtered)
    bright = filtered > level
    return Step(
        "threshold",
        "Otsu threshold",
        "The filtered image in black and white, at the level that separates dark from bright best (Otsu 1979).",
        np.where(bright, 255, 0).astype(np.uint8),
        (
            Figure("threshold", "Threshold", level, "grey levels", "Pixels over it are white."),
            Figure("foreground", "Foreground", 100 * float(bright.mean()), "%", "Share of white pixels."),
        ),
    )


def _brightest(grey: np.ndarray, filtered: np.ndarray, share: float) -> Step:
    head = regions.head_mask(filtered)
    region = regions.brightest_region(filtered, head)
    area = int(region.sum())
    return Step(
        "region",
        "Brightest region",
        "The brightest connected region inside the head, by threshold: the head is the largest bright area, its outer "
        f"{regions.SKULL_SHARE:.0%} of the radius is left out as skull, and Otsu's method with three classes separates "
        "the brightest tissue. This shows what a threshold finds and is not a diagnosis: it outlines bright healthy "
        "tissue as readily as a tumour, and misses tumours that are not bright.",
        regions.outlined(grey, region, thickness=2),
        (
            Figure("area", "Area", round(area * share), "pixels", "Outlined area, in pixels of the original."),
            Figure("share", "Share", 100 * area / max(1, int(head.sum())), "%", "Outlined share of the head's area."),
        ),
    )


def _nuclei(resized: Image.Image, share: float) -> Step:
    rgb = np.asarray(resized)
    mask = regions.nuclei(rgb)
    count, area = regions.count_regions(mask), int(mask.sum())
    return Step(
        "region",
        "Nuclei",
        "What hematoxylin stains, mostly nuclei: colours are separated into stains (Ruifrok & Johnston 2001), and "
        "Otsu's method separates dense hematoxylin from the rest. This shows what a threshold finds and is not a "
        "diagnosis: touching nuclei count as one, and in a picture that is not stained with hematoxylin and eosin it "
        "means nothing.",
        regions.outlined(rgb, mask, thickness=1),
        (
            Figure("regions", "Regions", count, "", "Connected regions that were outlined."),
            Figure("area", "Area", round(area * share), "pixels", "Outlined area, in pixels of the original."),
            Figure("share", "Share", 100 * float(mask.mean()), "%", "Outlined share of the image."),
            Figure(
                "mean-area",
                "Mean area",
                area * share / max(1, count),
                "pixels",
                "Of an outlined region, in pixels of the original.",
            ),
        ),
    )
