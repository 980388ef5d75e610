"""Directories that lie: each is refused by a sentence, before any pixel is read."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest

from backend.adapters.slides import cleaning
from backend.adapters.slides.structure import Directory, Layout, Level, SlideFile, is_slide
from backend.domain import MAX_IMAGE_BYTES
from backend.errors import ImageTooLarge, UnsupportedImage
from tests.backend.adapters.slides import makers

BASE = makers.by_hand(600, 600, private=b"operator Doe")
Changed = Callable[[bytes], bytes]


def entry(tag: int, kind: int, number: int, value: bytes) -> Changed:
    """Sets the first entry of that tag in ``BASE``."""

    def change(content: bytes) -> bytes:
        (first,) = struct.unpack_from("<Q", content, 8)
        (count,) = struct.unpack_from("<Q", content, first)
        made = bytearray(content)
        for place in range(first + 8, first + 8 + 20 * count, 20):
            if struct.unpack_from("<H", made, place) == (tag,):
                struct.pack_into("<HQ8s", made, place + 2, kind, number, value.ljust(8, b"\0"))
        return bytes(made)

    return change


def renamed(tag: int, other: int) -> Changed:
    """Gives an entry of ``BASE`` another tag."""

    def change(content: bytes) -> bytes:
        (first,) = struct.unpack_from("<Q", content, 8)
        (count,) = struct.unpack_from("<Q", content, first)
        made = bytearray(content)
        for place in range(first + 8, first + 8 + 20 * count, 20):
            if struct.unpack_from("<H", made, place) == (tag,):
                struct.pack_into("<H", made, place, other)
        return bytes(made)

    return change


def first_at(place: int) -> Changed:
    return lambda content: content[:8] + struct.pack("<Q", place) + content[16:]


def number(value: int) -> bytes:
    return struct.pack("<Q", value)


PLACE = struct.unpack_from("<Q", BASE, 8)[0]


@pytest.mark.parametrize(
    ("change", "refused", "words"),
    [
        (first_at(2**61), UnsupportedImage, "expected a whole slide of"),
        (first_at(0), UnsupportedImage, "at least one picture, found none"),
        (lambda content: first_at(len(content))(content + number(10_000)), UnsupportedImage, "at most 512 tags"),
        (entry(256, 4, 0, b""), UnsupportedImage, "with the TIFF tag 256, found none"),
        (entry(256, 2, 1, b"9"), UnsupportedImage, "whole numbers in the TIFF tag 256, found values of type 2"),
        (entry(256, 4, 1, number(0)), UnsupportedImage, "a picture with pixels, found one of 0 x 600"),
        (entry(324, 5, 9, number(16)), UnsupportedImage, "whole numbers in the TIFF tag 324"),
        (entry(324, 16, 8, number(16)), UnsupportedImage, "expected 9 values in the TIFF tag 324"),
        (entry(324, 16, 9, number(2**60)), UnsupportedImage, "expected a whole slide of"),
        (entry(258, 3, 9, number(16)), UnsupportedImage, "at most 4 numbers in the TIFF tag 258, found 9"),
        (entry(259, 3, 1, number(34712)), UnsupportedImage, "found compression 34712"),
        (entry(259, 3, 1, number(33003)), UnsupportedImage, "found compression 33003"),
        (entry(262, 3, 1, number(3)), UnsupportedImage, "photometric interpretation 3"),
        (entry(322, 4, 1, number(0)), ImageTooLarge, "found 0 x 256"),
        (renamed(324, 273), UnsupportedImage, "stored in tiles, found none"),
    ],
)
def test_what_a_directory_says_is_checked(change: Changed, refused: type[Exception], words: str) -> None:
    with pytest.raises(refused, match=words):
        cleaning.plan(SlideFile(io.BytesIO(change(BASE))))


def test_sub_directories_have_a_limit_too() -> None:
    content = renamed(50_838, 330)(makers.by_hand(600, 600, private=struct.pack("<70Q", *range(70))))
    (place,) = struct.unpack_from("<Q", content, content.index(struct.pack("<HHQ", 330, 2, 560)) + 12)

    with pytest.raises(UnsupportedImage, match="at most 64 directories"):
        cleaning.plan(SlideFile(io.BytesIO(entry(330, 18, 70, number(place))(content))))


def test_colours_in_planes_are_refused() -> None:
    content = entry(284, 3, 1, number(2))(renamed(50_838, 284)(BASE))

    with pytest.raises(UnsupportedImage, match="found separate planes"):
        cleaning.plan(SlideFile(io.BytesIO(content)))


def test_a_tile_is_not_much_longer_than_its_pixels() -> None:
    tile = makers.jpeg_tile() + bytes(256 * 256 * 3 + 64 * 1024)

    with pytest.raises(ImageTooLarge, match="expected tiles of at most 262,144 bytes"):
        cleaning.plan(SlideFile(io.BytesIO(makers.by_hand(600, 600, tile_bytes=tile))))


def test_numbers_past_every_file_are_refused() -> None:
    content = makers.by_hand(600, 600).replace(struct.pack("<Q", 16) * 9, struct.pack("<Q", 2**63 + 16) * 9)

    with pytest.raises(UnsupportedImage, match="expected a whole slide of"):
        cleaning.plan(SlideFile(io.BytesIO(content)))


def test_values_have_places_of_their_own() -> None:
    content = entry(347, 7, 40, number(PLACE))(renamed(50_838, 347)(BASE))

    with pytest.raises(UnsupportedImage, match="expected values of tags of a slide at places of their own"):
        cleaning.plan(SlideFile(io.BytesIO(content)))


def test_directories_have_places_of_their_own() -> None:
    layout = Layout("<", big=False)
    levels = [Level(Directory(place, ()), 9, 9, np.zeros((0, 2), np.int64)) for place in (100, 104)]

    with pytest.raises(UnsupportedImage, match="expected directories of a slide at places of their own"):
        cleaning._check_places(layout, levels, [])


def test_a_description_that_fits_into_its_field_goes() -> None:
    content = entry(270, 2, 7, b"Aperio")(renamed(50_838, 270)(BASE))

    assert cleaning.plan(SlideFile(io.BytesIO(content))).removed == ("ImageDescription",)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (makers.by_hand(8000, 6000), True),
        (makers.by_hand(600, 600), False),
        (makers.by_hand(600, 600, directories=2), True),
        (makers.by_hand(600, 600)[:-30], False),
        (b"II*\0" + bytes(MAX_IMAGE_BYTES), True),
        (b"\x89PNG" + bytes(100), False),
        (b"", False),
    ],
    ids=["large", "small", "two pictures", "cut", "many bytes", "PNG", "empty"],
)
def test_what_a_slide_is(content: bytes, expected: bool) -> None:
    assert is_slide(io.BytesIO(content)) is expected
