"""ResNet-50 V2 with S1's head, and ResNet-18."""

from __future__ import annotations

import keras
from keras import layers

from ml.networks.heads import logits
from ml.networks.transfer import backbone, with_dense_head
from ml.networks.weights import Weights, restored


def build_resnet50v2(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """ResNet-50 V2 (He et al. 2016b), frozen.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    source = backbone(keras.applications.ResNet50V2, pixels, "symmetric", weights, frozen=True)
    return with_dense_head(pixels, source.output, (256, 32), classes, "resnet50v2", weights)


def build_resnet18(input_shape: tuple[int, int, int], classes: int, weights: Weights = None) -> keras.Model:
    """ResNet-18 (He et al. 2016a), all layers trained; the head is the mean of the last map and one dense layer.

    Raises:
        WrongChoice, MlError: see ``ml.networks.zoo.build``.
    """
    pixels = keras.Input(input_shape, name="pixels")
    x = _conv(pixels, 64, 7, 2, "stem")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(layers.ReLU(name="stem_relu")(x))
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        x = _block(x, width, 1 if stage == 1 else 2, f"stage{stage}_block1")
        x = _block(x, width, 1, f"stage{stage}_block2")
    x = layers.Activation("linear", name="feature_map")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return restored(keras.Model(pixels, logits(x, classes), name="resnet18"), weights)


def _conv(x: keras.KerasTensor, width: int, size: int, stride: int, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(width, size, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def _block(x: keras.KerasTensor, width: int, stride: int, name: str) -> keras.KerasTensor:
    y = layers.ReLU(name=f"{name}_a_relu")(_conv(x, width, 3, stride, f"{name}_a"))
    y = _conv(y, width, 3, 1, f"{name}_b")
    if stride > 1:
        x = _conv(x, width, 1, stride, f"{name}_shortcut")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
