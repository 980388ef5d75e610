"""Identifiers are gone from every place where they hide; the picture stays."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable
from datetime import date

import pydicom
import pytest

from backend.adapters.dicom.deidentification import check, deidentify, identifiers_left
from backend.errors import IdentifiersLeft, ImageTooLarge, UnsupportedImage
from tests.backend.adapters.dicom import vectors
from tests.backend.adapters.dicom.corpus import FILES, PLACES, Case, case_of, corpus, forms
from tests.backend.adapters.dicom.encoding import EXPLICIT, IMPLICIT, Encoding

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def cases() -> list[tuple[bytes, list[str], bytes]]:
    """Each file of the corpus, what was planted, and the file without it."""
    return [(content, planted, deidentify(content, KEY).content) for content, planted in corpus()]


def test_every_place_of_the_corpus_is_a_place_where_identifiers_are_found(
    cases: list[tuple[bytes, list[str], bytes]],
) -> None:
    assert len(cases) == FILES
    assert len(PLACES) == 11
    assert all(planted and identifiers_left(content) for content, planted, _ in cases)


def test_nothing_that_was_planted_survives(cases: list[tuple[bytes, list[str], bytes]]) -> None:
    survived = [
        (number, text)
        for number, (_, planted, clean) in enumerate(cases)
        for text in planted
        if any(form in clean for form in forms(text))
    ]
    assert survived == []


def test_what_was_planted_was_there(cases: list[tuple[bytes, list[str], bytes]]) -> None:
    """Otherwise the search would prove nothing. A deflated file hides its texts, so the others are looked at."""
    found = [any(form in content for form in forms(text)) for content, planted, _ in cases for text in planted]
    assert sum(found) > len(found) * 0.8


def test_a_file_that_was_deidentified_has_no_identifiers_left(cases: list[tuple[bytes, list[str], bytes]]) -> None:
    assert [identifiers_left(clean) for _, _, clean in cases] == [()] * FILES


def test_a_file_that_these_rules_made_stays_as_it_is_for_every_sender(
    cases: list[tuple[bytes, list[str], bytes]],
) -> None:
    for _, _, clean in cases[::9]:
        again = deidentify(clean, bytes(32))
        assert again.content == clean
        assert again.instance == pydicom.dcmread(io.BytesIO(clean)).SOPInstanceUID
        assert not again.report.names()
        assert not again.uids


@pytest.mark.parametrize("keyword", ["PatientIdentityRemoved", "StudyInstanceUID", "PatientID", "PatientName"])
def test_a_file_that_only_says_that_these_rules_made_it_is_deidentified(keyword: str) -> None:
    made = pydicom.dcmread(io.BytesIO(deidentify(one(), KEY).content))
    setattr(made, keyword, "1.2.3" if keyword.endswith("UID") else "DOE")
    file = io.BytesIO()
    made.save_as(file)
    again = deidentify(file.getvalue(), KEY)
    assert again.report.names()
    assert identifiers_left(again.content) == ()
    assert b"DOE" not in again.content


def test_a_deidentified_file_is_a_dicom_file(cases: list[tuple[bytes, list[str], bytes]]) -> None:
    for _, _, clean in cases:
        found = pydicom.dcmread(io.BytesIO(clean))
        assert found.PatientIdentityRemoved == "YES"
        assert found.LongitudinalTemporalInformationModified == "MODIFIED"
        assert [item.CodeValue for item in found.DeidentificationMethodCodeSequence] == [
            "113100",
            "113105",
            "113107",
            "113108",
        ]
        assert found.PatientID.startswith("SP-")
        assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
        assert found.SOPInstanceUID.startswith("2.25.")


def test_the_golden_vectors_of_the_page_are_of_these_rules() -> None:
    """If it fails: ``python -m tests.backend.adapters.dicom.vectors``, then see whether the page gives the same."""
    kept, made = json.loads(vectors.FILE.read_bytes()), vectors.vectors()
    assert [file["output"] for file in kept["files"]] == [file["output"] for file in made["files"]]
    assert [file["planted"] for file in kept["files"]] == [file["planted"] for file in made["files"]]


def one(change: Callable[[Case], None] = lambda case: None) -> bytes:
    """A file in Explicit VR Little Endian."""
    return case_of(1, (*PLACES[:2], change))[0]


def test_the_same_study_stays_together_for_one_sender_only() -> None:
    content = case_of(1, PLACES[:2])[0]
    first, again, other = (
        pydicom.dcmread(io.BytesIO(deidentify(content, key).content)) for key in (KEY, KEY, bytes(32))
    )
    assert first == again
    assert first.StudyInstanceUID != other.StudyInstanceUID
    assert first.PatientID != other.PatientID


def test_all_dates_of_a_patient_move_by_the_same_days() -> None:
    content, _ = case_of(1, PLACES[:2])
    old, new = pydicom.dcmread(io.BytesIO(content)), pydicom.dcmread(io.BytesIO(deidentify(content, KEY).content))

    def day(text: str) -> date:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))

    moved = {
        (day(old[name].value) - day(new[name].value)).days
        for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
    }
    assert len(moved) == 1
    assert 1 <= moved.pop() <= 3653


def test_what_is_harmless_stays() -> None:
    def describe(case: Case) -> None:
        case.put(0x00080060, "CS", "MR")
        case.put(0x00080070, "LO", "Philips Medical Systems")
        case.put(0x0008103E, "LO", "sT1W_3D axial post Gad, Mrs Doe")
        case.put(0x00100040, "CS", "F")
        case.put(0x00101010, "AS", "094Y")
        case.put(0x00180050, "DS", "1.5")
        case.put(0x00200037, "DS", "1\\0\\0\\0\\1\\0")
        case.put(0x00281050, "DS", "40\\400")

    found = pydicom.dcmread(io.BytesIO(deidentify(one(describe), KEY).content))

    assert found.Manufacturer == "Philips Medical Systems"
    assert found.SeriesDescription == "3D AXIAL POST GAD"
    assert (found.PatientSex, found.PatientAge, found.SliceThickness) == ("F", "090Y", 1.5)
    assert list(found.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert list(found.WindowCenter) == [40, 400]


def test_a_refusal_names_attributes_and_no_values() -> None:
    content, planted = case_of(1, PLACES)
    with pytest.raises(IdentifiersLeft) as refused:
        check(content)
    assert "(0010,0010) Patient's Name" in refused.value.names
    assert "private attributes" in refused.value.names
    assert str(refused.value).startswith("expected a DICOM file without identifiers, found (0002,0003) Media Storage")
    assert not any(text in str(refused.value) for text in planted)


@pytest.mark.parametrize("place", [0, 64, 127])
def test_a_byte_in_the_preamble_is_found(place: int) -> None:
    clean = bytearray(deidentify(one(), KEY).content)
    clean[place] = 65
    assert identifiers_left(bytes(clean)) == ("preamble",)


def test_whatever_is_added_to_a_clean_file_is_found() -> None:
    clean = deidentify(one(), KEY).content
    encoding = Encoding(EXPLICIT)
    private = encoding.element(0x7FE10010, "LO", "CREATOR")
    assert identifiers_left(clean + private) == ("private attributes",)
    assert identifiers_left(clean + bytes(4)) == ("structure of the file",)


DEFLATED_START = b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99"
DEFLATED_DATA = zlib.compress(b"\x08\0\x60\0CS\2\0MR", wbits=-15)
JPEG_START = b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.4.50"
PLAIN = bytes(128) + b"DICM\x08\0\x05\0CS\0\0"
PIXELS, ITEM, END = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff", b"\xfe\xff\0\xe0", b"\xfe\xff\xdd\xe0" + bytes(4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found a DICOM object without pixel data"),
        (bytes(128) + b"DICM", "found a DICOM object without pixel data"),
        (bytes(128) + b"DICM" + bytes(3), "found a DICOM object without pixel data"),
        (bytes(128) + b"DICM" + b"\x02\0\x10\0UI\xff\xff1.2", r"cut off or damaged at \(0002,0010\)"),
        (bytes(128) + b"DICM" + b"\x08\0\x08\0\xff\xff\x02\0AB", r"cut off or damaged at \(0008,0008\)"),
        (bytes(128) + b"DICM" + b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + bytes(8), "cut off or damaged"),
        (b"\x02\0\x10\0UI\x06\x001.2.3\0", "found the transfer syntax 1.2.3"),
        (b"\x02\0\x10\0UI\x06\0<1.2>\0", "found the transfer syntax of an invalid UID"),
        (b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99" + b"\xff" * 30, "found a deflated data set that is damaged"),
        (DEFLATED_START + DEFLATED_DATA[:-3], "found a deflated data set that is damaged"),
        (DEFLATED_START + DEFLATED_DATA + bytes(9), "found a deflated data set that is damaged"),
        (DEFLATED_START + DEFLATED_DATA + bytes(8), "found a DICOM object without pixel data"),
        (PLAIN + b"\x08\0\x60\0\x0c\1\0\0", r"cut off or damaged at \(0008,0060\)"),
        (PLAIN + b"\x08\0\x40\x11SQ\0\0", r"cut off or damaged at \(0008,1140\)"),
        (PLAIN + b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff", r"cut off or damaged at \(FFFE,E0DD\)"),
        (PLAIN + PIXELS + ITEM + b"\3\0\0\0abc\0", r"cut off or damaged at \(7FE0,0010\)"),
        (PLAIN + PIXELS + ITEM + b"\x08\0\0\0abcd", r"cut off or damaged at \(7FE0,0010\)"),
        (PLAIN + PIXELS + ITEM + bytes(4), r"cut off or damaged at \(7FE0,0010\)"),
        (PLAIN + PIXELS + ITEM + bytes(4) + END, "as the transfer syntax says, found encapsulated ones"),
        (JPEG_START + b"\xe0\x7f\x10\0OW\0\0\2\0\0\0ab", "as the transfer syntax says, found native ones"),
    ],
)
def test_what_is_no_whole_image_is_refused(content: bytes, message: str) -> None:
    for function in (lambda data: deidentify(data, KEY), identifiers_left):
        with pytest.raises(UnsupportedImage, match=message):
            function(content)


def test_sequences_without_end_are_refused() -> None:
    levels = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 100_000
    with pytest.raises(ImageTooLarge, match="expected a DICOM file with sequences of at most 16 levels, found more"):
        deidentify(bytes(128) + b"DICM" + levels, KEY)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN + b"\x09\0\x10\0LO\0\0" * 1000,
        PLAIN + PIXELS + (ITEM + bytes(4)) * 1000 + END,
        PLAIN + b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + (ITEM + bytes(4)) * 1000 + END,
    ],
    ids=["elements", "fragments", "items"],
)
def test_elements_without_end_are_refused(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("backend.adapters.dicom.elements.MAX_ELEMENTS", 1000)
    with pytest.raises(ImageTooLarge, match="expected a DICOM file of at most 1000 elements, found more"):
        deidentify(content, KEY)


def test_a_sequence_of_unknown_type_is_read_in_implicit_encoding() -> None:
    """PS3.5, section 6.2.2, note 2."""

    def regions(case: Case) -> None:
        implicit = Encoding(IMPLICIT)
        delta = implicit.element(0x0018602C, "FD", 0.25)
        items = implicit.item(delta, implicit.element(0x00104000, "LT", "DOE^JANE"), undefined=True)
        case.put(0x00186011, "UN", items + case.encoding.item_end(0xE0DD), undefined=True)

    clean = deidentify(one(regions), KEY).content

    (region,) = pydicom.dcmread(io.BytesIO(clean)).SequenceOfUltrasoundRegions
    assert list(region.keys()) == [0x0018602C]
    assert region.PhysicalDeltaX == 0.25


@pytest.mark.parametrize(("vr", "value"), [("ST", "1.2.3"), ("SQ", [])])
def test_a_value_of_another_type_than_its_attribute_goes(vr: str, value: object) -> None:
    clean = deidentify(one(lambda case: case.put(0x00200052, vr, value)), KEY)
    assert "FrameOfReferenceUID" not in pydicom.dcmread(io.BytesIO(clean.content))
    assert clean.report.removed["(0020,0052) Frame of Reference UID"] == 1


def test_an_empty_instance_becomes_one_of_the_content() -> None:
    content = one(lambda case: case.put(0x00080018, "UI", ""))
    first, again = deidentify(content, KEY), deidentify(content, KEY)
    assert first.instance == again.instance
    assert pydicom.dcmread(io.BytesIO(first.content)).SOPInstanceUID == first.instance
    assert first.instance.startswith("2.25.")


@pytest.mark.parametrize("written", ["20240230", "18991231", "2024.01.05", "yesterday"])
def test_what_is_no_date_becomes_empty(written: str) -> None:
    found = pydicom.dcmread(io.BytesIO(deidentify(one(lambda case: case.put(0x00080020, "DA", written)), KEY).content))
    assert found.StudyDate == ""


def test_a_deflated_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.adapters.dicom.elements.MAX_INFLATED_BYTES", 1_000_000)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflate.compress(bytes(2_000_000)) + deflate.flush()
    with pytest.raises(ImageTooLarge, match="expected a DICOM file of at most 1000000 bytes when inflated"):
        deidentify(b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99" + bomb, KEY)


def test_an_object_without_class_and_instance_gets_both() -> None:
    encoding = Encoding(EXPLICIT)
    pixels = encoding.element(0x7FE00010, "OW", bytes(8))
    found = pydicom.dcmread(io.BytesIO(deidentify(bytes(128) + b"DICM" + pixels, KEY).content))
    assert found.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert found.SOPInstanceUID.startswith("2.25.")
