"""Exports a trained Keras network to a LiteRT flatbuffer that also returns activation maps and features."""

from __future__ import annotations

import tempfile

import keras
import tensorflow as tf

from ml import progress
from ml.bundle.litert import SIGNATURE
from ml.networks.activation_maps import activation_maps


def inference_model(model: keras.Model) -> keras.Model:
    """The network with the outputs that serving needs, as one Keras model.

    ``logits`` (N, K): one logit z of two classes becomes 0 and z. ``activation_maps`` (N, h, w, K): each class's
    evidence at each position, see ``ml.networks.activation_maps``. ``features`` (N, D) for the out-of-distribution
    score: the means of every stage's last feature map (a layer ``…_end``), or of ``feature_map``.

    Raises:
        MlError: a layer of the head has no rule in ``ml.networks.activation_maps``.
    """
    stages = [layer.output for layer in model.layers if layer.name.endswith("_end")]
    stages = stages or [model.get_layer("feature_map").output]
    features = keras.ops.concatenate([keras.ops.mean(stage, axis=(1, 2)) for stage in stages], axis=1)
    logits = model.output
    if logits.shape[-1] == 1:
        logits = keras.ops.concatenate([keras.ops.zeros_like(logits), logits], axis=1)
    return keras.Model(model.input, {"logits": logits, "activation_maps": activation_maps(model), "features": features})


def export_litert(model: keras.Model) -> bytes:
    """The inference part, batch of one, as a LiteRT flatbuffer with float16 weights and float32 arithmetic.

    Raises:
        MlError: a layer of the head has no rule in ``ml.networks.activation_maps``.
    """
    return convert(inference_model(model))


def convert(serving: keras.Model) -> bytes:
    """A Keras model with a dictionary of outputs as a LiteRT flatbuffer, as ``export_litert`` makes it."""
    progress.report("exporting the network")
    archive = keras.export.ExportArchive()
    archive.track(serving)
    archive.add_endpoint(
        SIGNATURE,
        lambda pixels: serving(pixels, training=False),
        input_signature=[tf.TensorSpec((1, *serving.input_shape[1:]), tf.float32, name="pixels")],
    )
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        flatbuffer: bytes = converter.convert()
        return flatbuffer
