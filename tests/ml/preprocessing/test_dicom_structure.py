"""Lengths that lie, sequences without end and bombs are found before anything is read."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from ml.errors import ImageError
from ml.preprocessing import dicom_structure
from ml.preprocessing.dicom_structure import MAX_DEPTH, is_dicom, read_structure
from tests.dicoms import SAMPLES, dicom, sample

IMPLICIT, EXPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
NAME = (0x0010, 0x0010)


def short(tag: tuple[int, int], vr: str, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HH2sH", *tag, vr.encode(), len(value) if length is None else length) + value


def long(tag: tuple[int, int], vr: str, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HH2s2xI", *tag, vr.encode(), len(value) if length is None else length) + value


def mark(tag: tuple[int, int], length: int = 0) -> bytes:
    return struct.pack("<HHI", *tag, length)


def file(content: bytes, syntax: str = EXPLICIT) -> bytes:
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + short((2, 0x10), "UI", uid) + content


def start_of(content: bytes = b"") -> int:
    return len(file(b"")) + len(content)


def nested(depth: int) -> bytes:
    return (long((8, 0x1140), "SQ", b"", UNDEFINED) + mark(ITEM, UNDEFINED)) * depth


def closed(depth: int) -> bytes:
    return nested(depth) + (mark(ITEM_END) + mark(SEQUENCE_END)) * depth


WHOLE = {
    "empty-sequence": long((8, 0x1140), "SQ", b""),
    "nested": closed(MAX_DEPTH - 1),
    "unknown-sequence": long((9, 0x1001), "UN", b"", UNDEFINED)
    + mark(ITEM, UNDEFINED) + struct.pack("<HHI", *NAME, 4) + b"A^B " + mark(ITEM_END) + mark(SEQUENCE_END),
    "sequence-of-a-length": long((8, 0x1140), "SQ", mark(ITEM, 12) + short(NAME, "PN", b"A^B ")),
    "icon": long((0x88, 0x200), "SQ", b"", UNDEFINED) + mark(ITEM, UNDEFINED)
    + long((0x7FE0, 0x10), "OB", b"", UNDEFINED) + mark(ITEM) + mark(ITEM, 2) + b"ab" + mark(SEQUENCE_END)
    + mark(ITEM_END) + mark(SEQUENCE_END),
    "padding-behind": short(NAME, "PN", b"A^B ") + bytes(500),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_passes(name: str) -> None:
    structure = read_structure(file(WHOLE[name]))
    assert (structure.transfer_syntax, structure.pixels, structure.implicit) == (EXPLICIT, None, False)


LYING = {
    "an element (0010,0010) of 60,000 bytes where 4 are left, at byte {}": (b"", short(NAME, "PN", b"A^B ", 60_000)),
    "an element (7FE0,0010) of 4,294,967,294 bytes where 4 are left, at byte {}": (
        b"", long((0x7FE0, 0x10), "OW", b"abcd", UNDEFINED - 1)
    ),
    "an element (0010,0010) of 40 bytes where 4 are left, at byte {}": (
        long((8, 0x1140), "SQ", mark(ITEM, 12), 20), short(NAME, "PN", b"A^B ", 40) + bytes(80) + b"x"
    ),
    "an element (FFFE,E000) of 900 bytes where 8 are left, at byte {}": (
        long((8, 0x1140), "SQ", b"", 16), mark(ITEM, 900) + bytes(999) + b"x"
    ),
    "an element that is cut off at byte {}": (short(NAME, "PN", b"A^B "), b"\x10\0\x20"),
    "an element (0010,0010) of no known type (b'\\x01\\x02') at byte {}": (
        short((8, 0x60), "CS", b"MR"), struct.pack("<HH", *NAME) + b"\1\2\3\4"
    ),
    "an element (0010,0010) where an item of a sequence begins at byte {}": (
        long((8, 0x1140), "SQ", b"", UNDEFINED), short(NAME, "PN", b"A^B ")
    ),
    "a delimiter (FFFE,E0DD) where an element begins at byte {}": (b"", mark(SEQUENCE_END) + b"x"),
    "encapsulated pixels without an end at byte {}": (
        long((0x7FE0, 0x10), "OB", b"", UNDEFINED) + mark(ITEM), short(NAME, "PN", b"A^B ")
    ),
}  # fmt: skip


@pytest.mark.parametrize("found", LYING)
def test_a_length_that_lies_is_found_at_its_byte(found: str) -> None:
    before, wrong = LYING[found]
    with pytest.raises(ImageError) as error:
        read_structure(file(before + wrong))
    assert str(error.value) == f"expected a whole DICOM file, found {found.format(f'{start_of(before):,}')}"


def test_a_sequence_without_an_end() -> None:
    content = file(nested(2))
    with pytest.raises(
        ImageError, match=rf"^expected a whole DICOM file, found a sequence without an end at byte {len(content)}$"
    ):
        read_structure(content)


@pytest.mark.parametrize("depth", [MAX_DEPTH, 5_000, 100_000])
def test_sequences_without_end_are_no_recursion(depth: int) -> None:
    with pytest.raises(ImageError, match=rf"^expected a DICOM file with sequences at most {MAX_DEPTH} deep, found dee"):
        read_structure(file(nested(depth)))


def test_a_great_many_elements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_structure, "MAX_ELEMENTS", 100)
    assert read_structure(file(short(NAME, "PN", b"") * 99)).pixels is None
    with pytest.raises(ImageError, match=r"^expected a DICOM file of at most 100 elements, found more$"):
        read_structure(file(short(NAME, "PN", b"") * 101))


def deflated(content: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(content) + deflate.flush()


def test_a_deflated_file_is_inflated() -> None:
    found = read_structure(file(deflated(short(NAME, "PN", b"A^B ")), DEFLATED))
    assert found.data[found.start :] == short(NAME, "PN", b"A^B ")


def test_a_deflated_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_structure, "MAX_BYTES", 10_000)
    assert read_structure(file(deflated(bytes(10_000)), DEFLATED)).pixels is None
    with pytest.raises(
        ImageError, match=r"^expected a DICOM file that inflates to at most 10,000 bytes, found one that"
    ):
        read_structure(file(deflated(bytes(10_001)), DEFLATED))


@pytest.mark.parametrize(("cut", "found"), [(-3, "cut off"), (1, "damaged: ")])
def test_deflated_data_that_are_damaged(cut: int, found: str) -> None:
    content = deflated(bytes(range(256)) * 20)
    with pytest.raises(ImageError, match=rf"^expected a whole DICOM file, found one whose deflated data are {found}"):
        read_structure(file(content[:cut] if cut < 0 else b"\xff" + content, DEFLATED))


def test_every_place_where_a_file_is_cut_is_found() -> None:
    content = dicom(np.arange(64, dtype=np.uint16).reshape(8, 8))
    end = content.rindex(b"\xe0\x7f\x10\0OW")
    for length in range(160, len(content)):
        if length > end:
            with pytest.raises(ImageError, match=r"^expected a whole DICOM file, found "):
                read_structure(content[:length])
        else:
            try:
                assert read_structure(content[:length]).pixels is None
            except ImageError as error:
                assert str(error).startswith("expected a whole DICOM file, found an element")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.dcm")), ids=lambda path: path.stem)
def test_the_samples_of_pydicom(path) -> None:
    content = path.read_bytes()
    if path.stem == "no_meta":
        assert not is_dicom(content)
    elif path.stem in ("MR_truncated", "rtplan_truncated"):
        with pytest.raises(ImageError, match=r" where \d+,?\d* are left, at byte "):
            read_structure(content)
    else:
        assert is_dicom(content)
        read_structure(content)


def test_implicit_elements_under_an_explicit_transfer_syntax() -> None:
    found = read_structure(sample("SC_rgb_jpeg.dcm"))
    assert found.implicit
    assert found.pixels is not None
    assert found.pixels.encapsulated
