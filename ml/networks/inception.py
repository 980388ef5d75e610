"""Inception V3 for S2, and GoogLeNet."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.transfer import backbone, with_dense_head
from ml.networks.weights import Weights, restored

# Filters of 1x1, 3x3 reduced, 3x3, 5x5 reduced, 5x5, pooled and projected: table 1 of Szegedy et al. 2015.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def build_inceptionv3(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """Inception V3 (Szegedy et al. 2016), frozen. S2 does not state its head: S1's is used.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.InceptionV3, pixels, "symmetric", weights, frozen=True)
    return with_dense_head(pixels, source.output, (256, 32), classes, "inceptionv3", weights)


def build_googlenet(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """GoogLeNet (Szegedy et al. 2015), all layers trained, with batch normalisation instead of its two auxiliary heads.

    Those heads bring gradients to the early modules in training, as batch normalisation (Ioffe & Szegedy 2015) does
    too. Local response normalisation is left out as well.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    x = _pool(_conv(pixels, 64, 7, "stem1", strides=2), "stem1_pool")
    x = _pool(_conv(_conv(x, 64, 1, "stem2_reduce"), 192, 3, "stem2"), "stem2_pool")
    for name, filters in MODULES.items():
        x = _module(x, filters, f"inception{name}")
        if name in ("3b", "4e"):
            x = _pool(x, f"inception{name}_pool")
    x = layers.Activation("linear", name="feature_map")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(0.4, name="features_dropout")(x)
    return restored(keras.Model(pixels, logits(x, classes), name="googlenet"), weights)


def _conv(x: keras.KerasTensor, width: int, size: int, name: str, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(width, size, strides=strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_norm")(x))


def _pool(x: keras.KerasTensor, name: str, strides: int = 2) -> keras.KerasTensor:
    return layers.MaxPooling2D(3, strides=strides, padding="same", name=name)(x)


def _module(x: keras.KerasTensor, filters: tuple[int, ...], name: str) -> keras.KerasTensor:
    one, three_reduced, three, five_reduced, five, projected = filters
    branches = [
        _conv(x, one, 1, f"{name}_1x1"),
        _conv(_conv(x, three_reduced, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
        _conv(_conv(x, five_reduced, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
        _conv(_pool(x, f"{name}_branch_pool", strides=1), projected, 1, f"{name}_project"),
    ]
    return layers.Concatenate(name=name)(branches)
