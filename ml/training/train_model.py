"""Trains a model from a folder of labelled images and writes its bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.bundle.bundle import Bundle
from ml.bundle.files import new_folder, refuse_nonempty
from ml.bundle.procedures import procedure_of
from ml.datasets import LabelledImages, Sample, load_through, of_split, read_manifest
from ml.datasets.duplicates import leakage
from ml.networks.zoo import architecture, build
from ml.training.choices import (
    Choices,
    TrainingJob,
    chosen_recipe,
    chosen_specification,
    refuse_other_choices,
    trainer_of,
    weights_of,
)
from ml.training.datasheets import described
from ml.training.recipes import Recipe
from ml.training.refit import REFIT_SPLITS, earlier_version, refuse_choices_by_val, val_as_train
from ml.training.specifications import Specification

if TYPE_CHECKING:
    import keras


def train(
    model: str,
    data: Path,
    output: Path,
    choices: Choices | None = None,
    outliers: Mapping[str, Sequence[Path]] | None = None,
    report: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train ``model`` on ``data`` (a ``manifest.csv`` with path, label and the splits train, val and optionally test).

    The bundle has the name of ``choices``, else the model's, or "<model>-<architecture>" with another architecture. Its
    card says so where the collection is not one of ``ml.training.datasheets``. ``outliers`` are further files, by kind,
    on which abstention is measured. ``report`` receives the near-duplicates across splits before the training, which
    continues with them. The bundle is written to ``output`` complete or not at all.

    Returns name, version, sha256 and metrics.

    Raises:
        WrongChoice: what was chosen does not exist or is not allowed, or ``data`` cannot train the model. Nothing was
            written.
        MlError: the output is not empty; an image, the weights, a bundle or the state of a run are wrong. Before any
            training.
    """
    choices = choices or Choices()
    refuse_other_choices(model, choices, outliers=bool(outliers))
    specification = described(chosen_specification(model, choices), model, data)
    refuse_nonempty(output)
    bundle: Bundle = trainer_of(model).train(TrainingJob(specification, data, output, choices, outliers or {}, report))
    if choices.run:
        from ml.training.checkpoint import clear

        clear(choices.run)
    return {
        "name": bundle.metadata.name,
        "version": bundle.metadata.version,
        "sha256": bundle.sha256,
        "metrics": bundle.metrics,
    }


def splits_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The splits that a bundle is made from; the last one is evaluated: test where the samples have it, else val."""
    return ("train", "val", "test") if any(sample.split == "test" for sample in samples) else ("train", "val")


def load(specification: Specification, samples: Sequence[Sample], split: str) -> LabelledImages:
    """The images of ``split``, preprocessed for the network. Raises MlError."""
    procedure = procedure_of(specification.preprocessing)
    return load_through(of_split(samples, split), specification.labels, lambda image: procedure.run(image).pixels[0])


def initial_network(specification: Specification, recipe: Recipe, choices: Choices) -> keras.Model:
    """Build the network with its initial weights. Raises WrongChoice for those of another network."""
    import keras

    keras.utils.set_random_seed(recipe.seed)
    shape = (specification.input_size, specification.input_size, specification.channels)
    return build(specification.architecture, len(specification.classes), shape, weights_of(choices.start))


def fit_network(
    specification: Specification,
    network: keras.Model,
    train: LabelledImages,
    val: LabelledImages,
    recipe: Recipe,
    choices: Choices,
) -> None:
    """Train ``network`` in place, or its head alone where the backbone is frozen. Raises MlError."""
    from ml.training.fitting import fit
    from ml.training.frozen import fit_head

    if architecture(specification.architecture).frozen_backbone:
        fit_head(network, train, val, recipe, cache=choices.features, folder=choices.run)
    else:
        fit(network, train, val, recipe, folder=choices.run)


def train_classifier(job: TrainingJob) -> Bundle:
    """Train a network on labelled images (see ``train``); the trainer of the kind "classifier"."""
    specification, choices = job.specification, job.choices
    samples = read_manifest(job.data, specification.labels)
    splits = splits_of(samples)
    for split in splits:
        of_split(samples, split)
    recipe = chosen_recipe(choices)
    earlier = earlier_version(choices.refit, specification) if choices.refit else None
    learned = samples
    if earlier:
        refuse_choices_by_val(recipe)
        learned, splits = val_as_train(samples), REFIT_SPLITS

    # TensorFlow takes seconds to import, so the checks come first.
    from ml.training.packaging import package

    found = leakage(learned)
    job.report(f"{'Data' if found.clean else 'WARNING: images for training and testing overlap'}: {found}")
    network = initial_network(specification, recipe, choices)
    images = {split: load(specification, learned, split) for split in splits}
    val = load(specification, samples, "val") if earlier else images["val"]
    fit_network(specification, network, images["train"], val, recipe, choices)
    with new_folder(job.output) as folder:
        return package(specification, network, asdict(recipe), learned, images, job.outliers, folder, earlier=earlier)
