"""S5's baseline: logistic regression on image features."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers, ops

from ml.networks.heads import logits
from ml.networks.weights import Weights, restored

ORIENTATIONS = 8
CELLS = 8


@keras.saving.register_keras_serializable("scanproof")
class GradientCells(layers.Layer):
    """From pixels (N, H, W, C) to features of each cell of a grid, (N, 8, 8, 9), without weights.

    The root of the mean brightness, and of the mean slope in each of eight directions: a small histogram of oriented
    gradients (Dalal & Triggs 2005), with the positive part of the directional derivative as the vote.
    """

    def call(self, pixels: Any) -> Any:
        grey = ops.mean(pixels, axis=-1, keepdims=True)
        across = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
        down = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
        angles = [2 * math.pi * number / ORIENTATIONS for number in range(ORIENTATIONS)]
        slopes = [ops.relu(across * math.cos(angle) + down * math.sin(angle)) for angle in angles]
        votes = ops.concatenate([grey[:, 1:-1, 1:-1], *slopes], axis=-1)
        size = [side // CELLS for side in votes.shape[1:3]]
        return ops.sqrt(ops.average_pool(votes, size, strides=size)[:, :CELLS, :CELLS])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], CELLS, CELLS, 1 + ORIENTATIONS)


def build_logistic(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """Logistic regression on 576 fixed features, standardised by the statistics of the training images.

    S5 does not state its features: ``GradientCells`` are used. The input has at least 10 x 10 pixels.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    x = GradientCells(name="cells")(pixels)
    x = layers.BatchNormalization(center=False, scale=False, name="feature_map")(x)
    x = layers.Flatten(name="features")(x)
    return restored(keras.Model(pixels, logits(x, classes), name="logistic"), weights)
