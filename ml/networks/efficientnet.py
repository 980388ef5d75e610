"""EfficientNet-B0 with S1's head."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from ml.networks.transfer import IMAGENET_DEVIATION, IMAGENET_MEAN, backbone, with_dense_head
from ml.networks.weights import Weights


def build_efficientnetb0(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """EfficientNet-B0 (Tan & Le 2019), frozen.

    Raises:
        WeightsNotFound, WeightsUnfit.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.EfficientNetB0, pixels, "bytes", weights, frozen=True)
    # The published weights hold the deviation where the layer wants its square; Keras mends that for "imagenet" only.
    norm = next(layer for layer in source.layers if isinstance(layer, layers.Normalization))
    norm.set_weights([np.array(IMAGENET_MEAN), np.square(IMAGENET_DEVIATION), np.array(0)])
    return with_dense_head(pixels, source.output, (256, 32), classes, "efficientnetb0", weights)
