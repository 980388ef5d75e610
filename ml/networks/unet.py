"""A small U-Net with residual blocks for grey images, trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

WIDTHS = (16, 32, 64, 128)
DETAIL_WIDTH = 8


def build_unet(input_size: int, widths: Sequence[int] = WIDTHS, dropout: float = 0.3) -> keras.Model:
    """Build the untrained network: pixels (N, S, S, 1) in [0, 1] to mask logits (N, S, S, 1).

    The U of Ronneberger et al. 2015 with the basic residual blocks of He et al. 2016 and batch normalisation. Every
    level halves the side, the first one too, so that most of the work is done on small maps; the last convolution sees
    the pixels themselves again and draws the edge. S is a multiple of 2 to the number of ``widths``.

    Example:
        >>> build_unet(128).output_shape
        (None, 128, 128, 1)
    """
    pixels = keras.Input((input_size, input_size, 1), name="pixels")
    x, skips = pixels, []
    for level, width in enumerate(widths, start=1):
        x = _conv(x, width, f"level{level}_down", stride=2)
        x = _residual(x, width, f"level{level}_in")
        skips.append(x)
    x = _residual(x, widths[-1], "bottom")
    x = layers.SpatialDropout2D(dropout, name="dropout")(x)
    for level in range(len(widths) - 1, 0, -1):
        width = widths[level - 1]
        x = _conv(x, width, f"level{level}_narrow", kernel=1)
        x = layers.UpSampling2D(interpolation="bilinear", name=f"level{level}_up")(x)
        x = layers.Concatenate(name=f"level{level}_skip")([x, skips[level - 1]])
        x = _conv(x, width, f"level{level}_merge")
        x = _residual(x, width, f"level{level}_out")
    x = _conv(x, DETAIL_WIDTH, "detail_narrow", kernel=1)
    x = layers.UpSampling2D(interpolation="bilinear", name="detail_up")(x)
    x = layers.Concatenate(name="detail_skip")([x, pixels])
    x = _conv(x, DETAIL_WIDTH, "detail_merge")
    return keras.Model(pixels, layers.Conv2D(1, 1, name="logits")(x), name="unet")


def _conv(x: keras.KerasTensor, width: int, name: str, *, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    return layers.ReLU(name=f"{name}_relu")(_normed(x, width, name, kernel, stride))


def _normed(x: keras.KerasTensor, width: int, name: str, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)


def _residual(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    y = _normed(_conv(x, width, f"{name}_a"), width, f"{name}_b")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
