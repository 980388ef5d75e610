"""Xception with S3's head."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.transfer import backbone, named
from ml.networks.weights import Weights


def build_xception(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """Xception (Chollet 2017), all layers trained; S3 flattens the map and normalises after the first dense layer.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.Xception, pixels, "symmetric", weights, frozen=False)
    x = layers.Activation("linear", name="feature_map")(source.output)
    x = layers.Flatten(name="features")(x)
    x = layers.Dense(50, activation="relu", name="dense1")(x)
    x = layers.BatchNormalization(name="dense1_norm")(x)
    x = layers.Dropout(0.2, name="dropout1")(x)
    x = layers.Dense(10, activation="relu", name="dense2")(x)
    x = layers.Dropout(0.2, name="dropout2")(x)
    return named(keras.Model(pixels, logits(x, classes), name="xception"), weights)
