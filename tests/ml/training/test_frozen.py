"""A frozen backbone runs once: the features are those it gives, they are kept, and the head fits the whole network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.datasets import LabelledImages
from ml.errors import MlError

pytest.importorskip("keras", reason="TensorFlow is a development dependency")

import keras

from ml.training.frozen import Backbone, fit_head, frozen_part
from ml.training.recipes import RECIPES

RECIPE = replace(RECIPES["source"], epochs=20, batch_size=8, patience=20, learning_rate=0.02)


def network(frozen: bool = True, seed: int = 1) -> keras.Model:
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((16, 16, 3), name="pixels")
    x = keras.layers.Conv2D(8, 3, name="conv")(pixels)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="feature_map")(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dropout(0.1, name="dropout")(x)
    x = keras.layers.Dense(8, activation="relu", name="dense")(x)
    model = keras.Model(pixels, keras.layers.Dense(1, name="logits")(x), name="tiny")
    for name in ("conv", "norm"):
        model.get_layer(name).trainable = not frozen
    return model


def images(count: int = 24) -> LabelledImages:
    """Red and blue noise."""
    generator = np.random.default_rng(5)
    labels = np.arange(count) % 2
    pixels = generator.random((count, 16, 16, 3), np.float32) * 0.5
    pixels[np.arange(count), :, :, 2 * labels] += 0.4
    return LabelledImages(pixels, labels)


def test_the_head_fits_the_whole_network() -> None:
    model = network()
    before = model.get_layer("conv").get_weights()[0].copy()
    history = fit_head(model, images(), images(12), RECIPE)
    best = int(np.argmax(history["val_auc"]))
    logits = model.predict(images(12).pixels, verbose=0)[:, 0]
    assert history["val_auc"][best] == 1
    assert ((logits > 0) == images(12).labels).mean() == pytest.approx(history["val_accuracy"][best])
    np.testing.assert_array_equal(model.get_layer("conv").get_weights()[0], before)


def test_features_are_what_the_backbone_gives() -> None:
    part = frozen_part(network())
    pixels = images(40).pixels
    (found,) = Backbone(part).features(pixels, RECIPE)
    np.testing.assert_allclose(found, part.predict(pixels, verbose=0), atol=1e-5)


def test_views_differ_and_repeat() -> None:
    backbone = Backbone(frozen_part(network()))
    first, again, second, plain = backbone.features(images().pixels, RECIPE, (0, 0, 1, None))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 1e-4
    assert np.abs(first - plain).max() > 1e-4


def test_what_is_kept_is_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = fit_head(network(), images(), images(12), RECIPE, cache=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == RECIPE.views + 1
    monkeypatch.setattr(Backbone, "_run", lambda *_: pytest.fail("computed again"))
    repeated = fit_head(network(), images(), images(12), RECIPE, cache=tmp_path)
    assert repeated["loss"] == history["loss"]


@pytest.mark.parametrize("other", ["weights", "images", "seed", "augmentation"])
def test_features_of_anything_else_are_not_taken(other: str, tmp_path: Path) -> None:
    Backbone(frozen_part(network()), tmp_path).features(images().pixels, RECIPE, [0])
    model = network(seed=2 if other == "weights" else 1)
    pixels = images().pixels * (0.5 if other == "images" else 1)
    changes = {"seed": {"seed": 8}, "augmentation": {"augmentation": "light"}}.get(other, {})
    Backbone(frozen_part(model), tmp_path).features(pixels, replace(RECIPE, **changes), [0])
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_a_write_that_was_cut_off_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(_file: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("ml.bundle.files.os.fsync", cut_off)
        Backbone(frozen_part(network()), tmp_path).features(images().pixels, RECIPE, [0])
    assert not list(tmp_path.glob("*.npy"))
    (found,) = Backbone(frozen_part(network()), tmp_path).features(images().pixels, RECIPE, [0])
    assert found.shape == (24, 8)


def test_a_backbone_that_is_trained_is_refused() -> None:
    with pytest.raises(MlError) as caught:
        fit_head(network(frozen=False), images(), images(12), RECIPE)
    assert str(caught.value) == "expected the backbone of tiny to be frozen, found that layer conv is trained"
