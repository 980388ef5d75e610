"""A DICOMDIR names its files; one that lies is refused by the exact words."""

from __future__ import annotations

import struct

import pytest

from backend.adapters.dicom.directory import is_directory, referenced_files
from backend.adapters.dicom.elements import DIRECTORY_RECORDS, Element, read, write
from backend.errors import UnsupportedImage
from tests.dicoms import sample

ROOT, NEXT, LOWER, FILE = 0x00041200, 0x00041400, 0x00041420, 0x00041500


def directory(*records: tuple[int, int, str], root: int = 1) -> bytes:
    """Each with the numbers, from 1, of the next record and of the first one below, 0 for none, and the file. A number
    past the last is a byte at which no record starts."""
    syntax = Element(0x00020010, "UI", b"1.2.840.10008.1.2.1")

    def made(starts: list[int]) -> bytes:
        def offset(tag: int, number: int) -> Element:
            at = starts[number - 1] if 0 < number <= len(starts) else number
            return Element(tag, "UL", struct.pack("<I", at))

        items = [
            {NEXT: offset(NEXT, after), LOWER: offset(LOWER, lower), FILE: Element(FILE, "CS", path.encode())}
            for after, lower, path in records
        ]
        return write([syntax], [offset(ROOT, root), Element(DIRECTORY_RECORDS, "SQ", items=items)])

    return made(read(made([0] * len(records))).data_set[DIRECTORY_RECORDS].starts)


def test_the_files_of_all_levels_are_found_once() -> None:
    content = directory((0, 2, ""), (3, 4, ""), (0, 0, "B\\2"), (5, 0, "A\\1"), (0, 0, "A\\1 "), (0, 0, "NOT\\USED"))
    assert sorted(referenced_files(content)) == ["A/1", "B/2"]
    assert referenced_files(directory(root=0)) == []


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-reordered", "DICOMDIR-implicit", "DICOMDIR-bigEnd"])
def test_samples_of_pydicom(name: str) -> None:
    found = referenced_files(sample(name))
    assert len(found) == 31
    assert found[0] == "77654033/CR1/6154"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (directory((1, 0, "A")), "without circles, found a record that leads back to itself"),
        (directory((2, 0, "A"), (0, 1, "B")), "without circles"),
        (directory((7, 0, "A")), "expected a directory record at byte 7, found none"),
        (directory((0, 0, "A"), root=9), "expected a directory record at byte 9, found none"),
        *(
            (directory((0, 0, path)), "expected paths within the folder in a DICOM directory, found another one")
            for path in ("..\\A", "A\\..\\..\\B", "\\A", "A\\\\B", "/etc/passwd", "C:\\A", "A\\" * 8 + "B", "A" * 65)
        ),
        (sample("CT_small.dcm"), "expected a DICOM directory, found a file without directory records"),
        (sample("DICOMDIR-nooffset"), "cut off or damaged"),
        (directory((0, 0, "A"))[:-6], "cut off or damaged"),
    ],
)
def test_a_directory_that_lies_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(UnsupportedImage, match=message):
        referenced_files(content)


def test_a_directory_has_one_name() -> None:
    assert [is_directory(name) for name in ("DICOMDIR", "disc/dicomdir", "DICOMDIR/a", "a.dcm")] == [
        True,
        True,
        False,
        False,
    ]
