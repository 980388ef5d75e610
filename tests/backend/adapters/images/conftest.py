from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from backend.adapters.images.inspector import PillowInspector

SECRET = b"Jane Doe, born 1970-01-01"


def picture(mode: str = "RGB") -> Image.Image:
    """51 x 37 pixels, all different, in any mode."""
    random = np.random.default_rng(7)
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 65536, (37, 51), dtype=np.uint16))
    if mode == "F":
        return Image.fromarray(random.random((37, 51)).astype(np.float32))
    pixels = Image.fromarray(random.integers(0, 256, (37, 51, 4), dtype=np.uint8), "RGBA")
    if mode == "P":
        return pixels.convert("RGB").quantize(60)
    return pixels if mode == "RGBA" else pixels.convert(mode) if mode == "LA" else pixels.convert("RGB").convert(mode)


def saved(format_: str, image: Image.Image | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, format_, **options)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def same_pixels(left: Image.Image, right: Image.Image) -> bool:
    return left.mode == right.mode and np.array_equal(np.asarray(left), np.asarray(right))


@pytest.fixture
def accept() -> Callable:
    return PillowInspector().accept
