"""Fits a network to labelled images."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

from ml.augmentation import augment
from ml.datasets import LabelledImages


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training run beside the data; it is written into the bundle's metadata."""

    epochs: int = 80
    cycles: int = 2
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    seed: int = 7


def fit(model: keras.Model, train: LabelledImages, val: LabelledImages, recipe: Recipe) -> dict[str, list[float]]:
    """Train ``model`` in place with AdamW (Loshchilov & Hutter 2019); returns the history.

    The learning rate falls to zero along a cosine in each cycle and restarts at half its last peak (SGDR, Loshchilov &
    Hutter 2017).

    The last weights are kept: choosing the best epoch on ``val`` would flatter every figure measured there.
    """
    keras.utils.set_random_seed(recipe.seed)
    classes = model.output_shape[-1]
    steps = -(-len(train.labels) // recipe.batch_size)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecayRestarts(
            recipe.learning_rate, -(-recipe.epochs * steps // recipe.cycles), t_mul=1.0, m_mul=0.5
        ),
        weight_decay=recipe.weight_decay,
        global_clipnorm=5.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )
    batches = (
        _dataset(train, classes)
        .shuffle(len(train.labels), seed=recipe.seed)
        .batch(recipe.batch_size)
        .map(augment, num_parallel_calls=1)
        .prefetch(2)
    )
    history = model.fit(
        batches,
        validation_data=_dataset(val, classes).batch(recipe.batch_size),
        epochs=recipe.epochs,
        shuffle=False,
        verbose=2,
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}


def _dataset(images: LabelledImages, classes: int) -> tf.data.Dataset:
    targets = keras.utils.to_categorical(images.labels, classes).astype("float32")
    return tf.data.Dataset.from_tensor_slices((images.pixels, targets))
