"""MobileNetV3-Small and MobileNet, frozen, with S1's head, and a shortened MobileNet that is trained completely."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.mobile_encoder import mobile_encoder, start_from
from ml.networks.transfer import backbone, with_dense_head
from ml.networks.weights import Weights

WIDTH = 0.75
DEEPEST = "conv_pw_11_relu"
COMPACT_DROPOUT = 0.3


def build_mobilenetv3small(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """MobileNetV3-Small (Howard et al. 2019), frozen.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    options = {"include_preprocessing": False}
    source = backbone(keras.applications.MobileNetV3Small, pixels, "symmetric", weights, frozen=True, options=options)
    return with_dense_head(pixels, source.output, (256, 64), classes, "mobilenetv3small", weights)


def build_mobilenet(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """MobileNet of width 0.75 (Howard et al. 2017), frozen.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.MobileNet, pixels, "symmetric", weights, frozen=True, options={"alpha": WIDTH})
    return with_dense_head(pixels, source.output, (256, 64), classes, "mobilenet", weights)


def build_mobile_compact(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """The first eleven blocks of MobileNet of width 0.75, all trained; the head is their mean and one dense layer.

    Most of MobileNet's parameters lie in the two blocks left out. Layer ``feature_map`` is (N, S/16, S/16, 384).
    ``weights`` are as in ``ml.networks.mobile_encoder.start_from``.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.

    Example:
        >>> build_mobile_compact((128, 128, 1), 4).output_shape
        (None, 4)
    """
    pixels = keras.Input(input_shape, name="pixels")
    x = layers.Activation("linear", name="feature_map")(mobile_encoder(pixels, WIDTH).get_layer(DEEPEST).output)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(COMPACT_DROPOUT, name="features_dropout")(x)
    network = keras.Model(pixels, logits(x, classes), name="mobile_compact")
    start_from(network, weights, WIDTH)
    return network
