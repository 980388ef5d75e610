"""DenseNet-121."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.transfer import backbone, named
from ml.networks.weights import Weights


def build_densenet121(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """DenseNet-121 (Huang et al. 2017), all layers trained; the head is the mean of the last map and one dense layer.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.DenseNet121, pixels, "standardised", weights, frozen=False)
    x = layers.Activation("linear", name="feature_map")(source.output)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return named(keras.Model(pixels, logits(x, classes), name="densenet121"), weights)
