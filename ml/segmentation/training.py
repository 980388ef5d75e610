"""Trains a segmentation model from a folder of images and masks and writes its bundle."""

from __future__ import annotations

from dataclasses import replace

from ml.bundle.bundle import Bundle
from ml.bundle.files import new_folder
from ml.datasets import of_split
from ml.segmentation.data import load_masked, read_masked_manifest
from ml.training.choices import TrainingJob, identity_of, weights_of
from ml.training.recipes import invalid_value

SMALLEST_SIDE = 32
SIDE_STEP = 16


def train_segmentation(job: TrainingJob) -> Bundle:
    """Train on the images and masks of ``job.data`` (see ``ml.segmentation.data.read_masked_manifest``).

    In the choice ``run`` a killed run keeps the state to resume from.

    Raises:
        WrongChoice: the size is out of its range.
        MlError: the folder, one of its images or the weights to start from are wrong. Both before any training.
    """
    specification, choices = job.specification, job.choices
    start = weights_of(choices.start)
    side = specification.input_size
    if side < SMALLEST_SIDE or side % SIDE_STEP:
        raise invalid_value("size", side, f"a multiple of {SIDE_STEP}, at least {SMALLEST_SIDE}")
    samples = read_masked_manifest(job.data)
    rows = {split: of_split(samples, split) for split in ("train", "val")}
    images = {split: load_masked(rows[split], side) for split in rows}

    # TensorFlow takes seconds to import, so the checks come first.
    import keras

    from ml.networks.unet import build_unet
    from ml.segmentation.fitting import SegmentationRecipe, fit
    from ml.segmentation.packaging import package

    recipe = SegmentationRecipe(seed=choices.seed, start=identity_of(start))
    recipe = replace(recipe, epochs=choices.epochs or recipe.epochs)
    keras.utils.set_random_seed(choices.seed)
    network = build_unet(side, start)
    fit(network, images["train"], images["val"], recipe, folder=choices.run)
    with new_folder(job.output) as folder:
        return package(specification, network, recipe, samples, images["val"], folder)
