"""The encoder of EfficientNet-Lite0 for grey images, for networks of which all layers are trained."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

STEM_WIDTH = 32
BATCH_NORM_EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Stage:
    """``blocks`` inverted residual blocks that give ``width`` channels; the first has ``stride``.

    Each expands its channels ``expansion`` times, convolves each channel with ``kernel`` x ``kernel``, and narrows
    again."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(3, 5, 2, 6, 192),
)
"""Those of EfficientNet-B0 (Tan & Le 2019) without its last two blocks: these and the classifier have more than half of
Lite0's parameters."""


def lite_encoder(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """The first fourteen blocks of EfficientNet-Lite0, untrained: ``pixels`` (N, S, S, 1) in [0, 1] to a map
    (N, S/32, S/32, 192).

    EfficientNet-Lite is EfficientNet without squeeze and excitation, with ReLU6.
    """
    # The published weights expect (bytes - 127) / 128.
    x = layers.Rescaling(255 / 128, -127 / 128, name="scaled")(pixels)
    x = _normed(layers.Conv2D(STEM_WIDTH, 3, 2, padding="same", use_bias=False, name="stem")(x), "stem", active=True)
    placed = [(stage, number) for stage in STAGES for number in range(stage.blocks)]
    for index, (stage, number) in enumerate(placed):
        x = _block(x, stage, stage.stride if number == 0 else 1, f"block{index}")
    return x


def _block(x: keras.KerasTensor, stage: Stage, stride: int, name: str) -> keras.KerasTensor:
    wide = x
    if stage.expansion > 1:
        wide = layers.Conv2D(x.shape[-1] * stage.expansion, 1, use_bias=False, name=f"{name}_expand")(x)
        wide = _normed(wide, f"{name}_expand", active=True)
    wide = layers.DepthwiseConv2D(stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(wide)
    wide = _normed(wide, f"{name}_depthwise", active=True)
    narrow = layers.Conv2D(stage.width, 1, use_bias=False, name=f"{name}_project")(wide)
    narrow = _normed(narrow, f"{name}_project", active=False)
    return layers.Add(name=f"{name}_add")([x, narrow]) if x.shape == narrow.shape else narrow


def _normed(x: keras.KerasTensor, name: str, *, active: bool) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if active else x
