"""Activation maps as operations of the network's graph, so that serving needs no TensorFlow."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ml.errors import MlError


def activation_maps(model: keras.Model) -> keras.KerasTensor:
    """Each class's evidence at each position of layer ``feature_map``: (N, h, w, K); negative is against the class.

    Where the head is global average pooling and one dense layer, the map is exact: its mean over positions is the logit
    (class activation mapping, Zhou et al. 2016). Otherwise it is Grad-CAM (Selvaraju et al. 2017) without its last
    step, which sets negative values to zero. A network with one logit z has the maps of -z and z. The maps are
    those of the present weights.

    Raises:
        MlError: a layer between ``feature_map`` and ``logits`` has no rule here.
    """
    feature_map = model.get_layer("feature_map").output
    head = head_of(model)
    if [type(layer) for layer in head] == [layers.GlobalAveragePooling2D, layers.Dense]:
        maps = ops.matmul(feature_map, head[-1].kernel.value) + head[-1].bias.value
    else:
        height, width, channels = feature_map.shape[1:]
        weights = _summed_gradients(head) / (height * width)
        positions = ops.reshape(feature_map, (-1, height * width, channels))
        maps = ops.matmul(positions, ops.swapaxes(weights, -1, -2))
        maps = ops.reshape(maps, (-1, height, width, maps.shape[-1]))
    return ops.concatenate([-maps, maps], axis=-1) if maps.shape[-1] == 1 else maps


def head_of(model: keras.Model) -> list[keras.Operation]:
    """The layers after ``feature_map``, a chain, without those that do nothing at inference."""
    operations = model.operations
    start = operations.index(model.get_layer("feature_map")) + 1
    return [operation for operation in operations[start:] if not isinstance(operation, layers.Dropout)]


def _summed_gradients(head: list[keras.Operation]) -> Any:
    """The gradients of the logits by ``feature_map``, summed over its positions: (N or 1, K, channels).

    Back-propagation from layer to layer. A maximum pooling, which gives each gradient to one position, and a mean,
    which divides it among all, leave the sums over positions unchanged.
    """
    gradients: Any = np.eye(head[-1].units, dtype=np.float32)[None]
    for before, layer in zip(reversed([None, *head[:-1]]), reversed(head), strict=True):
        if isinstance(layer, layers.Dense):
            gradients = _through_activation(layer, gradients)
            kernel = layer.kernel.value
            if isinstance(before, layers.Flatten):
                kernel = ops.sum(ops.reshape(kernel, (-1, before.input.shape[-1], layer.units)), axis=0)
            gradients = ops.matmul(gradients, ops.transpose(kernel))
        elif isinstance(layer, layers.BatchNormalization) and not isinstance(before, layers.Flatten):
            scale = ops.rsqrt(layer.moving_variance.value + layer.epsilon)
            gradients = gradients * (scale * layer.gamma.value if layer.scale else scale)
        elif not isinstance(layer, (layers.Flatten, layers.GlobalAveragePooling2D, layers.MaxPooling2D)):
            raise _unexplained(layer, f"there is no rule for {type(layer).__name__} here")
    return gradients


def _through_activation(layer: layers.Dense, gradients: Any) -> Any:
    if layer.activation is keras.activations.linear:
        return gradients
    if layer.activation is not keras.activations.relu:
        raise _unexplained(layer, "there is no rule for its activation, only for relu and linear")
    passed = ops.cast(layer.output > 0, "float32")
    return gradients * ops.expand_dims(passed, 1)


def _unexplained(layer: keras.Operation, reason: str) -> MlError:
    return MlError(f"layer {layer.name} cannot be explained: {reason}")
