"""Trains the head of a network with a frozen backbone, which runs once, not in every epoch."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ml import progress
from ml.bundle.files import write_whole
from ml.datasets import LabelledImages
from ml.errors import MlError
from ml.training import augmentation
from ml.training.augmentation import Draws, augment
from ml.training.checkpoint import History, digest
from ml.training.fitting import run
from ml.training.recipes import Recipe

FEATURES = "features"
BATCH = 32


def fit_head(
    model: keras.Model,
    train: LabelledImages,
    val: LabelledImages,
    recipe: Recipe,
    *,
    cache: Path | None = None,
    folder: Path | None = None,
) -> History:
    """Train ``model`` in place, whose layers up to ``features`` are frozen; see ``ml.training.fitting.fit``.

    The backbone computes the recipe's ``views`` of every training image; an epoch uses one view of each at random. So
    an image has a few variants, where ``fit`` draws a new one in every epoch. Mixup mixes features, not images.

    ``cache`` is a folder for the features, which are not computed again for the same backbone, images, augmentation and
    seed. ``folder`` is as in ``fit``.

    Raises:
        MlError: a weight below ``features`` is trainable, or ``folder`` holds a run of another network, recipe or data.
    """
    part = frozen_part(model)
    backbone = Backbone(part, cache)
    head = keras.Model(part.output, model.output)
    seen = np.stack(backbone.features(train.pixels, recipe, range(recipe.views)), axis=1)

    def one_view(batch: tf.Tensor, seed: tf.Tensor, _augmentation: str) -> tf.Tensor:
        view = Draws(seed).uniform([tf.shape(batch)[0]], 0.0, float(recipe.views))
        return tf.gather(batch, tf.cast(view, tf.int32), axis=1, batch_dims=1)

    (unchanged,) = backbone.features(val.pixels, recipe)
    return run(head, (seen, train.labels), (unchanged, val.labels), recipe, one_view, folder)


def frozen_part(model: keras.Model) -> keras.Model:
    """From the pixels to the layer ``features``. Raises MlError where a layer in between is trained."""
    # Named, as a name that Keras numbers would change with the next run.
    backbone = keras.Model(model.input, model.get_layer(FEATURES).output, name="backbone")
    for layer in backbone.layers:
        if layer.trainable_weights:
            raise MlError(
                f"expected the backbone of {model.name} to be frozen, found that layer {layer.name} is trained"
            )
    return backbone


class Backbone:
    """Computes features and caches them in the folder ``cache`` where one is given."""

    def __init__(self, backbone: keras.Model, cache: Path | None = None) -> None:
        self._network = backbone
        self._cache = cache

    def features(self, pixels: np.ndarray, recipe: Recipe, views: Sequence[int | None] = (None,)) -> list[np.ndarray]:
        """The features, float32 (N, D), of ``pixels`` (N, H, W, C) for each of ``views``: the number of an augmented
        view, or None for the unchanged images."""
        changes = [("none", 0, 0) if view is None else (recipe.augmentation, recipe.seed, view) for view in views]
        if not self._cache:
            return [self._run(pixels, *change) for change in changes]
        # The key includes the augmentation's code, so that a change of it invalidates the cache.
        code = Path(augmentation.__file__).read_text(encoding="utf-8")
        known = digest(self._network.to_json(), *map(np.asarray, self._network.weights), pixels, code)
        found = []
        for change in changes:
            file = self._cache / f"{digest(known, *change)}.npy"
            if not file.exists():
                content = io.BytesIO()
                np.save(content, self._run(pixels, *change))
                write_whole(file, content.getvalue())
            found.append(np.load(file, allow_pickle=False))
        return found

    def _run(self, pixels: np.ndarray, name: str, seed: int, view: int) -> np.ndarray:
        starts = range(0, len(pixels), BATCH)
        seeds = tf.random.split(tf.random.fold_in([seed, 0], view), len(starts))
        batches = []
        for row, start in enumerate(progress.counted(starts, "batches through the backbone")):
            batch = tf.constant(pixels[start : start + BATCH])
            batches.append(self._compute(self._augment(batch, seeds[row], name))[0].numpy())
        return np.concatenate(batches)

    @cached_property
    def _augment(self) -> Callable[[tf.Tensor, tf.Tensor, str], tf.Tensor]:
        compiled: Callable[[tf.Tensor, tf.Tensor, str], tf.Tensor] = tf.function(augment, reduce_retracing=True)
        return compiled

    @cached_property
    def _compute(self) -> Callable[[tf.Tensor], list[tf.Tensor]]:
        # TensorFlow folds normalisation into convolutions only where weights are constants: a quarter less time.
        function = tf.function(lambda pixels: self._network(pixels, training=False))
        shape = tf.TensorSpec(self._network.input.shape, tf.float32)
        compiled: Callable[[tf.Tensor], list[tf.Tensor]] = convert_variables_to_constants_v2(
            function.get_concrete_function(shape)
        )
        return compiled
