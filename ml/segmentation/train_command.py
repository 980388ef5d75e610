"""Trains a segmentation model from a folder of images and masks and writes its bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ml.bundle import Bundle
from ml.choices import identity_of
from ml.datasets import of_split
from ml.errors import InvalidRecipe
from ml.segmentation.data import load_masked, read_masked_manifest
from ml.specifications import Specification

SMALLEST_SIDE = 32
SIDE_STEP = 16


def train_segmentation(
    specification: Specification,
    data: Path,
    folder: Path,
    *,
    epochs: int | None,
    seed: int,
    start: Path | str | None,
    run: Path | None,
) -> Bundle:
    """Train on ``data`` (see ``ml.segmentation.data.read_masked_manifest``) and write the bundle to ``folder``, which
    exists and is empty. ``epochs`` shortens the recipe; ``start`` is what ``build_unet`` takes; in ``run`` a killed run
    leaves what it goes on from.

    Raises:
        InvalidRecipe, DatasetError, ImageError, NetworkError: before any training.
    """
    side = specification.input_size
    if side < SMALLEST_SIDE or side % SIDE_STEP:
        raise InvalidRecipe("size", side, f"a multiple of {SIDE_STEP}, at least {SMALLEST_SIDE}")
    samples = read_masked_manifest(data)
    rows = {split: of_split(samples, split) for split in ("train", "val")}
    images = {split: load_masked(rows[split], side) for split in rows}

    # TensorFlow takes seconds to import: only a run that can start pays for it.
    import keras

    from ml.networks.unet import build_unet
    from ml.segmentation.fitting import SegmentationRecipe, fit
    from ml.segmentation.packaging import package

    recipe = SegmentationRecipe(seed=seed, start=identity_of(start))
    recipe = replace(recipe, epochs=epochs or recipe.epochs)
    keras.utils.set_random_seed(seed)
    network = build_unet(side, start)
    fit(network, images["train"], images["val"], recipe, folder=run)
    return package(specification, network, recipe, samples, images["val"], folder)
