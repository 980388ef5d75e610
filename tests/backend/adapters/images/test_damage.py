"""Damaged files, with a fixed seed: each is refused as such or still an image; nothing else ever comes out."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from backend.adapters.images.inspection import inspect
from backend.errors import ImageTooLarge, UnsupportedImage
from tests.backend.adapters.images import metadata
from tests.backend.adapters.images.conftest import SECRET, opened, picture, saved

VICTIMS = {
    "png": metadata.png((b"tEXt", b"a\0" + SECRET), (b"eXIf", metadata.exif(6, gps=True))),
    "png-palette": saved("PNG", picture("P"), transparency=1),
    "png-16": saved("PNG", picture("I;16")),
    "jpeg": metadata.jpeg((0xE1, b"Exif\0\0" + metadata.exif(3, gps=True, thumbnail=True)), (0xFE, SECRET)),
    "jpeg-progressive": saved("JPEG", progressive=True, icc_profile=metadata.PROFILE),
    "jpeg-cmyk": saved("JPEG", picture("CMYK")),
    "webp": metadata.webp(mode="RGBA"),
    "webp-lossless": saved("WEBP", lossless=True),
    "tiff": metadata.tiff({270: metadata.TEXT, 274: 8, 34853: {29: metadata.TEXT}}),
    "tiff-lzw": saved("TIFF", compression="tiff_lzw"),
    "tiff-jpeg": saved("TIFF", compression="jpeg"),
    "tiff-16": saved("TIFF", picture("I;16")),
    "bmp": saved("BMP", picture("P")),
    "bmp-32": saved("BMP", picture("RGBA")),
}


def check(accept, content: bytes) -> bool:
    """Whether it was accepted; then it must be a whole, clean image."""
    try:
        clean, facts = accept(content)
    except (UnsupportedImage, ImageTooLarge) as exc:
        assert str(exc).startswith("expected ")
        assert "object at 0x" not in str(exc)
        return False
    assert opened(clean).size == (facts.width, facts.height)
    assert accept(clean)[0] == clean
    assert accept(clean)[1].stripped == ()
    return True


@pytest.mark.parametrize("name", VICTIMS)
@pytest.mark.filterwarnings("ignore")
def test_changed_bytes(accept, name):
    generator = random.Random(name)
    victim = VICTIMS[name]
    for _ in range(250):
        content = bytearray(victim)
        # Half the changes hit the front, where the structure is.
        limit = min(400, len(content)) if generator.random() < 0.5 else len(content)
        for _ in range(generator.choice((1, 1, 2, 8))):
            content[generator.randrange(limit)] = generator.choice((0, 0xFF, 0x7F, 0x80, generator.randrange(256)))
        check(accept, bytes(content))


@pytest.mark.parametrize("name", VICTIMS)
@pytest.mark.filterwarnings("ignore")
def test_every_region_cut_out_doubled_or_swapped(accept, name):
    generator = random.Random(name)
    victim = VICTIMS[name]
    for _ in range(80):
        start, end = sorted(generator.randrange(len(victim)) for _ in range(2))
        check(accept, victim[:start] + victim[end:])
        check(accept, victim[:end] + victim[start:])
        check(accept, victim[:start] + generator.randbytes(end - start) + victim[end:])


@pytest.mark.parametrize("name", VICTIMS)
@pytest.mark.filterwarnings("ignore")
def test_no_cut_file_passes_for_whole(accept, name):
    victim = VICTIMS[name]
    for length in [*range(0, 64), *range(64, len(victim) - 1, max(1, len(victim) // 60))]:
        assert not check(accept, victim[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff" * 4_000_000 + b"\0",
        b"\xff\xd8\xff" + b"\xd0\xff\0\xff" * 1_000_000,
    ],
)
def test_a_jpeg_without_markers_is_refused_in_linear_time(accept, content):
    with pytest.raises(UnsupportedImage):
        accept(content)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff\xfe\0\2" * 60_000,
        b"\xff\xd8" + b"\xff\xe1\0\x08Exif\0\0" * 60_000,
        metadata.png(*[(b"prVt", b"")] * 60_000),
        b"RIFF\xf4\xff\x0f\0WEBP" + b"ABCD\0\0\0\0" * 140_000,
    ],
)
def test_a_file_in_very_many_parts_is_refused(accept, content):
    with pytest.raises(UnsupportedImage, match=r"^expected an image of at most 50000 segments or chunks, found more$"):
        accept(content)


def test_pixels_past_the_size_are_not_unpacked():
    upload = metadata.raw_png(1, 1, 8, 0, 64 * 1024 * 1024)
    tracemalloc.start()
    with pytest.raises(UnsupportedImage, match=r"^expected a PNG with 2 bytes of pixels"):
        inspect(upload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
