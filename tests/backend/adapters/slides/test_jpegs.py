"""What is not the picture goes out of JPEG tiles and tables, at the place where it is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from backend.adapters.slides import jpegs
from backend.errors import UnsupportedImage
from tests.backend.adapters.slides import makers

JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (b"\xff\xd8\xff\xfe\0\x05abc\xff\xd9DOE", b"\xff\xd8\xff\xfe\0\x05\0\0\0\xff\xd9\0\0\0"),
        (b"\xff\xd8\xff\xe1\0\x05abc\xff\xdb\0\x04ab\xff\xd9", b"\xff\xd8\xff\xe1\0\x05\0\0\0\xff\xdb\0\x04ab\xff\xd9"),
        (b"\xff\xd8\xff\xee\0\x0eAdobe\0dJJJJ\1\xff\xd9", b"\xff\xd8\xff\xee\0\x0eAdobe\0dJJJJ\1\xff\xd9"),
        (b"\xff\xd8\xff\xee\0\x0eDOE J\0dJJJJ\1\xff\xd9", b"\xff\xd8\xff\xee\0\x0e" + bytes(12) + b"\xff\xd9"),
        # Behind a fill byte, in a reserved segment, in a header of a frame, without a marker.
        (b"\xff\xd8\xff\xff\xfe\0\x05DOE\xff\xd9", b"\xff\xd8\xff\xff\xfe\0\x05\0\0\0\xff\xd9"),
        (b"\xff\xd8\xff\xf0\0\x05DOE\xff\xd9", b"\xff\xd8\xff\xf0\0\x05\0\0\0\xff\xd9"),
        (b"\xff\xd8\xff\xc0\0\x05DOE\xff\xd9", b"\xff\xd8\xff\xc0\0\x05\0\0\0\xff\xd9"),
        (b"\xff\xd8\xff\xdd\0\x04\0\1DOE", b"\xff\xd8\xff\xdd\0\x04\0\1\0\0\0"),
        # Longer than what there is, and no tables at all.
        (b"\xff\xd8\xff\xfe\0\xffDOE", b"\xff\xd8" + bytes(7)),
        (b"\xff\xd8\xff\xfe\0\1DOE", b"\xff\xd8" + bytes(7)),
        (b"DOE JANE", bytes(8)),
        (b"\xff\xd8\xff\0DOE", b"\xff\xd8" + bytes(5)),
        (b"\xff\xd8\xff\xff", b"\xff\xd8\0\0"),
    ],
)
def test_only_tables_stay_in_jpeg_tables(tables: bytes, expected: bytes) -> None:
    assert jpegs.without_comments(tables) == expected
    assert jpegs.without_comments(expected) == expected


def jpeg(**options: Any) -> bytes:
    output = io.BytesIO()
    Image.fromarray(makers.tissue(64, 64)).save(output, "JPEG", **options)
    return output.getvalue()


def cleaned(content: bytes) -> bytes:
    made = bytearray(b"12" + content + b"345")
    for start, end in jpegs.comments(bytes(made), 2, 2 + len(content)):
        made[start:end] = bytes(end - start)
    assert made.startswith(b"12") and made.endswith(b"345")
    return bytes(made[2:-3])


@pytest.mark.parametrize("progressive", [False, True])
def test_comments_and_what_follows_the_end_go_and_every_pixel_stays(progressive: bool) -> None:
    plain = jpeg(progressive=progressive)
    exif = b"\xff\xe1\0\x14Exif\0\0DOE^JANE 199"
    between = plain.rindex(b"\xff\xda")
    hostile = b"".join(
        [
            plain[:2],
            exif,
            plain[2:between],
            b"\xff\xff\xfe\0\x05DOE",
            plain[between:],
            b"DOE JANE",
        ]
    )

    clean = cleaned(hostile)

    assert len(clean) == len(hostile)
    assert b"DOE" not in clean
    assert Image.open(io.BytesIO(clean)).tobytes() == Image.open(io.BytesIO(plain)).tobytes()
    assert cleaned(clean) == clean


def test_a_reserved_segment_goes() -> None:
    plain = jpeg()
    reserved = plain[:2] + b"\xff\xf7\0\x05DOE" + plain[2:]

    assert cleaned(reserved) == plain[:2] + b"\xff\xf7\0\x05\0\0\0" + plain[2:]


def test_a_plain_jpeg_stays_as_it_is_also_one_that_is_cut_off_in_its_pixels() -> None:
    plain = jpeg(restart_marker_blocks=2)
    assert jpegs.comments(plain, 0, len(plain)) == []
    assert jpegs.comments(plain, 0, len(plain) - 30) == []


@pytest.mark.parametrize(
    "content",
    [
        b"no JPEG",
        jpeg()[:300],
        b"\xff\xd8\xff\xd9DOE",
        b"\xff\xd8DOE" + jpeg()[2:],
        b"\xff\xd8\xff\xfe\0\1" + jpeg()[2:],
    ],
)
def test_what_is_no_jpeg_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedImage, match="whose tiles are damaged"):
        jpegs.comments(content, 0, len(content))


def test_a_tile_has_so_many_segments_at_most() -> None:
    content = b"\xff\xd8" + JFIF * 300 + jpeg()[2:]
    with pytest.raises(UnsupportedImage, match="at most 256 segments"):
        jpegs.comments(content, 0, len(content))
