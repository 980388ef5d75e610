"""Draws out-of-distribution pictures from a seed, on which a brain-MRI model should abstain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 256


def draw_outliers(count: int = 20, seed: int = 0) -> dict[str, list[Image.Image]]:
    """``count`` images of each kind, ``SIDE`` pixels wide; the same seed always draws the same ones."""
    return {
        kind: [draw(np.random.default_rng((seed, number, index))) for index in range(count)]
        for number, (kind, draw) in enumerate(DRAWINGS.items())
    }


def _noise(generator: np.random.Generator) -> Image.Image:
    spread = generator.uniform(10, 80)
    return _image(generator.normal(128, spread, (SIDE, SIDE)))


def _coloured_noise(generator: np.random.Generator) -> Image.Image:
    return _image(generator.uniform(0, 255, (SIDE, SIDE, 3)))


def _blank(generator: np.random.Generator) -> Image.Image:
    return Image.new("L", (SIDE, SIDE), int(generator.integers(0, 256)))


def _text(generator: np.random.Generator) -> Image.Image:
    background, ink = (255, 0) if generator.random() < 0.5 else (0, 255)
    image = Image.new("L", (SIDE, SIDE), background)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz     "))
    size = int(generator.integers(10, 28))
    for top in range(8, SIDE - size, size + 4):
        line = "".join(generator.choice(letters, 60))
        ImageDraw.Draw(image).text((8, top), line, fill=ink, font=ImageFont.load_default(size))
    return image


def _shapes(generator: np.random.Generator) -> Image.Image:
    image = Image.new("L", (SIDE, SIDE), int(generator.integers(0, 256)))
    for _ in range(12):
        corners = [tuple(map(float, corner)) for corner in generator.uniform(0, SIDE, (4, 2))]
        ImageDraw.Draw(image).polygon(corners, fill=int(generator.integers(0, 256)))
    return image


def _stripes(generator: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[:SIDE, :SIDE]
    angle, period = generator.uniform(0, np.pi), generator.uniform(6, 60)
    return _image(127.5 + 127.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period))


def _grey_scenery(generator: np.random.Generator) -> Image.Image:
    return _image(_scenery(generator))


def _coloured_scenery(generator: np.random.Generator) -> Image.Image:
    return _image(np.stack([_scenery(generator) for _ in range(3)], axis=2))


def _scenery(generator: np.random.Generator) -> np.ndarray:
    """Noise with the 1/f spectrum of natural photographs (Field 1987) under a gradient of light; 0 to 255."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    spectrum = np.fft.fft2(generator.normal(size=(SIDE, SIDE))) / np.maximum(frequency, 1 / SIDE)
    field = np.fft.ifft2(spectrum).real
    field = field / field.std() + np.linspace(generator.uniform(-2, 2), 0, SIDE)[:, None]
    levels: np.ndarray = 255 * (field - field.min()) / np.ptp(field)
    return levels


def _image(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


DRAWINGS: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    "noise": _noise,
    "coloured noise": _coloured_noise,
    "blank": _blank,
    "text": _text,
    "shapes": _shapes,
    "stripes": _stripes,
    "grey scenery": _grey_scenery,
    "coloured scenery": _coloured_scenery,
}
