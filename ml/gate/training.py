"""Trains the gate and writes its bundle: calibrated, with its limits, evaluated on kinds of images not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ml import progress
from ml.bundle.bundle import WEIGHTS, Bundle, write_bundle
from ml.bundle.files import new_folder
from ml.bundle.kinds import NETWORK
from ml.bundle.litert import LiteRtNetwork
from ml.bundle.metadata import ABSTAINED_LABEL, Abstention
from ml.datasets import LabelledImages
from ml.datasets.splits import SPLITS
from ml.evaluation.classifier import abstention_rates
from ml.evaluation.metrics import summarise
from ml.gate.data import OTHER, Material, gather, listed
from ml.gate.gate import Gate
from ml.inference.calibration import fit_temperature, softmax
from ml.training.choices import TrainingJob
from ml.training.recipes import Recipe
from ml.training.specifications import Specification

if TYPE_CHECKING:
    import keras

BRAIN_FOLDER, HISTOLOGY_FOLDER = "brain-mri", "breakhis-100x"
MAJORITY = 0.5
"""Not fitted to data. An image that passes the gate by mistake still has to pass the model's own limits."""

RECIPE = Recipe(epochs=8, cycles=1, mixup=0.0, label_smoothing=0.02, average=0.2)


def train_gate(job: TrainingJob) -> Bundle:
    """Train on the folders ``brain-mri`` and ``breakhis-100x`` in ``job.data``.

    Temperature and limits are fitted on val; test is evaluated once.

    Raises:
        WrongChoice: a folder is missing, or has no images of a split.
        MlError: one of the images is wrong. Both before any training.
    """
    specification, choices = job.specification, job.choices
    files = listed(job.data / BRAIN_FOLDER, job.data / HISTOLOGY_FOLDER)

    # TensorFlow takes seconds to import, so the checks come first.
    import keras

    from ml.gate.network import build_gate
    from ml.training.fitting import fit

    progress.report("gathering the images")
    material = {split: gather(files[split], split) for split in SPLITS}
    recipe = replace(RECIPE, seed=choices.seed, epochs=choices.epochs or RECIPE.epochs)
    size = specification.input_size
    progress.report("preparing the images")
    images = {split: material[split].labelled(size) for split in ("train", "val")}
    keras.utils.set_random_seed(choices.seed)
    network = build_gate((size, size, 3), len(specification.classes))
    fit(network, images["train"], images["val"], recipe)
    with new_folder(job.output) as folder:
        return package(specification, network, recipe, images, material["test"], folder)


def package(
    specification: Specification,
    model: keras.Model,
    recipe: Recipe,
    images: Mapping[str, LabelledImages],
    test: Material,
    folder: Path,
) -> Bundle:
    """Write the bundle of a trained ``model`` to ``folder``, which exists and is empty; ``images``: train and val."""
    import keras

    from ml.networks.weights import weights_to_bytes
    from ml.training.export import export_litert

    flatbuffer = export_litert(model)
    network = LiteRtNetwork(flatbuffer)
    logits = np.stack([network(row[None]).logits for row in images["val"].pixels])
    temperature = round(fit_temperature(logits, images["val"].labels), 6)
    metadata = specification.metadata(
        temperature=temperature,
        abstention=Abstention(
            score=None,
            false_alarm_rate=false_alarm_rate(softmax(logits, temperature), images["val"].labels),
            colourfulness=None,
            confidence=MAJORITY,
        ),
        training=asdict(recipe)
        | {
            "parameters": model.count_params(),
            "images": {
                name: int((images["train"].labels == index).sum()) for index, name in enumerate(specification.labels)
            },
            "framework": f"Keras {keras.__version__}",
        },
    )
    metrics = measure(Gate(Bundle.draft(metadata, flatbuffer)), test)
    files = {NETWORK: flatbuffer, WEIGHTS: weights_to_bytes(model)}
    return write_bundle(folder, metadata, files, metrics)


def measure(gate: Gate, test: Material) -> dict[str, Any]:
    """``test``: figures of the most probable class, and in ``decisions`` the gate's answers with limits applied: rows
    are brain MRI, breast histology, anything else, columns the same, the last one meaning declined. ``outliers``: by
    kind, the share that it declines. The bootstrap resamples histology images by patient."""
    others = [picture for pictures in test.others.values() for picture in pictures]
    images: list[Image.Image] = [*test.brains, *test.histology, *others]
    labels = np.repeat([0, 1, 2], [len(test.brains), len(test.histology), len(others)])
    groups = [str(number) for number in range(len(images))]
    groups[len(test.brains) : len(test.brains) + len(test.histology)] = test.patients
    names = gate.bundle.metadata.labels
    found = [gate.predict(image) for image in progress.counted(images, "evaluated images")]
    columns = np.array([OTHER if each.label == ABSTAINED_LABEL else names.index(each.label) for each in found])
    decided = np.zeros((3, 3), int)
    np.add.at(decided, (labels, columns), 1)
    answered = columns != OTHER
    figures = summarise(np.array([list(each.probabilities.values()) for each in found]), labels, names, groups)
    figures["abstention"] = {
        "rate": round(float((~answered[labels != OTHER]).mean()), 4),
        "accuracy_when_answering": round(float((columns == labels)[answered].mean()), 4),
    }
    figures["decisions"] = decided.tolist()
    return {"test": figures, "outliers": abstention_rates(gate, test.others)}


def false_alarm_rate(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The share of the images of the two modalities whose true class has no majority in ``probabilities`` (N, 3)."""
    known = labels != OTHER
    return round(float((probabilities[known, labels[known]] < MAJORITY).mean()), 4)
