"""Reads, splits and checks labelled images."""

from ml.datasets.folders import read_samples
from ml.datasets.manifest import read_manifest
from ml.datasets.samples import (
    LabelledImages,
    Sample,
    load_resized,
    load_samples,
    load_through,
    of_split,
    read_image,
)

__all__ = [
    "LabelledImages",
    "Sample",
    "load_resized",
    "load_samples",
    "load_through",
    "of_split",
    "read_image",
    "read_manifest",
    "read_samples",
]
