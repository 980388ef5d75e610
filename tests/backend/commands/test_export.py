"""`scanproof export` of a record on an embedded chain that is not running any more."""

from __future__ import annotations

import io
import json
import re

import c2pa
import pydicom
import pypdf
import pytest

from backend.adapters.chain.signer import KeyFileSigner
from tests.backend.commands.conftest import Shared, shared
from tests.backend.tokens import verified


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


@pytest.mark.parametrize(
    ("kind", "suffix", "media_type"),
    [
        ("fhir", "json", "application/fhir+json"),
        ("pdf", "pdf", "application/pdf"),
        ("prov", "json", "application/json"),
        ("c2pa", "png", "image/png"),
        ("vc", "jwt", "application/vc+jwt"),
    ],
)
def test_a_document_names_the_transaction(own, record, tmp_path, monkeypatch, kind, suffix, media_type):
    monkeypatch.chdir(tmp_path)

    result = own("export", record["imageId"], "--as", kind, "--json")

    assert result.status == 0, result.stderr
    assert result.json["mediaType"] == media_type
    file = tmp_path / f"scanproof-{record['imageId'][2:10]}-{kind}.{suffix}"
    content = file.read_bytes()
    text = _DECODED.get(kind, bytes.decode)(content)
    for value in (record["transactions"][0]["hash"], record["cid"]):
        assert value in text
    assert "AI result, not a diagnosis" in text


_DECODED = {
    "pdf": lambda content: pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text(),
    "c2pa": lambda content: c2pa.Reader("image/png", io.BytesIO(content)).json(),
    "vc": lambda content: json.dumps(verified(content.decode()).payload),
}


def test_a_credential_needs_the_key_of_the_classifier(own, record, tmp_path):
    file, key = tmp_path / "credential.jwt", tmp_path / "classifier.key"
    arguments = ("export", record["imageId"], "--as", "vc", "--output", file)

    without = own(*arguments, SCANPROOF_CLASSIFIER_KEY_FILE=str(key))

    assert without.status == 2
    assert f"and it is not here. Use the evidence file in its place: scanproof evidence {record['imageId']}" in (
        without.stderr
    )
    assert not key.exists()
    other = KeyFileSigner(key, chain_id=1337)
    with_another = own(*arguments, SCANPROOF_CLASSIFIER_KEY_FILE=str(key))
    assert with_another.status == 2
    assert f"and the key here is that of {other.address}." in with_another.stderr
    assert not file.exists()
