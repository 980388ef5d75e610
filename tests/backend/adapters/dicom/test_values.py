"""What is no plausible number, age or table does not stay in its place."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable

import pydicom
import pytest

from backend.adapters.dicom import values
from backend.adapters.dicom.deidentification import deidentify
from tests.backend.adapters.dicom.corpus import PLACES, Case, case_of

KEY = bytes(32)
SECRET = b"DOE^JANE"
DELTA, AGE, POINTER, FIRST, TABLE, SEGMENTED = (
    0x0018602C, 0x00101010, 0x00280009, 0x00281101, 0x00281201, 0x00281221,
)  # fmt: skip


def kept(change: Callable[[Case], None]) -> tuple[pydicom.Dataset, dict[str, dict[str, int]]]:
    """The de-identified form of a plain file after ``change``, and the report."""
    made = deidentify(case_of(1, (*PLACES[:2], change))[0], KEY)
    return pydicom.dcmread(io.BytesIO(made.content)), made.report.counts()


@pytest.mark.parametrize(
    ("number", "plausible"),
    [(0, True), (-0.25, True), (1e9, True), (1.1e9, False), (1e-10, False), (math.inf, False), (math.nan, False)],
)
def test_a_real_number_stays_if_it_may_be_a_measure(number: float, plausible: bool) -> None:
    def delta(case: Case) -> None:
        case.sequence(0x00186011, [case.of(DELTA, "FD", number)])

    found, report = kept(delta)

    assert (found.SequenceOfUltrasoundRegions[0].get("PhysicalDeltaX") == number) is plausible
    assert report["removed"].get("(0018,602C) Physical Delta X", 0) == (not plausible)


@pytest.mark.parametrize("value", [SECRET, b"\0" * 12, b"abc"])
def test_bytes_that_are_no_number_go(value: bytes) -> None:
    def delta(case: Case) -> None:
        case.sequence(0x00186011, [case.of(DELTA, "FD", value)])

    assert "PhysicalDeltaX" not in kept(delta)[0].SequenceOfUltrasoundRegions[0]


@pytest.mark.parametrize(
    ("written", "expected"), [("034Y", "034Y"), ("012M", "012M"), ("090Y", "090Y"), ("119Y", "090Y")]
)
def test_an_age_stays_up_to_ninety_years(written: str, expected: str) -> None:
    assert kept(lambda case: case.put(AGE, "AS", written))[0].PatientAge == expected


@pytest.mark.parametrize("written", ["JANE", "34", "034Q", "34Y"])
def test_what_is_no_age_goes(written: str) -> None:
    found, report = kept(lambda case: case.put(AGE, "AS", written))
    assert "PatientAge" not in found
    assert report["removed"]["(0010,1010) Patient's Age"] == 1


@pytest.mark.parametrize(
    ("value", "stays"),
    [
        (struct.pack("<2H", 0x0018, 0x1063), True),
        (struct.pack("<2H", 0x0010, 0x4000), False),
        (struct.pack("<2H", 0x0018, 0x1063) * 5, False),
        (struct.pack("<3H", 0x0018, 0x1063, 0x0018), False),
        (SECRET, False),
    ],
    ids=["kept", "removed", "many", "half", "text"],
)
def test_a_pointer_stays_if_what_it_names_does(value: bytes, stays: bool) -> None:
    found, _ = kept(lambda case: case.put(POINTER, "AT", value))
    assert ("FrameIncrementPointer" in found) is stays


@pytest.mark.parametrize(
    ("descriptor", "length", "expected"),
    [
        ((4, 0, 16), 20, 8),
        ((4, 0, 8), 20, 8),
        ((4, 0, 8), 7, 4),
        ((3, 0, 8), 4, 4),
        ((0, 0, 16), 200_000, 131_072),
        ((0, 0, 8), 65_536, 65_536),
    ],
)
def test_a_table_has_the_bytes_of_its_descriptor(descriptor: tuple[int, ...], length: int, expected: int) -> None:
    assert values.table_bytes(struct.pack("<3H", *descriptor), length) == expected


def test_what_is_behind_a_table_goes() -> None:
    def palette(case: Case) -> None:
        case.put(FIRST, "US", (4, 0, 16))
        case.put(TABLE, "OW", struct.pack("<4H", 1, 2, 3, 4) + SECRET)

    found, report = kept(palette)

    assert found.RedPaletteColorLookupTableData == struct.pack("<4H", 1, 2, 3, 4)
    assert report["cleaned"]["(0028,1201) Red Palette Color Lookup Table Data"] == 1


@pytest.mark.parametrize("tag", [TABLE, SEGMENTED])
@pytest.mark.parametrize("descriptor", [None, (4, 0)])
def test_a_table_that_nothing_describes_goes(tag: int, descriptor: tuple[int, ...] | None) -> None:
    def palette(case: Case) -> None:
        if descriptor:
            case.put(FIRST, "US", descriptor)
        case.put(tag, "OW", SECRET)

    found, report = kept(palette)

    assert tag not in found
    assert sum("Red Palette Color Lookup Table Data" in name for name in report["removed"]) == 1


# PS3.3, section C.7.9.2: 0 is discrete, 1 linear, 2 indirect.
DISCRETE, LINEAR = (0, 3, 10, 20, 30), (1, 5, 80)
SEGMENTS = {
    "discrete and linear": (8, (*DISCRETE, *LINEAR)),
    "ends within": (3, DISCRETE),
    "indirect": (16, (*DISCRETE, *LINEAR, 2, 2, 0, 0)),
    "indirect from the second on": (14, (*DISCRETE, *LINEAR, 2, 1, 10, 0, 0, 1, 99)),
}


@pytest.mark.parametrize("name", SEGMENTS)
def test_what_is_behind_the_segments_of_a_table_goes(name: str) -> None:
    entries, cells = SEGMENTS[name]
    segments = struct.pack(f"<{len(cells)}H", *cells)

    def palette(case: Case) -> None:
        case.put(FIRST, "US", (entries, 0, 16))
        case.put(SEGMENTED, "OW", segments + SECRET)

    found, report = kept(palette)

    assert found[SEGMENTED].value == segments
    assert report["cleaned"]["(0028,1221) Segmented Red Palette Color Lookup Table Data"] == 1


def test_segments_of_bytes_have_an_even_length() -> None:
    descriptor = struct.pack("<3H", 3, 0, 8)
    assert values.segments_bytes(descriptor, bytes(DISCRETE) + b"\0" + SECRET) == 6
    assert values.segments_bytes(struct.pack("<3H", 6, 0, 8), bytes((*DISCRETE, 2, 1, 0, 0, 0, 0)) + SECRET) == 12


def test_segments_end_at_one_that_is_unknown() -> None:
    cells = (*DISCRETE, 7, 3, 1)
    assert values.segments_bytes(struct.pack("<3H", 9, 0, 16), struct.pack("<8H", *cells) + SECRET) == 10


def test_segments_that_are_cut_off_end_with_their_bytes() -> None:
    assert values.segments_bytes(struct.pack("<3H", 9, 0, 16), struct.pack("<4H", 0, 9, 1, 2)) == 8
