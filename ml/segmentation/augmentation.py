"""Random augmentation of training batches, with the same geometry for image and mask."""

from __future__ import annotations

import math

import tensorflow as tf

ROTATION = math.radians(25)
ZOOM = 0.25
STRETCH = 0.15
SHIFT = 0.08
GAMMA = 0.4
NOISE = 0.04
SHADE = 0.4
SHADE_CELLS = 3
PERSPECTIVE = 0.15


def augment(pixels: tf.Tensor, masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Augment a batch at random: pixels and masks (B, S, S, 1) in [0, 1]; the shapes stay the same."""
    both = tf.concat([pixels, masks], axis=-1)
    warped = tf.ensure_shape(_warp(both), both.shape)
    pixels, masks = warped[..., :1], warped[..., 1:]
    pixels = pixels ** tf.exp(_uniform(pixels, -GAMMA, GAMMA))
    pixels = pixels * _shade(pixels)
    pixels = pixels * _uniform(pixels, 0.8, 1.2) + _uniform(pixels, -0.08, 0.08)
    blurred = tf.nn.avg_pool2d(pixels, 3, 1, "SAME")
    pixels += _uniform(pixels, -0.5, 0.8) * (blurred - pixels)
    pixels += tf.random.normal(tf.shape(pixels)) * tf.nn.relu(_uniform(pixels, -NOISE, NOISE))
    return tf.clip_by_value(pixels, 0.0, 1.0), masks


def _uniform(pixels: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """One number an image, shaped to broadcast over it."""
    return tf.random.uniform((tf.shape(pixels)[0], 1, 1, 1), low, high)


def _shade(pixels: tf.Tensor) -> tf.Tensor:
    """A smooth brightness over each image, as an uneven coil gives it: (B, S, S, 1) about 1."""
    shape = (tf.shape(pixels)[0], SHADE_CELLS, SHADE_CELLS, 1)
    coarse = tf.random.uniform(shape, -SHADE, SHADE)
    return tf.exp(tf.image.resize(coarse, tf.shape(pixels)[1:3], "bicubic"))


def _warp(images: tf.Tensor) -> tf.Tensor:
    """Rotation, zoom, stretch, tilt, shift and left-right flip about the centre in one bilinear resampling."""
    count = tf.shape(images)[:1]
    size = tf.cast(tf.shape(images)[1], tf.float32)
    angle = tf.random.uniform(count, -ROTATION, ROTATION)
    zoom = tf.exp(tf.random.uniform(count, -ZOOM, ZOOM))
    stretch = tf.exp(tf.random.uniform(count, -STRETCH, STRETCH))
    flip = tf.where(tf.random.uniform(count) < 0.5, -1.0, 1.0)
    a, b = tf.cos(angle) * zoom * stretch * flip, -tf.sin(angle) * zoom
    c, d = tf.sin(angle) * zoom * stretch * flip, tf.cos(angle) * zoom
    centre = (size - 1) / 2
    x = centre - (a + b) * centre + tf.random.uniform(count, -SHIFT, SHIFT) * size
    y = centre - (c + d) * centre + tf.random.uniform(count, -SHIFT, SHIFT) * size
    # In perspective one side of the image shrinks and the other grows; the scale at the centre stays.
    tilt = tf.random.uniform((2, count[0]), -PERSPECTIVE, PERSPECTIVE) / size
    bent = 1 + (tilt[0] + tilt[1]) * centre
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a * bent, b * bent, x, c * bent, d * bent, y, tilt[0], tilt[1]], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
