"""The gate's training data: brain MRI slices, stained histology images, and other pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ml.datasets import LabelledImages, Sample, of_split, read_image, read_manifest
from ml.datasets.splits import SPLITS
from ml.errors import WrongChoice
from ml.gate.pictures import crop, learned_pictures, unseen_pictures
from ml.preprocessing.thumbnail import thumbnail

BRAIN, HISTOLOGY, OTHER = range(3)
HISTOLOGY_FOLDS = {"train": ("0", "1", "2"), "val": ("3",), "test": ("4",)}
HISTOLOGY_VIEWS = {"train": 10, "val": 4, "test": 1}
PICTURES = {"train": 250, "val": 40, "test": 80}
TINTED_SHARE = 0.15
LEAST_CROP = 0.4


Listed = tuple[list[Sample], list[Sample]]
"""The files of one split: brain MRI slices, and histology images."""


@dataclass(frozen=True, slots=True)
class Material:
    """Images of one split by class. ``patients`` has the patient of each histology image; ``others`` are by kind."""

    brains: list[Image.Image]
    histology: list[Image.Image]
    patients: list[str]
    others: dict[str, list[Image.Image]]

    def labelled(self, size: int) -> LabelledImages:
        """All images as the gate's input, float32 (N, size, size, 3), and class indices ``BRAIN`` to ``OTHER``."""
        other = [picture for pictures in self.others.values() for picture in pictures]
        images = [*self.brains, *self.histology, *other]
        labels = np.repeat([BRAIN, HISTOLOGY, OTHER], [len(self.brains), len(self.histology), len(other)])
        return LabelledImages(np.concatenate([thumbnail(image, size).pixels for image in images]), labels)


def gather(files: Listed, split: str, brain_limit: int | None = None, pictures: int | None = None) -> Material:
    """The material of the ``split`` train, val or test; the kinds of pictures in test are in no other split.

    ``files`` is what ``listed`` returns for the split. In
    train and val some slices are tinted, like screenshots, and histology images are shown at several magnifications;
    test has every image unchanged. ``brain_limit`` and ``pictures`` (of each kind) reduce the number of images.

    Raises:
        MlError: one of the images is wrong.
    """
    generator = np.random.default_rng(SPLITS.index(split))
    slices, samples = files
    slices = slices[:brain_limit]
    whole_brains = [read_image(each.path) for each in slices]
    whole_histology = [read_image(each.path) for each in samples]
    views = HISTOLOGY_VIEWS[split]
    shown = split != "test"
    draw = learned_pictures if shown else unseen_pictures
    return Material(
        brains=[_tinted(generator, image) if shown else image for image in whole_brains],
        histology=[_magnified(generator, image) if shown else image for image in whole_histology for _ in range(views)],
        patients=[each.group for each in samples for _ in range(views)],
        others=draw(pictures or PICTURES[split], 1 if split == "val" else 0, whole_brains, whole_histology),
    )


def listed(brain: Path, histology: Path) -> dict[str, Listed]:
    """The files by split, from the manifests of both folders alone: ``brain`` has the splits, ``histology`` patient
    folds, so that no patient is in two splits. Raises WrongChoice where a split has none."""
    slices, samples = read_manifest(brain), read_manifest(histology)
    files: dict[str, Listed] = {}
    for split in SPLITS:
        folds = HISTOLOGY_FOLDS[split]
        files[split] = of_split(slices, split), [each for each in samples if each.fold in folds]
        if not files[split][1]:
            raise WrongChoice(f"{histology}: expected rows of the folds {', '.join(folds)}, found none")
    return files


def _tinted(generator: np.random.Generator, image: Image.Image) -> Image.Image:
    if generator.random() >= TINTED_SHARE:
        return image
    bright = tuple(int(value) for value in generator.integers(170, 256, 3))
    return ImageOps.colorize(image.convert("L"), (0, 0, 0), bright)


def _magnified(generator: np.random.Generator, image: Image.Image) -> Image.Image:
    return crop(generator, image, LEAST_CROP)
