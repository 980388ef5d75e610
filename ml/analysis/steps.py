"""The result of an image analysis: steps with a picture and figures each."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

# Level 6, the default, takes five times as long for files that are hardly smaller.
PNG_COMPRESSION = 2


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its meaning. ``unit`` is empty where it has none; ``explanation`` is one sentence for people."""

    name: str
    title: str
    value: float
    unit: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step with its picture, uint8 of shape (H, W) for grey or (H, W, 3) for RGB.

    ``name`` is made of small letters only; ``explanation`` says what was done, with every parameter.
    """

    name: str
    title: str
    explanation: str
    picture: np.ndarray
    figures: tuple[Figure, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.picture.shape[1], self.picture.shape[0]

    def png(self) -> bytes:
        file = io.BytesIO()
        Image.fromarray(self.picture).save(file, "PNG", compress_level=PNG_COMPRESSION)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Analysis:
    """The steps in order. ``stained``: the image is in colour and was analysed as stained tissue."""

    stained: bool
    steps: tuple[Step, ...]
