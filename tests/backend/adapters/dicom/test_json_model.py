"""De-identified files in the DICOM JSON Model."""

from __future__ import annotations

import io
import json

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from backend.adapters.dicom import json_model
from backend.adapters.dicom.cleaner import SenderCleaner
from backend.adapters.images.decoder_pool import DecoderPool
from backend.dicom_tags import TRANSFER_SYNTAX
from backend.errors import UnsupportedImage
from tests.backend.received import series
from tests.dicoms import deidentified, dicom

PALETTE = {
    "PhotometricInterpretation": "PALETTE COLOR",
    **{f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 8] for colour in ("Red", "Green", "Blue")},
    **{f"{colour}PaletteColorLookupTableData": bytes(range(256)) for colour in ("Red", "Green", "Blue")},
}


def test_attributes_are_those_of_the_file_without_pixels_and_bulk_data() -> None:
    content = deidentified(dicom(np.zeros((8, 8), np.uint8), Modality="CT", WindowCenter=40, **PALETTE))
    found = json_model.describe(content)
    assert found["00080060"] == {"vr": "CS", "Value": ["CT"]}
    assert found["00281050"] == {"vr": "DS", "Value": [40.0]}
    assert found[TRANSFER_SYNTAX]["Value"] == [ExplicitVRLittleEndian]
    bulk = {"7FE00010", "00281201", "00281202", "00281203"}
    whole = {f"{element.tag:08X}" for element in pydicom.dcmread(io.BytesIO(content))}
    assert bulk < whole
    assert found.keys() - {TRANSFER_SYNTAX} == whole - bulk
    assert list(found) == sorted(found)


def test_sequences_are_left_out_where_they_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    content = deidentified(series(1)[0])
    assert "00120064" in json_model.describe(content)
    monkeypatch.setattr(json_model, "MAX_JSON_BYTES", 100)
    found = json_model.describe(content)
    assert {each["vr"] for each in found.values()} == {"UI"}
    assert "00080018" in found


def test_tables_are_left_out_where_they_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    made = dicom(np.zeros((8, 8), np.uint8), WindowCenter=[float(number) for number in range(1, 9)])
    content = deidentified(made)
    whole = json_model.describe(content)
    rest = {tag: len(json.dumps(each)) for tag, each in whole.items() if each["vr"] != "SQ"}
    longest = max((tag for tag in rest if whole[tag]["vr"] != "UI"), key=lambda tag: rest[tag])
    monkeypatch.setattr(json_model, "MAX_JSON_BYTES", sum(rest.values()) - 1)
    assert json_model.describe(content).keys() == rest.keys() - {longest}


def test_what_pydicom_cannot_read_is_refused() -> None:
    with pytest.raises(UnsupportedImage, match="found one whose attributes cannot be read"):
        json_model.describe(b"no DICOM file")


def test_a_process_that_answers_nonsense_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = DecoderPool()
    for answer in ({}, {"attributes": []}, {"attributes": {"00080018": "1.2"}}):
        monkeypatch.setattr(DecoderPool, "_run", lambda *_, answer=answer: (answer, b""))
        with pytest.raises(UnsupportedImage, match="misleads its decoder"):
            pool.describe(b"")


def test_a_file_that_two_readers_read_otherwise_is_refused(
    cleaner: SenderCleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = cleaner.clean(series(2)[1]).first
    monkeypatch.setattr(SenderCleaner, "describe", lambda *_: other)
    with pytest.raises(UnsupportedImage, match="one that misleads its reader"):
        cleaner.clean(series(1)[0])
