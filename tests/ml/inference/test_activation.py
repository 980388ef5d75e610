"""Activation maps: right against automatic differentiation, the same when served, and dependent on the weights."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="TensorFlow is a development dependency")

import keras
import tensorflow as tf

from ml.bundle.litert import LiteRtNetwork
from ml.errors import MlError
from ml.networks.activation_maps import activation_maps
from ml.networks.zoo import build
from ml.training.export import export_litert, inference_model

# Odd sizes and sizes that do not divide: poolings then leave places out.
GRAD_CAM = {
    "basecnn": (37, 34, 3),
    "cnn_a": (64, 64, 1),
    "cnn_b": (24, 30, 1),
    "alexnet": (99, 99, 1),
    "logistic": (41, 30, 1),
    "mobilenet": (64, 64, 3),
}
EXACT = {
    "resnet18": (64, 64, 1),
    "compact_residual": (64, 64, 1),
    "mobile_compact": (64, 64, 1),
    "lite_compact": (64, 64, 1),
}


def network(name: str, classes: int, shape: tuple[int, int, int], seed: int = 1) -> keras.Model:
    """As if trained: normalisations have statistics and scales of their own."""
    keras.utils.set_random_seed(seed)
    model = build(name, classes, shape)
    random = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(random.normal(0, 0.1, layer.moving_mean.shape))
            layer.moving_variance.assign(random.uniform(0.5, 2, layer.moving_variance.shape))
            if layer.scale:
                layer.gamma.assign(random.uniform(-1.5, 1.5, layer.gamma.shape))
    return model


def pixels_of(shape: tuple[int, int, int], count: int = 2) -> np.ndarray:
    return np.random.default_rng(3).random((count, *shape), np.float32)


def grad_cam(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Selvaraju et al. 2017 by automatic differentiation, negative values kept: (N, h, w, K)."""
    feature_map = model.get_layer("feature_map").output
    values = tf.constant(keras.Model(model.input, feature_map)(pixels, training=False))
    head = keras.Model(feature_map, model.output)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        logits = head(values, training=False)
        targets = [-logits[:, 0], logits[:, 0]] if logits.shape[1] == 1 else tf.unstack(logits, axis=1)
    weights = [tf.reduce_mean(tape.gradient(target, values), (1, 2), keepdims=True) for target in targets]
    return np.stack([tf.reduce_sum(weight * values, axis=-1) for weight in weights], axis=-1)


@pytest.mark.parametrize(("name", "classes"), [("basecnn", 2), *((name, 3) for name in GRAD_CAM)])
def test_the_map_is_grad_cam(name: str, classes: int) -> None:
    model, pixels = network(name, classes, GRAD_CAM[name]), pixels_of(GRAD_CAM[name])
    expected = grad_cam(model, pixels)
    found = np.asarray(keras.Model(model.input, activation_maps(model))(pixels))
    assert np.abs(expected).max() > 1e-6
    assert found == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize("name", EXACT)
def test_the_map_is_the_logit_spread_over_the_places(name: str) -> None:
    model, pixels = network(name, 3, EXACT[name]), pixels_of(EXACT[name])
    outputs = inference_model(model)(pixels)
    maps, logits = np.asarray(outputs["activation_maps"]), np.asarray(outputs["logits"])
    assert maps.mean(axis=(1, 2)) == pytest.approx(logits, abs=1e-4)
    assert maps.std() > 0


