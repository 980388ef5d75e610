"""Random changes: they follow from their seed, keep shape and range, and do what their names say."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")

from ml.training.augmentation import HED_FROM_OPTICAL_DENSITY, augment, mix  # noqa: E402


def batch(channels: int) -> np.ndarray:
    y, x = np.mgrid[:32, :32] / 31
    grey = np.stack([x, y, x * y, (x + y) / 2])[..., None]
    return np.repeat(grey, channels, axis=3).astype(np.float32) * np.linspace(1, 0.6, channels, dtype=np.float32)


@pytest.mark.parametrize("name", ["scanproof", "light", "source"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_seed_decides_the_change(name: str, channels: int) -> None:
    pixels = batch(channels)
    one, same, other = (augment(pixels, tf.constant([7, step]), name).numpy() for step in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.05
    assert one.shape == pixels.shape
    assert 0 <= one.min() <= one.max() <= 1


def test_each_image_is_changed_differently() -> None:
    pixels = np.repeat(batch(1)[:1], 4, axis=0)
    changed = augment(pixels, tf.constant([7, 1]), "source").numpy()
    assert min(np.abs(changed[0] - each).max() for each in changed[1:]) > 0.01


def test_no_augmentation_changes_nothing() -> None:
    np.testing.assert_array_equal(augment(batch(1), tf.constant([7, 1]), "none"), batch(1))


def test_the_sources_flips_keep_every_grey_value() -> None:
    """Only flips and rotations, with the border reflected: a flat image stays flat."""
    flat = np.full((8, 16, 16, 3), 0.4, np.float32)
    assert augment(flat, tf.constant([1, 2]), "source").numpy() == pytest.approx(flat, abs=1e-6)


def test_stains_vary_by_image_and_leave_white_nearly_white() -> None:
    pink = np.tile(np.float32([0.8, 0.5, 0.7]), (16, 16, 16, 1))
    means = augment(pink, tf.constant([1, 2]), "scanproof").numpy().mean(axis=(1, 2))
    assert means.std(axis=0).min() > 0.01
    assert np.abs(means - [0.8, 0.5, 0.7]).mean() < 0.12
    white = augment(np.ones((16, 16, 16, 3), np.float32), tf.constant([1, 2]), "scanproof").numpy()
    assert white.mean() > 0.85


def test_stains_are_those_of_ruifrok_and_johnston() -> None:
    assert np.float32([0.65, 0.70, 0.29]) @ HED_FROM_OPTICAL_DENSITY == pytest.approx([1, 0, 0], abs=1e-5)


@pytest.mark.parametrize("classes", [1, 3])
def test_mixup_mixes_images_and_targets_alike(classes: int) -> None:
    marks = np.arange(4, dtype=np.float32)
    pixels = np.broadcast_to(marks[:, None, None, None], (4, 8, 8, 1))
    targets = np.repeat(marks[:, None], classes, axis=1)
    mixed = [mix(pixels, targets, 1.0, tf.constant([3, step])) for step in range(8)]
    assert all(np.allclose(x.numpy().mean(axis=(1, 2)), y.numpy()[:, :1], atol=1e-5) for x, y in mixed)
    assert any(np.abs(y.numpy() - targets).max() > 0.1 for _, y in mixed)


def test_mixup_leaves_the_other_batches_alone() -> None:
    x, y = mix(batch(1), np.eye(4, dtype=np.float32), 0.0, tf.constant([3, 1]))
    np.testing.assert_array_equal(x, batch(1))
    np.testing.assert_array_equal(y, np.eye(4))
