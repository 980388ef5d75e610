"""The gate's network: four convolutions and one dense layer."""

from __future__ import annotations

import keras
from keras import layers

WIDTHS = (16, 32, 48, 64)


def build_gate(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """``pixels`` (N, H, W, 3) in [0, 1] to ``logits`` (N, classes); every stage halves height and width."""
    pixels = keras.Input(input_shape, name="pixels")
    x = pixels
    for number, width in enumerate(WIDTHS, start=1):
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False, name=f"stage{number}_conv")(x)
        x = layers.BatchNormalization(name=f"stage{number}_norm")(x)
        last = number == len(WIDTHS)
        x = layers.Activation("relu", name="feature_map" if last else f"stage{number}_end")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(pixels, layers.Dense(classes, name="logits")(x), name="gate")