def test_the_two_classes_of_one_logit_have_opposite_maps() -> None:
    model, pixels = network("resnet18", 2, (32, 32, 1)), pixels_of((32, 32, 1))
    outputs = inference_model(model)(pixels)
    maps, logits = np.asarray(outputs["activation_maps"]), np.asarray(outputs["logits"])
    assert logits == pytest.approx(np.concatenate([np.zeros((2, 1)), np.asarray(model(pixels))], axis=1), abs=1e-6)
    assert maps[..., 0] == pytest.approx(-maps[..., 1])
    assert maps[..., 1].mean(axis=(1, 2)) == pytest.approx(logits[:, 1], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "classes", "shape", "features"),
    [
        ("basecnn", 2, (37, 34, 3), 64),
        ("cnn_b", 3, (24, 30, 1), 32),
        ("logistic", 3, (41, 30, 1), 9),
        ("compact_residual", 2, (32, 32, 3), 224),
    ],
)
def test_the_served_network_gives_the_same(name: str, classes: int, shape: tuple[int, int, int], features: int) -> None:
    model, pixels = network(name, classes, shape), pixels_of(shape, 1)
    served = LiteRtNetwork(export_litert(model))
    found = served(pixels)
    assert served.input_shape == (1, *shape)
    assert (found.logits.shape, found.features.shape) == ((classes,), (features,))
    for output, value in inference_model(model)(pixels, training=False).items():
        expected = np.asarray(value)[0]
        assert getattr(found, output) == pytest.approx(expected, abs=0.02 * float(np.abs(expected).max())), output


def stripes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise with a patch of stripes; whether they lie or stand is the class. Pixels, classes, place of the patch."""
    random = np.random.default_rng(seed)
    pixels = random.uniform(0.3, 0.7, (count, 48, 48, 1)).astype(np.float32)
    inside = np.zeros((count, 48, 48), bool)
    classes = random.integers(0, 2, count)
    patch = np.tile(np.repeat([[0.0], [1.0]], 2, axis=0), (4, 16)).astype(np.float32)
    for number, (y, x) in enumerate(random.integers(0, 32, (count, 2))):
        pixels[number, y : y + 16, x : x + 16, 0] = patch if classes[number] else patch.T
        inside[number, y : y + 16, x : x + 16] = True
    return pixels, classes, inside


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    keras.utils.set_random_seed(5)
    model = build("basecnn", 2, (48, 48, 1))
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    pixels, classes, _ = stripes(256, 1)
    model.fit(pixels, classes, batch_size=16, epochs=6, verbose=0)
    return model


def maps_of(model: keras.Model, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The map of each image's class: (N, h, w)."""
    maps = np.asarray(inference_model(model)(pixels, training=False)["activation_maps"])
    return maps[np.arange(len(classes)), :, :, classes]


def test_the_map_of_a_trained_network_shows_what_decides(trained: keras.Model) -> None:
    pixels, classes, inside = stripes(24, 2)
    maps = np.maximum(maps_of(trained, pixels, classes), 0)
    # The centres of what each place of the map sees: three convolutions without margin, two poolings between them.
    centres = np.arange(maps.shape[1]) * 4 + 8
    seen = inside[:, centres][:, :, centres]
    assert (maps * seen).sum() / maps.sum() > 2 * seen.mean()


def test_the_map_depends_on_the_weights(trained: keras.Model) -> None:
    """The model parameter randomisation test of Adebayo et al. 2018."""
    pixels, classes, _ = stripes(24, 2)
    original = maps_of(trained, pixels, classes)
    same = build("basecnn", 2, (48, 48, 1))
    same.set_weights(trained.get_weights())
    assert maps_of(same, pixels, classes) == pytest.approx(original, rel=1e-4)
    for seed in (9, 10, 11):
        random = maps_of(network("basecnn", 2, (48, 48, 1), seed), pixels, classes)
        correlations = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(original, random, strict=True)]
        assert np.mean(correlations) < 0.5


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (keras.layers.Dense(4, activation="tanh", name="bent"), "there is no rule for its activation, only for relu"),
        (keras.layers.LayerNormalization(name="bent"), "there is no rule for LayerNormalization here"),
    ],
)
def test_a_head_without_a_rule_is_refused(last: keras.layers.Layer, message: str) -> None:
    pixels = keras.Input((8, 8, 2), name="pixels")
    x = keras.layers.Activation("linear", name="feature_map")(pixels)
    x = last(keras.layers.GlobalAveragePooling2D(name="features")(x))
    model = keras.Model(pixels, keras.layers.Dense(3, name="logits")(x))
    with pytest.raises(MlError) as caught:
        activation_maps(model)
    assert str(caught.value).startswith(f"layer bent cannot be explained: {message}")
