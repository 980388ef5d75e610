"""Decodes untrusted image bytes to an 8-bit RGB or grey image."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ml.errors import ImageError, ImageTooLarge

if TYPE_CHECKING:
    import numpy as np

DECODING = 2
"""The version of the rules by which pixels are made of a file's bytes: another one can change a model's answer.

1 scales deep pixels from their minimum to their maximum; 2 leaves outliers out. Results of former versions reproduce
with the version that made them.
"""
DECODINGS = (1, 2)

MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
OUTLIER_PERCENTILES = (1.0, 99.0)
DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, MemoryError)


def decode_image(source: bytes | Image.Image, decoding: int = DECODING) -> Image.Image:
    """Decode to mode ``L`` (grey) or ``RGB``, 8 bits a channel, first frame, EXIF orientation applied.

    Transparent pixels are composed over black, the background of MRI. 16-bit, 32-bit and float pixels are scaled
    linearly to 0..255: from the least to the greatest that is no outlier. An outlier, such as a dead or burnt-in pixel,
    lies further outside the 1st to the 99th percentile than these are apart.

    Raises:
        ImageTooLarge: more than ``MAX_PIXELS`` (refused from the header, before any pixel is decoded).
        ImageError: not one of ``FORMATS``, truncated or damaged; ``decoding`` is none of ``DECODINGS``.
    """
    if decoding not in DECODINGS:
        raise ImageError(f"expected one of the decodings {', '.join(map(str, DECODINGS))}, found {decoding}")
    if isinstance(source, Image.Image):
        _check_size(source)
        return _to_eight_bits(source, decoding)
    image = _open(source)
    _check_size(image)
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _to_eight_bits(image, decoding)
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


def _to_eight_bits(image: Image.Image, decoding: int) -> Image.Image:
    if image.mode in ("L", "RGB"):
        return image
    if image.mode in DEEP_MODES:
        return _scaled(image, decoding)
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        canvas = Image.new("RGB", rgba.size)
        canvas.paste(rgba, mask=rgba.getchannel("A"))
        return canvas
    return image.convert("L" if image.mode == "1" else "RGB")


def _scaled(image: Image.Image, decoding: int) -> Image.Image:
    # Imported here: a process that decodes 8-bit images starts in half the time without it.
    import numpy as np

    # In place: forty megapixels take 160 MB as float32, once.
    values = np.array(image, np.float32)
    np.nan_to_num(values, copy=False, posinf=0.0, neginf=0.0)
    if decoding > 1:
        np.clip(values, *_inlier_range(values), out=values)
    values -= values.min()
    values *= 255.0 / max(float(values.max()), 1e-12)
    return Image.fromarray(np.rint(values, out=values).astype(np.uint8))


def _inlier_range(values: np.ndarray) -> tuple[float, float]:
    """The least and the greatest value that are no outliers, see ``decode_image``."""
    import numpy as np

    low, high = (float(value) for value in np.percentile(values, OUTLIER_PERCENTILES))
    spread = high - low
    if not spread:
        return float(values.min()), float(values.max())
    return (
        float(values.min(where=values >= low - spread, initial=high)),
        float(values.max(where=values <= high + spread, initial=low)),
    )


def colourfulness(image: Image.Image) -> float:
    """Colourfulness by Hasler & Süsstrunk (2003): 0 for grey, about 15 for slightly, over 45 for quite colourful."""
    if image.mode == "L":
        return 0.0
    import numpy as np

    small = np.asarray(image.reduce(max(1, max(image.size) // 128)), np.float64)
    red, green, blue = np.moveaxis(small, 2, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    return float(np.hypot(red_green.std(), yellow_blue.std()) + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
