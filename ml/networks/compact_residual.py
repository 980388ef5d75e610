"""A small residual network, trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.weights import Weights, restored

WIDTHS = (16, 32, 64, 128)
BLOCKS = (1, 2, 2)


def build_compact_residual(
    input_size: int,
    classes: int,
    widths: Sequence[int] = WIDTHS,
    blocks: Sequence[int] = BLOCKS,
    dropout: float = 0.3,
    channels: int = 1,
) -> keras.Model:
    """Build the untrained network: (N, S, S, channels) in [0, 1] to logits (N, classes), or (N, 1) for two classes.

    A strided stem, then one stage a width: a strided convolution and ``blocks`` basic residual blocks (He et al. 2016)
    with batch normalisation. The head is global average pooling and one dense layer, so that the class activation map
    (Zhou et al. 2016) is exact. Layer ``feature_map`` is (N, S/16, S/16, widths[-1]), ``features`` its mean.

    Example:
        >>> build_compact_residual(128, 4).output_shape
        (None, 4)
    """
    pixels = keras.Input((input_size, input_size, channels), name="pixels")
    x = _conv(pixels, widths[0], 2, "stem")
    for stage, (width, count) in enumerate(zip(widths[1:], blocks, strict=True), start=1):
        x = _conv(x, width, 2, f"stage{stage}_down")
        for block in range(1, count + 1):
            x = _residual(x, width, f"stage{stage}_block{block}")
        x = layers.Activation("linear", name=f"stage{stage}_end")(x)
    x = layers.Activation("linear", name="feature_map")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(dropout, name="features_dropout")(x)
    return keras.Model(pixels, logits(x, classes), name="compact_residual")


def build_compact(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """``build_compact_residual`` at its usual widths, for a square ``input_shape``.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    return restored(build_compact_residual(input_shape[0], classes, channels=input_shape[2]), weights)


def _conv(x: keras.KerasTensor, width: int, stride: int, name: str, activate: bool = True) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if activate else x


def _residual(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    y = _conv(x, width, 1, f"{name}_a")
    y = _conv(y, width, 1, f"{name}_b", activate=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
