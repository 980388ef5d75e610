"""Random changes to training batches: geometry, contrast, blur, noise, erased patches and mixup."""

from __future__ import annotations

import math

import tensorflow as tf

ROTATION = math.radians(18)
ZOOM = 0.18
STRETCH = 0.08
SHIFT = 0.08
GAMMA = 0.35
NOISE = 0.05
MIXUP_SHARE = 0.5
MIXUP_ALPHA = 0.3
ERASED_SHARE = 0.3
ERASED_SIDE = (0.08, 0.22)


def augment(pixels: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Change a batch at random: pixels (B, S, S, 1) in [0, 1], targets (B, classes) one-hot; same shapes come back.

    Mixup (Zhang et al. 2018) applies to half of the batches, random erasing (Zhong et al. 2020) to 30 % of the images.
    """
    pixels = _warp(pixels)
    pixels = pixels ** tf.exp(_uniform(pixels, -GAMMA, GAMMA))
    pixels = pixels * _uniform(pixels, 0.8, 1.15) + _uniform(pixels, -0.06, 0.06) * tf.cast(pixels > 0, tf.float32)
    blurred = tf.nn.avg_pool2d(pixels, 3, 1, "SAME")
    pixels += _uniform(pixels, -0.5, 0.8) * (blurred - pixels)
    pixels += tf.random.normal(tf.shape(pixels)) * tf.nn.relu(_uniform(pixels, -NOISE, NOISE))
    pixels = tf.clip_by_value(pixels, 0.0, 1.0) * _erasing_mask(pixels)
    return _mixup(pixels, targets)


def _uniform(pixels: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """One number an image, shaped to broadcast over it."""
    return tf.random.uniform((tf.shape(pixels)[0], 1, 1, 1), low, high)


def _warp(pixels: tf.Tensor) -> tf.Tensor:
    """Rotation, zoom, stretch, shift and left-right flip about the centre in one bilinear resampling."""
    count = tf.shape(pixels)[:1]
    size = tf.cast(tf.shape(pixels)[1], tf.float32)
    angle = tf.random.uniform(count, -ROTATION, ROTATION)
    zoom = tf.exp(tf.random.uniform(count, -ZOOM, ZOOM))
    stretch = tf.exp(tf.random.uniform(count, -STRETCH, STRETCH))
    flip = tf.where(tf.random.uniform(count) < 0.5, -1.0, 1.0)
    a, b = tf.cos(angle) * zoom * stretch * flip, -tf.sin(angle) * zoom
    c, d = tf.sin(angle) * zoom * stretch * flip, tf.cos(angle) * zoom
    centre = (size - 1) / 2
    x = centre - (a + b) * centre + tf.random.uniform(count, -SHIFT, SHIFT) * size
    y = centre - (c + d) * centre + tf.random.uniform(count, -SHIFT, SHIFT) * size
    zero = tf.zeros(count)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=tf.stack([a, b, x, c, d, y, zero, zero], axis=1),
        output_shape=tf.shape(pixels)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _erasing_mask(pixels: tf.Tensor) -> tf.Tensor:
    """Zero inside one rectangle of some images, one elsewhere; (B, S, S, 1)."""
    steps = tf.linspace(0.0, 1.0, tf.shape(pixels)[1])

    def inside(axis: list[int]) -> tf.Tensor:
        start, side = _uniform(pixels, 0.0, 0.9), _uniform(pixels, *ERASED_SIDE)
        positions = tf.reshape(steps, axis)
        return (positions >= start) & (positions < start + side)

    erased = inside([1, -1, 1, 1]) & inside([1, 1, -1, 1]) & (_uniform(pixels, 0.0, 1.0) < ERASED_SHARE)
    return 1.0 - tf.cast(erased, tf.float32)


def _mixup(pixels: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    beta = tf.random.gamma([2], MIXUP_ALPHA)
    share = tf.where(tf.random.uniform([]) < MIXUP_SHARE, beta[0] / tf.maximum(tf.reduce_sum(beta), 1e-6), 1.0)
    order = tf.random.shuffle(tf.range(tf.shape(pixels)[0]))
    return (
        share * pixels + (1 - share) * tf.gather(pixels, order),
        share * targets + (1 - share) * tf.gather(targets, order),
    )
