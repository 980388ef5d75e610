"""MobileNetV3-Small with S1's head, and MobileNet as the backbone whose ImageNet weights may lie in a local file."""

from __future__ import annotations

import keras

from ml.networks.transfer import backbone, with_dense_head
from ml.networks.weights import Weights


def build_mobilenetv3small(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """MobileNetV3-Small (Howard et al. 2019), frozen.

    Raises:
        WeightsNotFound, WeightsUnfit.
    """
    pixels = keras.Input(input_shape, name="pixels")
    options = {"include_preprocessing": False}
    source = backbone(keras.applications.MobileNetV3Small, pixels, "symmetric", weights, frozen=True, options=options)
    return with_dense_head(pixels, source.output, (256, 64), classes, "mobilenetv3small", weights)


def build_mobilenet(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """MobileNet of width 0.75 (Howard et al. 2017), frozen.

    Raises:
        WeightsNotFound, WeightsUnfit.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.MobileNet, pixels, "symmetric", weights, frozen=True, options={"alpha": 0.75})
    return with_dense_head(pixels, source.output, (256, 64), classes, "mobilenet", weights)
