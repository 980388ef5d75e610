"""Every network by name: its input, its source, and how to build it.

Each takes ``pixels``, float32 (N, H, W, C) in [0, 1], and returns ``logits`` without activation: (N, 1) for two
classes, else (N, classes). Layer ``feature_map`` (N, h, w, D) is the map that explains a result; ``features`` is the
input of the head, so that all layers up to it run once where the backbone is frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras

from ml.errors import WrongChoice
from ml.networks.alexnet import build_alexnet
from ml.networks.basecnn import build_basecnn
from ml.networks.cnn_ab import build_cnn_a, build_cnn_b
from ml.networks.compact_residual import build_compact
from ml.networks.densenet import build_densenet121
from ml.networks.efficientnet import build_efficientnetb0, build_lite_compact
from ml.networks.inception import build_googlenet, build_inceptionv3
from ml.networks.logistic import build_logistic
from ml.networks.mobilenet import build_mobile_compact, build_mobilenet, build_mobilenetv3small
from ml.networks.resnet import build_resnet18, build_resnet50v2
from ml.networks.vgg import build_vgg16, build_vgg19
from ml.networks.weights import Weights
from ml.networks.xception import build_xception


@dataclass(frozen=True, slots=True)
class Architecture:
    """``source`` is S1 to S5, the systems that ScanProof unites, or "ScanProof".

    ``input_shape`` (H, W, C) is the source's. ``frozen_backbone``: the layers up to ``feature_map`` are not trained.
    ``build(input_shape, classes, weights=None)`` makes the network. ``parameters`` are the numbers of all and of
    trained ones that the source states for its own classes, if any."""

    name: str
    source: str
    input_shape: tuple[int, int, int]
    frozen_backbone: bool
    build: Callable[..., keras.Model]
    parameters: tuple[int, int] | None = None


_ARCHITECTURES = (
    Architecture("basecnn", "S1", (224, 224, 3), False, build_basecnn, (89_485, 89_479)),
    Architecture("mobilenetv3small", "S1", (224, 224, 3), True, build_mobilenetv3small, (1_103_345, 164_225)),
    Architecture("efficientnetb0", "S1", (224, 224, 3), True, build_efficientnetb0, (4_385_764, 336_193)),
    Architecture("vgg16", "S1", (224, 224, 3), True, build_vgg16, (14_854_273, 139_585)),
    Architecture("resnet50v2", "S1", (224, 224, 3), True, build_resnet50v2, (24_097_601, 532_801)),
    Architecture("vgg19", "S2", (224, 224, 3), True, build_vgg19),
    Architecture("inceptionv3", "S2", (224, 224, 3), True, build_inceptionv3),
    Architecture("xception", "S3", (256, 256, 3), False, build_xception, (27_415_884, 27_361_256)),
    Architecture("alexnet", "S3", (256, 256, 3), False, build_alexnet),
    Architecture("densenet121", "S3", (256, 256, 3), False, build_densenet121),
    Architecture("resnet18", "S3", (256, 256, 3), False, build_resnet18),
    Architecture("googlenet", "S3", (256, 256, 3), False, build_googlenet),
    Architecture("cnn_a", "S4", (64, 64, 1), False, build_cnn_a),
    Architecture("cnn_b", "S4", (200, 200, 1), False, build_cnn_b, (2_663_844, 2_663_012)),
    Architecture("logistic", "S5", (128, 128, 1), False, build_logistic),
    Architecture("mobilenet", "ScanProof", (224, 224, 3), True, build_mobilenet),
    Architecture("mobile_compact", "ScanProof", (128, 128, 1), False, build_mobile_compact),
    Architecture("lite_compact", "ScanProof", (128, 128, 1), False, build_lite_compact),
    Architecture("compact_residual", "ScanProof", (128, 128, 1), False, build_compact),
)
BATCH_NORM_MOMENTUM = 0.9
"""Keras's default of 0.99 needs hundreds of batches until the statistics fit; these data sets have few an epoch."""

ZOO: dict[str, Architecture] = {architecture.name: architecture for architecture in _ARCHITECTURES}


def architecture(name: str) -> Architecture:
    """The architecture ``name``. Raises WrongChoice where there is none."""
    if name not in ZOO:
        raise WrongChoice(f"expected one of the networks {', '.join(ZOO)}, found {name!r}")
    return ZOO[name]


def build(
    name: str, classes: int, input_shape: tuple[int, int, int] | None = None, weights: Weights = None
) -> keras.Model:
    """The network ``name`` for ``classes`` classes, at its source's input shape unless another is given.

    ``weights`` is None (random), "imagenet" (downloaded by Keras, for networks with an ImageNet backbone) or a file:
    ``.h5`` or ``.keras`` for the backbone (for the whole network where there is none), ``.npz`` for a whole network.

    Raises:
        WrongChoice: there is no such network, no such file, or no ImageNet weights of the network.
        MlError: the file is of another kind, damaged, or of another network.

    Example:
        >>> build("basecnn", 2).output_shape
        (None, 1)
    """
    chosen = architecture(name)
    network = chosen.build(input_shape or chosen.input_shape, classes, weights)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
            layer.momentum = min(layer.momentum, BATCH_NORM_MOMENTUM)
    return network
