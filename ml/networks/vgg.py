"""VGG-16 and VGG-19 with S1's head."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

from ml.networks.heads import dense_head
from ml.networks.transfer import backbone, named
from ml.networks.weights import Weights

HEAD = (256, 32)


def build_vgg16(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """VGG-16 (Simonyan & Zisserman 2015), frozen.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    return _build(keras.applications.VGG16, "block5_conv3", input_shape, classes, weights)


def build_vgg19(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """VGG-19 (Simonyan & Zisserman 2015), frozen. S2 does not state its head: S1's is used.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    return _build(keras.applications.VGG19, "block5_conv4", input_shape, classes, weights)


def _build(
    application: Callable[..., keras.Model],
    last: str,
    input_shape: tuple[int, int, int],
    classes: int,
    weights: Weights,
) -> keras.Model:
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(application, pixels, "vgg", weights, frozen=True)
    # The map before the last pooling has twice the resolution of the one after it.
    x = layers.Activation("linear", name="feature_map")(source.get_layer(last).output)
    x = layers.MaxPooling2D(name="block5_pool")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return named(keras.Model(pixels, dense_head(x, HEAD, classes), name=source.name), weights)
