"""Random augmentation of training batches. Every draw depends on a seed, so that a resumed run repeats it exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

MIXUP_ALPHA = 0.3
ERASED_SHARE = 0.3
ERASED_SIDE = (0.08, 0.22)
GAMMA = 0.35
NOISE = 0.05
STAIN = 0.1
OPTICAL_DENSITY_FROM_HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], np.float32)
HED_FROM_OPTICAL_DENSITY = np.linalg.inv(OPTICAL_DENSITY_FROM_HED)
"""Colour deconvolution of haematoxylin, eosin and DAB (Ruifrok & Johnston 2001)."""


class Draws:
    """Random numbers that depend only on a seed of two integers and the number of earlier draws."""

    def __init__(self, seed: tf.Tensor) -> None:
        self._seed = seed
        self._count = 0

    def next_seed(self) -> tf.Tensor:
        self._count += 1
        return tf.random.fold_in(self._seed, self._count)

    def uniform(self, shape: Sequence[int] | tf.Tensor, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        return tf.random.stateless_uniform(shape, self.next_seed(), low, high)

    def one_each(self, pixels: tf.Tensor, low: float, high: float) -> tf.Tensor:
        """One number an image, shaped to broadcast over it."""
        return self.uniform([tf.shape(pixels)[0], 1, 1, 1], low, high)


def augment(pixels: tf.Tensor, seed: tf.Tensor, name: str) -> tf.Tensor:
    """Augment a batch at random: ``pixels`` (B, S, S, C) in [0, 1], ``seed`` two integers; the shape stays the same.

    ``name`` is one of ``ml.training.recipes.AUGMENTATIONS``. "source" flips and rotates. "scanproof" treats colour
    images as stained tissue, with any rotation and with stains as they vary between laboratories, and grey ones as
    scans, with small changes of geometry and contrast. Then come blur, noise and, in grey, erased patches; "light" has
    none of these three.
    """
    draws = Draws(seed)
    if name == "none":
        return pixels
    if name == "source":
        return _warp(pixels, draws, rotation=0.2 * math.pi, flip_vertically=True, fill="REFLECT")
    if pixels.shape[-1] == 3:
        pixels = _warp(pixels, draws, rotation=math.pi, zoom=0.12, flip_vertically=True, fill="REFLECT")
        pixels = _jitter_stains(pixels, draws)
    else:
        pixels = _warp(pixels, draws, rotation=math.radians(18), zoom=0.18, stretch=0.08, shift=0.08)
        pixels = _jitter_contrast(pixels, draws)
    if name == "scanproof":
        pixels = _blur_and_noise(pixels, draws)
        if pixels.shape[-1] == 1:
            pixels *= _erasing_mask(pixels, draws)
    return tf.clip_by_value(pixels, 0.0, 1.0)


def mix(pixels: tf.Tensor, targets: tf.Tensor, share: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixup (Zhang et al. 2018) in a ``share`` of the batches: pixels (B, …), targets (B, K) with K >= 1."""
    draws = Draws(seed)
    beta = tf.random.stateless_gamma([2], draws.next_seed(), MIXUP_ALPHA)
    kept = tf.where(draws.uniform([]) < share, beta[0] / tf.maximum(tf.reduce_sum(beta), 1e-6), 1.0)
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.shape(pixels)[0]), draws.next_seed())
    return (
        kept * pixels + (1 - kept) * tf.gather(pixels, order),
        kept * targets + (1 - kept) * tf.gather(targets, order),
    )


def _warp(
    pixels: tf.Tensor,
    draws: Draws,
    rotation: float,
    zoom: float = 0.0,
    stretch: float = 0.0,
    shift: float = 0.0,
    flip_vertically: bool = False,
    fill: str = "CONSTANT",
) -> tf.Tensor:
    """Rotation, zoom, stretch, shift and flips about the centre in one bilinear resampling."""
    count = tf.shape(pixels)[:1]
    size = tf.cast(tf.shape(pixels)[1], tf.float32)
    angle = draws.uniform(count, -rotation, rotation)
    scale_y = tf.exp(draws.uniform(count, -zoom, zoom))
    scale_x = scale_y * tf.exp(draws.uniform(count, -stretch, stretch))
    scale_x *= tf.where(draws.uniform(count) < 0.5, -1.0, 1.0)
    if flip_vertically:
        scale_y *= tf.where(draws.uniform(count) < 0.5, -1.0, 1.0)
    a, b = tf.cos(angle) * scale_x, -tf.sin(angle) * scale_y
    c, d = tf.sin(angle) * scale_x, tf.cos(angle) * scale_y
    centre = (size - 1) / 2
    x = centre - (a + b) * centre + draws.uniform(count, -shift, shift) * size
    y = centre - (c + d) * centre + draws.uniform(count, -shift, shift) * size
    zero = tf.zeros(count)
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=tf.stack([a, b, x, c, d, y, zero, zero], axis=1),
        output_shape=tf.shape(pixels)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=fill,
    )
    # Resampling loses the static image size, which some networks need.
    return tf.ensure_shape(warped, pixels.shape)


def _jitter_stains(pixels: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Scale and shift the density of each stain on its own (Tellez et al. 2018), then the brightness."""
    one_a_stain = [tf.shape(pixels)[0], 1, 1, 3]
    stains = tf.linalg.matmul(-tf.math.log(pixels + 1 / 255), HED_FROM_OPTICAL_DENSITY)
    stains = stains * draws.uniform(one_a_stain, 1 - STAIN, 1 + STAIN) + draws.uniform(one_a_stain, -STAIN, STAIN)
    pixels = tf.exp(-tf.linalg.matmul(stains, OPTICAL_DENSITY_FROM_HED)) - 1 / 255
    return pixels * draws.one_each(pixels, 0.9, 1.1)


def _jitter_contrast(pixels: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Gamma, contrast and brightness; black pixels stay black."""
    pixels = pixels ** tf.exp(draws.one_each(pixels, -GAMMA, GAMMA))
    brightness = draws.one_each(pixels, -0.06, 0.06) * tf.cast(pixels > 0, tf.float32)
    return pixels * draws.one_each(pixels, 0.8, 1.15) + brightness


def _blur_and_noise(pixels: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Blur, or its opposite, then noise in half of the images."""
    blurred = tf.nn.avg_pool2d(pixels, 3, 1, "SAME")
    pixels += draws.one_each(pixels, -0.5, 0.8) * (blurred - pixels)
    noise = tf.random.stateless_normal(tf.shape(pixels), draws.next_seed())
    return pixels + noise * tf.nn.relu(draws.one_each(pixels, -NOISE, NOISE))


def _erasing_mask(pixels: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Zero inside one rectangle of some images (Zhong et al. 2020), one elsewhere; (B, S, S, 1)."""
    steps = tf.linspace(0.0, 1.0, tf.shape(pixels)[1])

    def inside(axis: list[int]) -> tf.Tensor:
        start, side = draws.one_each(pixels, 0.0, 0.9), draws.one_each(pixels, *ERASED_SIDE)
        positions = tf.reshape(steps, axis)
        return (positions >= start) & (positions < start + side)

    erased = inside([1, -1, 1, 1]) & inside([1, 1, -1, 1]) & (draws.one_each(pixels, 0.0, 1.0) < ERASED_SHARE)
    return 1.0 - tf.cast(erased, tf.float32)
