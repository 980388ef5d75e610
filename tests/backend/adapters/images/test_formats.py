"""Every format and mode that is accepted keeps its pixels; what cannot keep them is refused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.adapters.images.inspection import inspect
from backend.adapters.images.limits import MAX_PIXELS
from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import MAX_IMAGE_BYTES, ImageFacts
from backend.errors import ImageTooLarge, UnsupportedImage
from tests.backend.adapters.images import metadata
from tests.backend.adapters.images.conftest import opened, picture, same_pixels, saved

ACCEPTED = [
    *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("JPEG", mode, options) for mode in ("L", "RGB", "CMYK") for options in ({}, {"progressive": True})),
    ("JPEG", "RGB", {"subsampling": 0, "restart_marker_blocks": 2}),
    *(("TIFF", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("TIFF", "RGB", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"big_tiff": True}),
    *(("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")),
    *(("WEBP", mode, options) for mode in ("RGB", "RGBA") for options in ({"lossless": True}, {"quality": 60})),
]
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@pytest.mark.parametrize(("format_", "mode", "options"), ACCEPTED)
def test_pixels_stay(accept, format_, mode, options):
    upload = saved(format_, picture(mode), **options)
    content, facts = accept(upload)
    assert same_pixels(opened(content), opened(upload))
    assert facts == ImageFacts(
        cid=cid_of(content),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        width=51,
        height=37,
        media_type=MEDIA_TYPES.get(format_, "image/png"),
        stripped=(),
    )
    if format_ in MEDIA_TYPES:
        assert content == upload


@pytest.mark.parametrize(("format_", "mode", "options"), ACCEPTED)
def test_the_same_upload_gives_the_same_bytes_and_accepting_again_changes_nothing(accept, format_, mode, options):
    upload = saved(format_, picture(mode), **options)
    content, facts = accept(upload)
    assert accept(upload) == (content, facts)
    assert accept(content)[0] == content


def test_16_bit_grey_keeps_every_bit(accept):
    for format_ in ("PNG", "TIFF"):
        content, _ = accept(saved(format_, picture("I;16")))
        assert np.array_equal(np.asarray(opened(content)), np.asarray(picture("I;16")))


def test_big_endian_16_bit_tiff(accept):
    values = np.asarray(picture("I;16"))
    upload = saved("TIFF", Image.frombytes("I;16B", (51, 37), values.astype(">u2").tobytes()))
    assert upload.startswith(b"MM")
    assert np.array_equal(np.asarray(opened(accept(upload)[0])), values)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 8), (9, 5), (51, 37)])
@pytest.mark.parametrize("depth", [1, 8])
def test_interlaced_png(accept, size: tuple[int, int], depth):
    upload = metadata.raw_png(*size, depth, 0, metadata.adam7_bytes(*size, depth), interlaced=True)
    assert accept(upload)[0] == upload


def test_transparency_stays(accept):
    upload = saved("PNG", picture("P"), transparency=3)
    assert accept(upload)[0] == upload
    assert opened(accept(saved("PNG", picture("L"), transparency=7))[0]).info["transparency"] == 7


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_colour_profiles_stay(accept, format_):
    upload = saved(format_, icc_profile=metadata.PROFILE)
    content, facts = accept(upload)
    assert opened(content).info["icc_profile"] == metadata.PROFILE
    assert facts.stripped == ()


def test_size_of_pixels_and_gamma_stay(accept):
    upload = saved("PNG", dpi=(300, 300))
    upload = metadata.png((b"gAMA", (45455).to_bytes(4)), (b"sRGB", b"\0"), picture_bytes=upload)
    assert accept(upload)[0] == upload


def test_inverted_grey_tiff_is_shown_as_it_is_meant(accept):
    inverted = metadata.tiff({262: 0}, mode="L")
    assert same_pixels(opened(accept(inverted)[0]), opened(inverted))


REFUSED = {
    "expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found an empty file": lambda: b"",
    "expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found data that begins with 3c 73 76 67 3e 3c 2f 73": (
        lambda: b"<svg></svg>"
    ),
    "expected one still image, found an animated PNG": metadata.apng,
    "expected one still image, found an animated WebP": (
        lambda: saved("WEBP", save_all=True, append_images=[picture().rotate(90)])
    ),
    "expected one image, found a TIFF with several pages": (
        lambda: saved("TIFF", save_all=True, append_images=[picture()])
    ),
    "expected an image that browsers show, found a PNG with the chunk b'JDAT', which is not supported: "
    "convert it to an 8-bit PNG": lambda: metadata.png((b"JDAT", b"x")),
    "expected a PNG with 110 bytes of pixels, found one with more or fewer": lambda: metadata.raw_png(10, 10, 8, 0, 99),
    "expected a PNG with 12 bytes of pixels, found one with more or fewer": lambda: metadata.raw_png(3, 3, 8, 0, 13),
    "expected a JPEG, found one with the marker 0xfff6, which cannot be read": lambda: metadata.jpeg((0xF6, b"x")),
    "expected a JPEG with a picture, found one without": lambda: b"\xff\xd8\xff\xe0\0\4xx\xff\xd9",
    "expected a WebP with one picture, found 0": lambda: b"RIFF\4\0\0\0WEBP",
    "expected a whole JPEG, found one that ends after 3 bytes without its end marker": lambda: b"\xff\xd8\xff",
    "expected a whole JPEG, found one that is cut off or damaged at byte 4": lambda: b"\xff\xd8\xff\xe0\0\x20xx",
    "expected a whole PNG, found one that ends after 40 bytes": lambda: saved("PNG")[:40],
    "expected a whole WebP of 108 bytes, found 12": lambda: b"RIFF\x64\0\0\0WEBP",
    "expected a whole WebP, found one that is damaged at byte 12": lambda: b"RIFF\x0c\0\0\0WEBPVP8 \x40\0\0\0",
    "expected a whole TIFF image, found one that is cut off or damaged": lambda: b"II*\0\x08\0\0\0\xff\xff",
    "expected a whole BMP image, found one that is cut off or damaged": lambda: saved("BMP")[:-100],
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused_is_reported(accept, message):
    with pytest.raises(UnsupportedImage) as error:
        accept(REFUSED[message]())
    assert str(error.value) == message


def test_a_damaged_png_chunk_is_found_by_its_checksum(accept):
    upload = bytearray(saved("PNG"))
    upload[60] ^= 1
    with pytest.raises(UnsupportedImage, match=r"^expected a whole PNG, found one that is damaged at byte 33$"):
        accept(bytes(upload))


def test_too_many_bytes(accept):
    with pytest.raises(ImageTooLarge, match=r"^expected at most 26214400 bytes, found 26214401$"):
        accept(bytes(MAX_IMAGE_BYTES + 1))


def test_a_png_that_grows_past_the_limit(monkeypatch):
    upload = saved("JPEG", picture(), exif=b"Exif\0\0" + metadata.exif(6), quality=20)
    monkeypatch.setattr("backend.adapters.images.limits.MAX_IMAGE_BYTES", len(upload))
    with pytest.raises(ImageTooLarge, match=rf"^expected at most {len(upload)} bytes, found \d+ in the PNG that it "):
        inspect(upload)


BOMBS = {
    "PNG": lambda size: metadata.raw_png(*size, depth=8, colour=0, pixel_bytes=100),
    "JPEG": lambda size: metadata.with_size("JPEG", size),
    "BMP": lambda size: metadata.with_size("BMP", size),
    "TIFF": lambda size: metadata.with_size("TIFF", size),
    "WEBP": lambda size: metadata.with_size("WEBP", size),
}


@pytest.mark.parametrize("format_", BOMBS)
def test_too_many_pixels_are_refused_before_decoding(accept, format_):
    width = 8000
    height = MAX_PIXELS // width + 1
    with pytest.raises(ImageTooLarge) as error:
        accept(BOMBS[format_]((width, height)))
    assert str(error.value) == f"expected at most 40000000 pixels, found 8000 x {height} = {width * height}"


@pytest.mark.parametrize("format_", BOMBS)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused(accept, format_):
    with pytest.raises(ImageTooLarge):
        accept(BOMBS[format_]((16383, 16383)))


def test_forty_megapixels_are_accepted(accept):
    _, facts = accept(saved("PNG", Image.new("L", (8000, 5000))))
    assert facts.width * facts.height == MAX_PIXELS


def test_the_samples_are_accepted_unchanged_in_pixels(accept):
    data = Path(os.environ.get("SCANPROOF_DATA", Path(__file__).parents[5] / "shared" / "data"))
    if not data.is_dir():
        pytest.skip(f"the data folder {data} is not there: set SCANPROOF_DATA")
    samples = sorted((data / "samples").iterdir())
    assert len(samples) >= 10
    for sample in samples:
        upload = sample.read_bytes()
        assert same_pixels(opened(accept(upload)[0]), opened(upload))
