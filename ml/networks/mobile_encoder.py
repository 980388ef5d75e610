"""The encoder of MobileNet for grey or colour images, for networks of which all layers are trained."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from ml.networks.weights import Weights, load_file
from ml.networks.zoo import IMAGENET

FIRST = "conv1"


def mobile_encoder(pixels: keras.KerasTensor, width: float) -> keras.Model:
    """MobileNet (Howard et al. 2017) of ``width`` without its classifier, untrained: ``pixels`` are (N, S, S, 1 or 3)
    in [0, 1]."""
    scaled = layers.Rescaling(2.0, -1.0, name="scaled")(pixels)
    return keras.applications.MobileNet(input_tensor=scaled, alpha=width, include_top=False, weights=None)


def start_from(network: keras.Model, weights: Weights, width: float) -> None:
    """Load initial weights into ``network``, which begins with ``mobile_encoder``.

    ``weights`` is None (unchanged), "imagenet" (downloaded by Keras) or a file: ``.h5`` or ``.keras`` of MobileNet
    without its classifier, ``.npz`` of the whole network.

    Raises:
        WrongChoice: see ``ml.networks.weights.load_file``.
    """
    if weights is None:
        return
    if weights != IMAGENET and Path(weights).suffix == ".npz":
        load_file(network, Path(weights))
        return
    colour = keras.applications.MobileNet(
        input_shape=(*network.input_shape[1:3], 3),
        alpha=width,
        include_top=False,
        weights=IMAGENET if weights == IMAGENET else None,
    )
    if weights != IMAGENET:
        load_file(colour, Path(weights))
    names = {layer.name for layer in network.layers}
    for layer in colour.layers:
        if layer.weights and layer.name in names:
            values = layer.get_weights()
            if layer.name == FIRST and network.input_shape[-1] == 1:
                # Grey is the same in all three colours: their kernels add up.
                values = [values[0].sum(axis=2, keepdims=True)]
            network.get_layer(layer.name).set_weights(values)
