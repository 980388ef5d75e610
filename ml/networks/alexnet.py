"""AlexNet."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.weights import Weights, restored

# Filters, size, stride and padding of each convolution, and whether a pooling follows.
CONVOLUTIONS = (
    (96, 11, 4, "valid", True),
    (256, 5, 1, "same", True),
    (384, 3, 1, "same", False),
    (384, 3, 1, "same", False),
    (256, 3, 1, "same", True),
)


def build_alexnet(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """AlexNet (Krizhevsky et al. 2012) with ungrouped convolutions; all layers are trained.

    Without its local response normalisation, which Simonyan & Zisserman (2015) found not to help.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    x = pixels = keras.Input(input_shape, name="pixels")
    for number, (width, size, stride, padding, pooled) in enumerate(CONVOLUTIONS, start=1):
        name = "feature_map" if number == len(CONVOLUTIONS) else f"conv{number}"
        x = layers.Conv2D(width, size, strides=stride, padding=padding, activation="relu", name=name)(x)
        if pooled:
            x = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    x = layers.Flatten(name="features")(x)
    for number in (1, 2):
        x = layers.Dropout(0.5, name=f"dropout{number}")(x)
        x = layers.Dense(4096, activation="relu", name=f"dense{number}")(x)
    return restored(keras.Model(pixels, logits(x, classes), name="alexnet"), weights)
