"""The training loop, for whole networks and for heads on cached features alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ml.datasets import LabelledImages
from ml.training.augmentation import augment, mix
from ml.training.callback import EpochReport, TrainingCallback
from ml.training.checkpoint import Checkpoint, History, digest
from ml.training.recipes import Recipe

Change = Callable[[tf.Tensor, tf.Tensor, str], tf.Tensor]
"""Augments a batch: ``(inputs, seed, name of the augmentation)``."""


def fit(
    model: keras.Model, train: LabelledImages, val: LabelledImages, recipe: Recipe, *, folder: Path | None = None
) -> History:
    """Train ``model`` in place; returns the history: each figure of train and val, and the seconds, by epoch.

    With one logit the loss is binary cross-entropy and early stopping monitors the AUC on val; with more it is
    categorical cross-entropy, and the loss on val. Figures on train are measured on augmented batches; with mixup only
    the losses are meaningful there.

    The run saves its state after every epoch, and TensorBoard logs, in ``folder``: the same call after a kill resumes
    there and reaches the same weights as an uninterrupted run. A seed gives the same weights on the same machine.

    Raises:
        MlError: ``folder`` holds a run of another network, recipe or data.
    """
    return run(model, (train.pixels, train.labels), (val.pixels, val.labels), recipe, augment, folder)


def run(
    model: keras.Model,
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    recipe: Recipe,
    change: Change,
    folder: Path | None,
) -> History:
    """``fit`` with any inputs (N, …) and with ``change`` instead of ``ml.training.augmentation.augment``."""
    # Otherwise the order of sums over threads is random.
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(recipe.seed)
    classes = model.output_shape[-1]
    steps = -(-len(train[1]) // recipe.batch_size)
    _compile(model, recipe, steps)
    checkpoint = Checkpoint(folder, _identity(model, train, val, recipe)) if folder else None
    keeper = TrainingCallback(recipe, "val_auc" if classes == 1 else "val_loss", checkpoint)
    keeper.resume(model)
    callbacks: list[keras.callbacks.Callback] = [keeper, EpochReport(recipe.epochs)]
    if folder:
        callbacks.append(keras.callbacks.TensorBoard(folder / "tensorboard"))
    if recipe.average:
        callbacks.insert(0, keras.callbacks.SwapEMAWeights())
    if not keeper.ended_early:
        model.fit(
            _batches(train[0], _targets(train[1], classes), recipe, change, keeper.epochs_done),
            validation_data=tf.data.Dataset.from_tensor_slices((val[0], _targets(val[1], classes))).batch(64),
            initial_epoch=keeper.epochs_done,
            epochs=recipe.epochs,
            steps_per_epoch=steps,
            callbacks=callbacks,
            verbose=0,
        )
    keeper.finish(model)
    return keeper.history


def _compile(model: keras.Model, recipe: Recipe, steps: int) -> None:
    rate = _rate(recipe, steps)
    options: dict[str, Any] = {"use_ema": recipe.average > 0}
    if recipe.average:
        options["ema_momentum"] = 1 - 1 / max(1.0, recipe.average * recipe.epochs * steps)
    if recipe.optimizer == "adamw":
        # AdamW: Loshchilov & Hutter 2019.
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, global_clipnorm=5.0, **options)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    else:
        optimizer = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[recipe.optimizer](
            rate, **options
        )
    if model.output_shape[-1] == 1:
        loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
        metrics = [
            keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
            keras.metrics.AUC(name="auc", from_logits=True),
        ]
    else:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
        metrics = ["accuracy"]
    # XLA, Keras's default, takes longer for convolutions on a CPU.
    model.compile(optimizer, loss, metrics=metrics, jit_compile=False)
    optimizer.build(model.trainable_variables)


def _rate(recipe: Recipe, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    peak, schedules = recipe.learning_rate, keras.optimizers.schedules
    if recipe.warmup:
        rising = recipe.warmup * steps
        falling = recipe.epochs * steps - rising
        return schedules.CosineDecay(0.0, falling, warmup_target=peak, warmup_steps=rising)
    if recipe.cycles:
        return schedules.CosineDecayRestarts(peak, -(-recipe.epochs * steps // recipe.cycles), t_mul=1.0, m_mul=0.5)
    return peak


def _batches(
    inputs: np.ndarray, targets: np.ndarray, recipe: Recipe, change: Change, first_epoch: int
) -> tf.data.Dataset:
    """All batches of the epochs from ``first_epoch`` on: (inputs, targets, weights). Order and augmentation depend
    only on the seed and the numbers of the epoch and the batch."""
    count, steps = len(inputs), -(-len(inputs) // recipe.batch_size)
    inputs, targets, weights = tf.constant(inputs), tf.constant(targets), tf.constant(_class_weights(targets, recipe))

    def epochs(first: int, last: int, augmentation: str, mixup: float) -> tf.data.Dataset:
        def batch(number: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            seed = tf.stack([recipe.seed, number])
            x, y = change(tf.gather(inputs, rows), seed, augmentation), tf.gather(targets, rows)
            if mixup:
                x, y = mix(x, y, mixup, tf.random.fold_in(seed, 0))
            negative = 1 - tf.reduce_sum(y, axis=1, keepdims=True)
            return x, y, tf.linalg.matvec(tf.concat([negative, y], axis=1), weights)

        def of_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
            order = tf.random.experimental.stateless_shuffle(tf.range(count), [recipe.seed, epoch])
            rows = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size)
            return rows.enumerate(epoch * steps).map(batch, num_parallel_calls=1)

        return tf.data.Dataset.range(first, last).flat_map(of_epoch)

    light = max(first_epoch, recipe.epochs - recipe.light_epochs)
    batches = epochs(first_epoch, light, recipe.augmentation, recipe.mixup)
    return batches.concatenate(epochs(light, recipe.epochs, "light", 0.0)).prefetch(2)


def _class_weights(targets: np.ndarray, recipe: Recipe) -> np.ndarray:
    """The weights of "none of the columns", which is the negative class of a single column, and of each column."""
    counts = np.concatenate([[len(targets) - targets.sum()], targets.sum(axis=0)])
    if not recipe.balanced:
        return np.ones(len(counts), np.float32)
    weights: np.ndarray = (len(targets) / np.maximum(counts, 1) / np.count_nonzero(counts)).astype(np.float32)
    return weights


def _targets(labels: np.ndarray, classes: int) -> np.ndarray:
    """One column, 0 or 1, for one logit; one-hot otherwise; float32 (N, classes)."""
    if classes == 1:
        return labels.astype(np.float32)[:, None]
    one_hot: np.ndarray = np.eye(classes, dtype=np.float32)[labels]
    return one_hot


def _identity(
    model: keras.Model, train: tuple[np.ndarray, np.ndarray], val: tuple[np.ndarray, np.ndarray], recipe: Recipe
) -> str:
    return digest(asdict(recipe), [list(weight.shape) for weight in model.weights], *train, *val)
