"""Trains one network on one division of the data and runs it on the test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.datasets import LabelledImages, Sample, load_resized, load_samples, of_split
from ml.datasets.splits import SPLITS
from ml.errors import MlError
from ml.inference.calibration import softmax
from ml.networks.zoo import Architecture, build
from ml.training.recipes import Recipe

if TYPE_CHECKING:
    import keras

    from ml.training.checkpoint import History


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network and its training. ``input_shape`` is (H, W, C); ``weights`` are the backbone's: None for random,
    "imagenet", or a file."""

    architecture: Architecture
    recipe_name: str
    recipe: Recipe
    input_shape: tuple[int, int, int]
    weights: str | Path | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """``probabilities`` (N, K) float64, uncalibrated, of the test images, whose classes are ``truth`` (N,)."""

    network: keras.Model
    history: History
    probabilities: np.ndarray
    truth: np.ndarray


def load(samples: Sequence[Sample], labels: Sequence[str], shape: tuple[int, int, int]) -> LabelledImages:
    """Load images as the network's input. Grey ones are cropped to the content, as in serving, so that borders are no
    clue; colour ones are resized to a square, as in the source systems."""
    return load_samples(samples, labels, shape[0]) if shape[2] == 1 else load_resized(samples, labels, shape)


def train_and_run(candidate: Candidate, samples: Sequence[Sample], labels: Sequence[str]) -> Trained:
    """Train on the split train with early stopping on val, and run on test.

    A frozen backbone runs once, not in every epoch.

    Raises:
        MlError: a split has no images, an image or a file of weights is wrong, or the training diverged.
    """
    import keras

    from ml.training.fitting import fit
    from ml.training.frozen import fit_head

    keras.backend.clear_session()
    keras.utils.set_random_seed(candidate.recipe.seed)
    name = candidate.architecture.name
    network = build(name, len(labels), candidate.input_shape, candidate.weights)
    train, val, test = (load(of_split(samples, part), labels, candidate.input_shape) for part in SPLITS)
    train_network = fit_head if candidate.architecture.frozen_backbone else fit
    history = train_network(network, train, val, candidate.recipe)
    probabilities = softmax(network.predict(test.pixels, batch_size=32, verbose=0))
    if not np.isfinite(probabilities).all():
        raise MlError(f"expected finite outputs of {name} after training, found others: its training diverged")
    return Trained(network, history, probabilities, test.labels)
