"""EfficientNet-B0, frozen, with S1's head, and a shortened EfficientNet-Lite0 that is trained completely."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

from ml.networks.heads import logits
from ml.networks.lite_encoder import lite_encoder
from ml.networks.transfer import IMAGENET_DEVIATION, IMAGENET_MEAN, backbone, with_dense_head
from ml.networks.weights import Weights, restored

LITE_DROPOUT = 0.3


def build_efficientnetb0(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """EfficientNet-B0 (Tan & Le 2019), frozen.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.EfficientNetB0, pixels, "bytes", weights, frozen=True)
    # The published weights hold the deviation, the layer needs its square; Keras corrects that for "imagenet" only.
    norm = next(layer for layer in source.layers if isinstance(layer, layers.Normalization))
    norm.set_weights([np.array(IMAGENET_MEAN), np.square(IMAGENET_DEVIATION), np.array(0)])
    return with_dense_head(pixels, source.output, (256, 32), classes, "efficientnetb0", weights)


def build_lite_compact(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """The first fourteen blocks of EfficientNet-Lite0, all trained; the head is their mean and one dense layer.

    Layer ``feature_map`` is (N, S/32, S/32, 192). ``weights`` is None or a file: ``.npz`` of this network, ``.h5`` or
    ``.keras`` of the layers up to ``feature_map``, as ``ml.networks.lite_weights`` writes them.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.

    Example:
        >>> build_lite_compact((128, 128, 1), 4).output_shape
        (None, 4)
    """
    pixels = keras.Input(input_shape, name="pixels")
    feature_map = layers.Activation("linear", name="feature_map")(lite_encoder(pixels))
    x = layers.GlobalAveragePooling2D(name="features")(feature_map)
    x = layers.Dropout(LITE_DROPOUT, name="features_dropout")(x)
    network = keras.Model(pixels, logits(x, classes), name="lite_compact")
    whole = weights is None or Path(weights).suffix == ".npz"
    restored(network if whole else keras.Model(pixels, feature_map, name="lite_encoder"), weights)
    return network
