"""Images to upload. Each call of a maker gives bytes that were never given before, so that no record exists yet."""

from __future__ import annotations

import io
import itertools
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ml.datasets.phantom import phantom_png
from tests.dicoms import dicom

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("SCANPROOF_DATA") or ROOT.parent / "shared" / "data")
_numbers = itertools.count(1)


def sample_mri(name: str = "mri_glioma_1.jpg") -> bytes:
    """A real MRI slice as PNG. Only where the data folder is: see ``DATA``."""
    return _unique((DATA / "samples" / name).read_bytes())


def phantom() -> bytes:
    return phantom_png(seed=next(_numbers))


def mri() -> bytes:
    """A real slice where there is one, else the phantom."""
    return sample_mri() if (DATA / "samples").is_dir() else phantom()


def deep_mri() -> bytes:
    """As ``mri``, as a 16-bit PNG of twelve-bit values: browsers show the high bytes, 15 of 255 at most."""
    pixels = np.asarray(Image.open(io.BytesIO(mri())).convert("L")).astype(np.uint16)
    return _png(Image.fromarray(pixels << 4))


def with_metadata(image: bytes) -> bytes:
    """The same as JPEG with an EXIF block that names a person."""
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe, born 1970-01-01"
    out = io.BytesIO()
    Image.open(io.BytesIO(image)).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def noise() -> bytes:
    """What no model was trained on."""
    return noise_of(256)


def noise_of(side: int) -> bytes:
    """The same with ``side`` pixels, each of three bytes, which no compression makes fewer."""
    pixels = np.random.default_rng(next(_numbers)).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return _png(Image.fromarray(pixels))


def gif() -> bytes:
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, "GIF")
    return out.getvalue()


def truncated() -> bytes:
    image = noise()
    return image[: len(image) // 2]


def bomb() -> bytes:
    """A PNG of a few kilobytes that decodes to 64 megapixels."""
    side = 8_000
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def _unique(image: bytes) -> bytes:
    """The image with a number in the lowest bits of sixteen pixels in its middle: too little for a model to see."""
    pixels = np.array(Image.open(io.BytesIO(image)).convert("L"))
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2 :][:16]
    number = next(_numbers)
    bits = np.array([number >> bit & 1 for bit in range(16)], dtype=np.uint8)
    middle[:] = middle & 0xFE | bits
    return _png(Image.fromarray(pixels))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def named_dicom() -> bytes:
    """A slice as a scanner sends it: with the patient's name."""
    pixels = np.asarray(Image.open(io.BytesIO(mri())).convert("L")).astype(np.uint16) * 16
    named = {"PatientName": "Doe^Jane", "InstitutionName": "St. Mary", "StudyInstanceUID": "1.2.840.5"}
    return dicom(pixels, **named, WindowCenter=2048, WindowWidth=4096)


def with_text(text: str) -> bytes:
    """A slice with a text burnt into its upper left corner."""
    image = Image.open(io.BytesIO(mri())).convert("L")
    ImageDraw.Draw(image).text((10, 8), text, fill=255, font=ImageFont.load_default(18))
    return _png(image)
