"""Heads that networks share: the logits of a task and the dense heads of the source systems."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

DROPOUT = 0.2


def logits(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """The last layer, without activation: (N, 1) where there are two classes, else (N, classes)."""
    return layers.Dense(1 if classes == 2 else classes, name="logits")(x)


def dense_head(features: keras.KerasTensor, widths: Sequence[int], classes: int) -> keras.KerasTensor:
    """For each width a dropout and a dense ReLU layer, then the logits. S1's dropout rates are not known."""
    x = features
    for number, width in enumerate(widths, start=1):
        x = layers.Dropout(DROPOUT, name=f"dropout{number}")(x)
        x = layers.Dense(width, activation="relu", name=f"dense{number}")(x)
    return logits(x, classes)
