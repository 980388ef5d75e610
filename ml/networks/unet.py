"""A small U-Net for grey images whose encoder is the first part of MobileNet."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.mobile_encoder import mobile_encoder, start_from
from ml.networks.weights import Weights

WIDTHS = (24, 48, 64)
BOTTOM_WIDTH = 96
DETAIL_WIDTH = 8
ENCODER_WIDTH = 0.75
SKIPS = ("conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_5_relu")
DEEPEST = "conv_pw_11_relu"
BATCH_NORM_MOMENTUM = 0.97


def build_unet(
    input_size: int,
    weights: Weights = None,
    *,
    encoder_width: float = ENCODER_WIDTH,
    dropout: float = 0.3,
) -> keras.Model:
    """Build the network: pixels (N, S, S, 1) in [0, 1] to mask logits (N, S, S, 1).

    The decoder of Ronneberger et al. 2015 on MobileNet (Howard et al. 2017) of width ``encoder_width``, which ends
    where its maps have a side of S / 16. Every level of the decoder is one convolution; the last one also receives the
    pixels, to draw the edge. All layers are trained. S is a multiple of 16, at least 32.

    ``weights`` is None (random), "imagenet" (downloaded by Keras) or a file: ``.h5`` or ``.keras`` of MobileNet without
    its classifier, ``.npz`` of the whole network.

    Raises:
        WrongChoice: see ``ml.networks.weights.load_file``.

    Example:
        >>> build_unet(128).output_shape
        (None, 128, 128, 1)
    """
    pixels = keras.Input((input_size, input_size, 1), name="pixels")
    encoder = mobile_encoder(pixels, encoder_width)
    x = layers.SpatialDropout2D(dropout, name="dropout")(encoder.get_layer(DEEPEST).output)
    x = _conv(x, BOTTOM_WIDTH, "bottom", kernel=1)
    for level in range(len(SKIPS), 0, -1):
        skip = encoder.get_layer(SKIPS[level - 1]).output
        x = _conv(_joined(x, skip, f"level{level}"), WIDTHS[level - 1], f"level{level}_merge")
    x = _conv(x, DETAIL_WIDTH, "detail_narrow", kernel=1)
    x = _conv(_joined(x, pixels, "detail"), DETAIL_WIDTH, "detail_merge")
    network = keras.Model(pixels, layers.Conv2D(1, 1, name="logits")(x), name="mobile_unet")
    start_from(network, weights, encoder_width)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return network


def _joined(x: keras.KerasTensor, skip: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = layers.UpSampling2D(interpolation="bilinear", name=f"{name}_up")(x)
    return layers.Concatenate(name=f"{name}_skip")([x, skip])


def _conv(x: keras.KerasTensor, width: int, name: str, *, kernel: int = 3) -> keras.KerasTensor:
    x = layers.Conv2D(width, kernel, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
