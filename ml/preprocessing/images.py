"""Decodes untrusted image bytes to an 8-bit RGB or grey image."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ml.errors import ImageError, ImageTooLarge

DECODING = 1
"""The version of the rules by which pixels are made of a file's bytes: another one can change a model's answer."""

MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, MemoryError)


def decode_image(source: bytes | Image.Image) -> Image.Image:
    """Decode to mode ``L`` (grey) or ``RGB``, 8 bits a channel, first frame, EXIF orientation applied.

    Transparent pixels are composed over black, the background of MRI; 16-bit, 32-bit and float pixels are scaled
    linearly from their own minimum and maximum to 0..255.

    Raises:
        ImageTooLarge: more than ``MAX_PIXELS`` (refused from the header, before any pixel is decoded).
        ImageError: not one of ``FORMATS``, truncated or damaged.
    """
    if isinstance(source, Image.Image):
        _check_size(source)
        return _to_eight_bits(source)
    image = _open(source)
    _check_size(image)
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _to_eight_bits(image)
    except DECODER_ERRORS as exc:
        raise damaged(str(exc) or type(exc).__name__) from exc


def damaged(reason: str) -> ImageError:
    return ImageError(f"expected a complete image file, found damaged data: {reason}")


def _open(data: bytes) -> Image.Image:
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("PIL.ImageFile.LOAD_TRUNCATED_IMAGES must be off: a truncated image must not be classified")
    try:
        with warnings.catch_warnings():
            # Pillow's warning has another limit than ours, which _check_size enforces.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as exc:
        found = f"{len(data):,} bytes that begin with {data[:8].hex() or 'nothing'}"
        raise ImageError(f"expected a PNG, JPEG, TIFF, BMP or WebP image, found {found}") from exc
    except Image.DecompressionBombError as exc:
        raise ImageTooLarge(2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS), MAX_PIXELS) from exc
    except DECODER_ERRORS as exc:
        raise damaged(str(exc) or type(exc).__name__) from exc


def _check_size(image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise ImageTooLarge(pixels, MAX_PIXELS)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in ("L", "RGB"):
        return image
    if image.mode in DEEP_MODES:
        # In place: forty megapixels take 160 MB as float32, once.
        values = np.array(image, np.float32)
        np.nan_to_num(values, copy=False, posinf=0.0, neginf=0.0)
        values -= values.min()
        values *= 255.0 / max(float(values.max()), 1e-12)
        return Image.fromarray(np.rint(values, out=values).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        canvas = Image.new("RGB", rgba.size)
        canvas.paste(rgba, mask=rgba.getchannel("A"))
        return canvas
    return image.convert("L" if image.mode == "1" else "RGB")


def colourfulness(image: Image.Image) -> float:
    """Colourfulness by Hasler & Süsstrunk (2003): 0 for grey, about 15 for slightly, over 45 for quite colourful."""
    if image.mode == "L":
        return 0.0
    small = np.asarray(image.reduce(max(1, max(image.size) // 128)), np.float64)
    red, green, blue = np.moveaxis(small, 2, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    return float(np.hypot(red_green.std(), yellow_blue.std()) + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
