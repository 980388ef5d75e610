"""ImageNet backbones of ``keras.applications`` as one flat graph with fixed layer names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

from ml.networks.heads import dense_head
from ml.networks.weights import Weights, load_file
from ml.networks.zoo import IMAGENET

# Mean and standard deviation of ImageNet's red, green and blue in [0, 1]; the VGG nets subtract means of bytes.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VGG_MEAN = (103.939, 116.779, 123.68)


@keras.saving.register_keras_serializable("scanproof")
class ImageNetInput(layers.Layer):
    """From pixels (N, H, W, 1 or 3) in [0, 1] to the input that a backbone was trained on, (N, H, W, 3).

    ``scaling`` is "bytes" ([0, 255]), "symmetric" ([-1, 1]), "standardised" (mean 0, deviation 1 a channel) or "vgg"
    (bytes in the order blue, green, red, less the mean). Grey is repeated.
    """

    SCALINGS = ("bytes", "symmetric", "standardised", "vgg")

    def __init__(self, scaling: str, **options: Any) -> None:
        super().__init__(**options)
        if scaling not in self.SCALINGS:
            raise ValueError(f"expected one of the scalings {', '.join(self.SCALINGS)}, found {scaling!r}")
        self.scaling = scaling

    def call(self, pixels: Any) -> Any:
        if pixels.shape[-1] == 1:
            pixels = ops.concatenate([pixels] * 3, axis=-1)
        if self.scaling == "bytes":
            return pixels * 255.0
        if self.scaling == "symmetric":
            return pixels * 2.0 - 1.0
        if self.scaling == "standardised":
            return (pixels - ops.array(IMAGENET_MEAN)) / ops.array(IMAGENET_DEVIATION)
        return ops.flip(pixels, axis=-1) * 255.0 - ops.array(VGG_MEAN)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 3)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config() | {"scaling": self.scaling}
        return config


def backbone(
    application: Callable[..., keras.Model],
    pixels: keras.KerasTensor,
    scaling: str,
    weights: Weights,
    frozen: bool,
    options: Mapping[str, Any] | None = None,
) -> keras.Model:
    """``application`` without its classifier, with ``pixels`` as input; its output is (N, h, w, C).

    A ``.npz`` holds the weights of a whole network: ``named`` reads it.

    Raises:
        WrongChoice: see ``ml.networks.weights.load_file``.
    """
    x = ImageNetInput(scaling, name="preprocess")(pixels)
    options = {"include_top": False, "input_shape": x.shape[1:]} | dict(options or {})
    model = application(weights=None, input_tensor=x, **options)
    if weights == IMAGENET:
        # Keras changes EfficientNet's graph for "imagenet": only the weights are used, so that names stay the same.
        model.set_weights(application(weights=IMAGENET, **options).get_weights())
    elif weights is not None and Path(weights).suffix != ".npz":
        load_file(model, Path(weights))
    model.trainable = not frozen
    return model


def with_dense_head(
    pixels: keras.KerasTensor,
    feature_map: keras.KerasTensor,
    widths: Sequence[int],
    classes: int,
    name: str,
    weights: Weights,
) -> keras.Model:
    """The network from ``pixels`` over the mean of ``feature_map`` and ``heads.dense_head`` to the logits.

    Raises:
        WrongChoice: see ``ml.networks.weights.load_file``.
    """
    x = layers.Activation("linear", name="feature_map")(feature_map)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return named(keras.Model(pixels, dense_head(x, widths, classes), name=name), weights)


def named(model: keras.Model, weights: Weights = None) -> keras.Model:
    """``model`` with names that do not depend on what else this process built; a copy where some have to change.

    A name that Keras numbered becomes ``backbone_<position in the graph>_<kind>``. ``weights`` of a ``.npz`` are loaded
    afterwards.

    Raises:
        WrongChoice: see ``ml.networks.weights.load_file``.
    """
    names = {
        operation.name: f"backbone_{place:03d}_{type(operation).__name__.lower()}"
        for place, operation in enumerate(model.operations)
        if is_counted(operation)
    }
    if names:
        model = _renamed(model, names)
    if weights is not None and Path(weights).suffix == ".npz":
        load_file(model, Path(weights))
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()
    return model


def _renamed(model: keras.Model, names: Mapping[str, str]) -> keras.Model:
    # A weight keeps the path that it was created with, so a layer cannot be renamed, only created again.
    def copy(operation: keras.Operation) -> keras.Operation:
        config = operation.get_config()
        return type(operation).from_config(config | {"name": names.get(operation.name, operation.name)})

    result = keras.models.clone_model(model, clone_function=copy)
    result.set_weights(model.get_weights())
    return result


def is_counted(operation: keras.Operation) -> bool:
    """Whether Keras made the operation's name from its class and a running number."""
    return re.sub(r"_\d+$", "", operation.name).replace("_", "") == type(operation).__name__.lower()
