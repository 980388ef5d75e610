"""S4's two convolutional networks for grey images."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.weights import Weights, restored


def build_cnn_a(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """Five blocks of a 2x2 convolution and a pooling, then Dense 256.

    S4 does not state the padding. It is "same" here: without it the last map of 64 x 64 pixels would be too small to
    explain.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    x = pixels = keras.Input(input_shape, name="pixels")
    for number, width in enumerate((32, 64, 128, 256, 512), start=1):
        name = "feature_map" if number == 5 else f"conv{number}"
        x = layers.Conv2D(width, 2, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.Flatten(name="features")(x)
    x = layers.Dropout(0.5, name="dropout1")(x)
    x = layers.Dense(256, activation="relu", name="dense1")(x)
    return restored(keras.Model(pixels, logits(x, classes), name="cnn_a"), weights)


def build_cnn_b(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """Three blocks of a 3x3 convolution, batch normalisation and a pooling, then Dense 128 and 64, normalised.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    x = pixels = keras.Input(input_shape, name="pixels")
    for number, width in enumerate((128, 64, 32), start=1):
        name = "feature_map" if number == 3 else f"conv{number}"
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(x)
        x = layers.BatchNormalization(name=f"norm{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.Flatten(name="features")(x)
    for number, width in enumerate((128, 64), start=1):
        x = layers.Dense(width, activation="relu", name=f"dense{number}")(x)
        x = layers.BatchNormalization(name=f"dense{number}_norm")(x)
    return restored(keras.Model(pixels, logits(x, classes), name="cnn_b"), weights)
