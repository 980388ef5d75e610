"""Fits a segmentation network to images and masks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import tensorflow as tf

from ml.segmentation.augmentation import augment
from ml.segmentation.data import MaskedImages
from ml.training.callback import EpochReport
from ml.training.checkpoint import digest

DICE_SMOOTHING = 1.0


@dataclass(frozen=True, slots=True)
class SegmentationRecipe:
    """All settings of a training run; they are written into the bundle's metadata.

    ``start`` is the SHA-256 of the initial weights, empty for random ones.
    """

    epochs: int = 24
    cycles: int = 1
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.03
    averaging: float = 0.99
    start: str = ""
    seed: int = 7


def dice_and_cross_entropy(masks: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The loss of each image, (N,): soft Dice (Milletari et al. 2016) plus binary cross-entropy; (N, S, S, 1) both."""
    probabilities = tf.sigmoid(logits)
    overlap = tf.reduce_sum(masks * probabilities, axis=(1, 2, 3))
    total = tf.reduce_sum(masks, axis=(1, 2, 3)) + tf.reduce_sum(probabilities, axis=(1, 2, 3))
    dice = (2 * overlap + DICE_SMOOTHING) / (total + DICE_SMOOTHING)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=masks, logits=logits)
    return 1.0 - dice + tf.reduce_mean(entropy, axis=(1, 2, 3))


def dice(masks: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The Dice of each image, (N,), both thresholded at one half; shown while training."""
    truth, found = tf.cast(masks > 0.5, tf.float32), tf.cast(logits > 0.0, tf.float32)
    overlap = 2 * tf.reduce_sum(truth * found, axis=(1, 2, 3))
    return overlap / tf.maximum(tf.reduce_sum(truth + found, axis=(1, 2, 3)), 1.0)


def fit(
    model: keras.Model,
    train: MaskedImages,
    val: MaskedImages,
    recipe: SegmentationRecipe,
    *,
    folder: Path | None = None,
) -> dict[str, list[float]]:
    """Train ``model`` in place with AdamW (Loshchilov & Hutter 2019); returns the history.

    The learning rate falls to zero along a cosine in each cycle and restarts at half its last peak (SGDR, Loshchilov &
    Hutter 2017). The final weights are the exponential moving average of the last steps, not those of the best epoch on
    ``val``: that choice would make every figure on ``val`` too good. With ``folder`` a killed run resumes after its
    last complete epoch."""
    keras.utils.set_random_seed(recipe.seed)
    steps = -(-len(train.pixels) // recipe.batch_size)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecayRestarts(
            recipe.learning_rate, -(-recipe.epochs * steps // recipe.cycles), t_mul=1.0, m_mul=0.5
        ),
        weight_decay=recipe.weight_decay,
        global_clipnorm=5.0,
        use_ema=True,
        ema_momentum=recipe.averaging,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    # XLA, Keras's default, takes twice as long for these convolutions on a CPU.
    model.compile(optimizer, dice_and_cross_entropy, metrics=[dice], jit_compile=False)
    batches = (
        tf.data.Dataset.from_tensor_slices((train.pixels, train.masks))
        .shuffle(len(train.pixels), seed=recipe.seed)
        .batch(recipe.batch_size)
        .map(augment, num_parallel_calls=1)
        .prefetch(2)
    )
    # Another recipe or other data make another run, which must not resume from this one's state.
    state = folder / digest(asdict(recipe), train.pixels, train.masks)[:16] if folder else None
    history = model.fit(
        batches,
        validation_data=tf.data.Dataset.from_tensor_slices((val.pixels, val.masks)).batch(recipe.batch_size),
        epochs=recipe.epochs,
        shuffle=False,
        verbose=0,
        callbacks=[EpochReport(recipe.epochs), *([keras.callbacks.BackupAndRestore(state)] if state else [])],
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}
