"""What an image may take is known from its headers, before it is decoded."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image

from backend.adapters.images.inspection import inspect
from backend.adapters.images.limits import MAX_PROFILE_BYTES, MAX_SCANNED_PIXELS
from backend.errors import ImageTooLarge
from tests.backend.adapters.images import metadata
from tests.backend.adapters.images.conftest import picture, saved


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((1, 16_000), "expected one side at most 100 times the other, found 1 x 16000"),
        ((16_000, 159), "expected one side at most 100 times the other, found 16000 x 159"),
    ],
)
def test_an_image_that_is_a_line_is_refused(format_, size, message):
    upload = metadata.raw_png(size[0], size[1], 8, 0, 100) if format_ == "PNG" else metadata.with_size(format_, size)
    with pytest.raises(ImageTooLarge) as error:
        inspect(upload)
    assert str(error.value) == message


@pytest.mark.parametrize("size", [(1, 40_000_000), (40_000_000, 1), (800, 50_000)])
def test_a_side_that_no_browser_shows_is_refused(size):
    with pytest.raises(ImageTooLarge, match=rf"^expected sides of at most 32767 pixels, found {size[0]} x {size[1]}$"):
        inspect(metadata.raw_png(size[0], size[1], 8, 0, 100))


def test_an_image_as_long_as_allowed_is_accepted():
    assert inspect(saved("PNG", Image.new("L", (327, 32_700)))).height == 32_700


def many_scans(size: tuple[int, int], scans: int) -> bytes:
    """A progressive JPEG that claims ``size`` and repeats one scan."""
    content = saved("JPEG", Image.new("L", (64, 64)), progressive=True)
    start = content.index(b"\xff\xda")
    scan = content[start : content.index(b"\xff", start + 12)]
    content = bytearray(content[:start] + scan * scans + b"\xff\xd9")
    struct.pack_into(">HH", content, content.index(b"\xff\xc2") + 5, size[1], size[0])
    return bytes(content)


@pytest.mark.parametrize(("size", "scans"), [((8000, 5000), 21), ((4000, 3000), 67), ((1000, 1000), 1000)])
def test_a_jpeg_of_too_many_scans_is_refused_before_it_is_decoded(size, scans):
    with pytest.raises(ImageTooLarge) as error:
        inspect(many_scans(size, scans))
    assert str(error.value) == (
        f"expected at most {MAX_SCANNED_PIXELS} pixels in all scans together, found {scans} scans of "
        f"{size[0]} x {size[1]} pixels"
    )


def profile(size: int) -> bytes:
    return b"\0" * 36 + b"acsp" + bytes(size - 40)


def test_a_colour_profile_that_unpacks_to_more_than_its_limit_is_refused():
    bomb = metadata.png((b"iCCP", b"a\0\0" + zlib.compress(profile(200 * 1024 * 1024))))
    with pytest.raises(ImageTooLarge, match=r"^expected a colour profile of at most 1048576 bytes, found a larger"):
        inspect(bomb)


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_the_largest_colour_profile_stays(format_):
    clean = inspect(saved(format_, picture(), icc_profile=profile(MAX_PROFILE_BYTES)))
    assert inspect(clean.content).content == clean.content


def test_a_tiff_with_a_larger_profile_is_refused():
    with pytest.raises(ImageTooLarge, match=r"^expected a colour profile of at most 1048576 bytes"):
        inspect(saved("TIFF", picture(), icc_profile=profile(MAX_PROFILE_BYTES + 1)))


def test_a_tiff_of_very_many_strips_is_refused():
    upload = bytearray(metadata.raw_tiff())
    entry = upload.index(struct.pack("<HH", 273, 4))
    struct.pack_into("<II", upload, entry + 4, 70_000, len(upload))
    upload += bytes(4 * 70_000)
    with pytest.raises(ImageTooLarge, match=r"^expected at most 65536 strips or tiles, found 70000$"):
        inspect(bytes(upload))
