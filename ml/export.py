"""From a trained Keras network to a LiteRT flatbuffer that also returns activation maps and features."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ml.litert import SIGNATURE


def inference_model(model: keras.Model) -> keras.Model:
    """The network with all that serving needs, as one Keras model with a dictionary of outputs.

    ``logits`` (N, K). ``activation_maps`` (N, h, w, K): each class's evidence at each place, bias included, so that
    its mean over places is exactly the logit (class activation mapping, Zhou et al. 2016). ``features`` (N, D): the
    means of every stage's last feature map, early textures and late concepts, for the out-of-distribution score.
    """
    head = model.get_layer("logits")
    stages = [layer.output for layer in model.layers if layer.name.endswith("_end")]
    maps = keras.ops.matmul(model.get_layer("feature_map").output, head.kernel.value) + head.bias.value
    features = keras.ops.concatenate([keras.ops.mean(stage, axis=(1, 2)) for stage in stages], axis=1)
    return keras.Model(model.input, {"logits": model.output, "activation_maps": maps, "features": features})


def export_litert(model: keras.Model) -> bytes:
    """The inference part, batch of one, as a LiteRT flatbuffer with float16 weights and float32 arithmetic."""
    serving = inference_model(model)
    size = model.input_shape[1]
    archive = keras.export.ExportArchive()
    archive.track(serving)
    archive.add_endpoint(
        SIGNATURE,
        lambda pixels: serving(pixels, training=False),
        input_signature=[tf.TensorSpec((1, size, size, 1), tf.float32, name="pixels")],
    )
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def weights_to_bytes(model: keras.Model) -> bytes:
    """All weights by their path in the network, as a float16 ``npz`` archive."""
    file = io.BytesIO()
    np.savez(file, **{weight.path: np.asarray(weight).astype(np.float16) for weight in model.weights})
    return file.getvalue()


def load_weights(model: keras.Model, path: Path) -> None:
    """Put the weights of ``weights_to_bytes`` back into a network of the same architecture.

    Raises:
        KeyError: the archive lacks a weight of the network.
    """
    with np.load(path, allow_pickle=False) as arrays:
        for weight in model.weights:
            weight.assign(arrays[weight.path].astype(np.float32))
