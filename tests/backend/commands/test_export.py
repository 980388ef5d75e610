"""`scanproof export` of a record on an embedded chain that is not running any more."""

from __future__ import annotations

import re

import pydicom
import pytest

from tests.backend.commands.conftest import Shared, shared


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Shared:
    return shared(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def record(own) -> dict:
    result = own("demo", "--json")
    assert result.status == 0, result.stderr
    return result.json


def test_a_secondary_capture_is_written_once(own, record, tmp_path):
    file = tmp_path / "picture.dcm"

    result = own("export", record["imageId"], "--as", "sc", "--output", file, "--json")

    assert result.status == 0, result.stderr
    written = file.read_bytes()
    values = result.json
    assert re.fullmatch("0x[0-9a-f]{64}", values.pop("diagnosisId"))
    assert values == {
        "file": str(file),
        "bytes": len(written),
        "kind": "sc",
        "mediaType": "application/dicom",
        "imageId": record["imageId"],
        "status": "asserted",
    }
    found = pydicom.dcmread(file)
    assert (found.Modality, found.PatientName, found.Columns) == ("OT", "", 512)
    again = own("export", record["imageId"], "--as", "sc", "--output", file)
    assert (again.status, file.read_bytes()) == (2, written)
