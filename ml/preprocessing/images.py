"""Decodes untrusted image bytes to an 8-bit RGB or grey image."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ml.errors import ImageError, ImageTooLarge
from ml.preprocessing.dicom_structure import is_dicom
from ml.preprocessing.limits import MAX_PIXELS, check_pixels

if TYPE_CHECKING:
    import numpy as np

DECODING = 3
"""The version of the rules by which pixels are made of a file's bytes: another one can change a model's answer.

1 scales deep pixels from their minimum to their maximum; 2 leaves outliers out; 3 scales them between robust
percentiles (``ml.preprocessing.windows``) and reads DICOM. Results of former versions reproduce with the version that
made them.
"""
DECODINGS = (1, 2, 3)
_FIRST_WITH_WINDOWS = _FIRST_WITH_DICOM = _FIRST_WITH_NIFTI = 3

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_GZIP = b"\x1f\x8b"
_NIFTI_MAGIC = {348: (344, b"n+1\0"), 540: (4, b"n+2\0\r\n\x1a\n")}
"""Where the magic is, by the header's size, which it begins with: NIfTI-1 and NIfTI-2."""
_NIFTI_HEADER = 540
OUTLIER_PERCENTILES = (1.0, 99.0)
DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, MemoryError)


def decode_image(source: bytes | Image.Image, decoding: int = DECODING, frame: int = 0) -> Image.Image:
    """Decode to mode ``L`` (grey) or ``RGB``, 8 bits a channel, EXIF orientation applied.

    ``frame`` counts the frames of a DICOM file, see ``ml.preprocessing.dicom.picture``, and the axial slices of a NIfTI
    volume, see ``ml.preprocessing.nifti.picture``, from 0. Other files have one.
    Transparent pixels are composed over black, the background of MRI. 16-bit, 32-bit and float pixels are scaled
    linearly to 0..255: from the 0.5th to the 99.5th percentile of the picture, without border, text and dots, see
    ``ml.preprocessing.windows.robust_range``.

    Raises:
        ImageTooLarge: more than ``MAX_PIXELS`` (refused from the header, before any pixel is decoded).
        ImageError: neither one of ``FORMATS`` nor DICOM nor NIfTI, truncated or damaged; no such frame; ``decoding`` is
            none of ``DECODINGS``.
    """
    if decoding not in DECODINGS:
        raise ImageError(f"expected one of the decodings {', '.join(map(str, DECODINGS))}, found {decoding}")
    if isinstance(source, Image.Image):
        check_pixels(source.width, source.height)
        return _to_eight_bits(source, decoding)
    if is_dicom(source):
        if decoding < _FIRST_WITH_DICOM:
            raise ImageError(f"expected an image, as decoding {decoding} reads, found a DICOM file")
        # Imported here: pydicom is slow to import, and other images need none of it.
        from ml.preprocessing.dicom import picture

        return picture(source, frame)[0]
    if decoding >= _FIRST_WITH_NIFTI and is_nifti(source):
        from ml.preprocessing import nifti

        return nifti.picture(source, frame)[0]
    if frame:
        raise ImageError(f"expected frame 0 of an image that has one, found frame {frame}")
    image = _open(source)
    check_pixels(image.width, image.height)
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _to_eight_bits(image, decoding)
    except DECODER_ERRORS as exc:
        raise damaged(str(exc) or type(exc).__name__) from exc


def is_nifti(content: bytes) -> bool:
    """Whether a file, gzipped or not, has the header of a volume in one file."""
    if content.startswith(_GZIP):
        try:
            content = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, _NIFTI_HEADER)
        except zlib.error:
            return False
    for order in "<>":
        (size,) = struct.unpack(order + "i", content[:4].ljust(4, b"\0"))
        if size in _NIFTI_MAGIC and content.startswith(_NIFTI_MAGIC[size][1], _NIFTI_MAGIC[size][0]):
            return True
    return False


def damaged(reason: str) -> ImageError:
    return ImageError(f"expected a complete image file, found damaged data: {reason}")


def _open(data: bytes) -> Image.Image:
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("PIL.ImageFile.LOAD_TRUNCATED_IMAGES must be off: a truncated image must not be classified")
    try:
        with warnings.catch_warnings():
            # Pillow's warning has another limit than ours, which check_pixels enforces.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as exc:
        found = f"{len(data):,} bytes that begin with {data[:8].hex() or 'nothing'}"
        raise ImageError(f"expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found {found}") from exc
    except Image.DecompressionBombError as exc:
        raise ImageTooLarge(2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS), MAX_PIXELS) from exc
    except DECODER_ERRORS as exc:
        raise damaged(str(exc) or type(exc).__name__) from exc


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

    if decoding < _FIRST_WITH_WINDOWS:
        return _scaled_by_extremes(image, leave_out_outliers=decoding > 1)
    from ml.preprocessing.windows import range_window, robust_range, to_eight_bits

    values = np.asarray(image)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    window = range_window(*robust_range(values), "percentiles")
    return Image.fromarray(to_eight_bits(values, window.apply))


def _scaled_by_extremes(image: Image.Image, *, leave_out_outliers: bool) -> Image.Image:
    """Decodings 1 and 2: from the least to the greatest value; 2 leaves outliers out, which lie further outside the 1st
    to the 99th percentile than these are apart."""
    import numpy as np

    # In place: forty megapixels take 160 MB as float32, once.
    values = np.array(image, np.float32)
    np.nan_to_num(values, copy=False, posinf=0.0, neginf=0.0)
    if leave_out_outliers:
        np.clip(values, *_inlier_range(values), out=values)
    values -= values.min()
    values *= 255.0 / max(float(values.max()), 1e-12)
    return Image.fromarray(np.rint(values, out=values).astype(np.uint8))


def _inlier_range(values: np.ndarray) -> tuple[float, float]:
    """The least and the greatest value that are no outliers, see ``_scaled_by_extremes``."""
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
