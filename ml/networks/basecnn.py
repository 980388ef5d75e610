"""S1's own convolutional network."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import dense_head
from ml.networks.weights import Weights, restored


def build_basecnn(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """Three convolutions from normalised pixels, the mean over places, two dense layers.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.

    Example:
        >>> build_basecnn((224, 224, 3), 2).count_params()
        89485
    """
    pixels = keras.Input(input_shape, name="pixels")
    x = layers.BatchNormalization(name="input_norm")(pixels)
    for number, (width, name) in enumerate(((32, "conv1"), (64, "conv2"), (64, "feature_map")), start=1):
        x = layers.Conv2D(width, 3, activation="relu", name=name)(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return restored(keras.Model(pixels, dense_head(x, (256, 64), classes), name="basecnn"), weights)
