"""`scanproof export` of a DICOM file, from the hospital and back to it, on a chain that is not running any more."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import c2pa
import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image

from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.dicom.frames import split
from backend.adapters.dicom.identity_map import IdentityMap
from backend.adapters.dicom.map_locks import SenderKey
from backend.adapters.dicom.sender import load_key
from ml.datasets.phantom import phantom_png
from tests.backend.adapters.exports.facts import PATIENT, SERIES, STUDY
from tests.backend.adapters.exports.reports import measurements_of
from tests.backend.commands.conftest import Shared, shared
from tests.backend.tokens import verified
from tests.dicoms import dicom
from tests.needs import needs_orthanc
from tests.standins.orthanc import orthanc

PLACE = {
    "StudyInstanceUID": STUDY,
    "SeriesInstanceUID": SERIES,
    "FrameOfReferenceUID": f"{STUDY}.9",
    "PixelSpacing": [0.5, 0.5],
    "SliceThickness": 4,
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
}


def scanned(number: int, **values: object) -> bytes:
    """A slice with a tumour, as a scanner wrote it."""
    pixels = np.asarray(Image.open(io.BytesIO(phantom_png(seed=number))).convert("L"))
    place = {"SOPInstanceUID": f"{SERIES}.{number}", "ImagePositionPatient": [0, 0, 4 * number]}
    return dicom(pixels, **PATIENT | PLACE | place | values, InstanceNumber=number)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Shared:
    return shared(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Path:
    """A series of two slices."""
    folder = tmp_path_factory.mktemp("hospital")
    for number in (1, 2):
        (folder / f"{number}.dcm").write_bytes(scanned(number))
    return folder


@pytest.fixture(scope="module")
def map_file(own, hospital, tmp_path_factory) -> Path:
    """The map of that series, whose copies are in a folder beside it."""
    file = tmp_path_factory.mktemp("sender") / "study.map"
    result = own("deidentify", hospital, "--out", file.parent / "clean", "--map", file)
    assert result.status == 0, result.stderr
    return file


@pytest.fixture(scope="module")
def record(own, map_file) -> dict:
    result = own("demo", map_file.parent / "clean", "--json")
    assert result.status == 0, result.stderr
    return result.json


def test_an_export_is_written_once_and_says_what_it_is(own, record, tmp_path):
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
        "identified": False,
    }
    assert file.stat().st_mode & 0o077 == 0
    found = pydicom.dcmread(file)
    assert found.PatientIdentityRemoved == "YES"
    again = own("export", record["imageId"], "--as", "sc", "--output", file)
    assert (again.status, file.read_bytes()) == (2, written)
    assert [each.name for each in tmp_path.iterdir()] == ["picture.dcm"]


@needs_orthanc
def test_with_the_map_a_pacs_files_the_report_under_its_own_study(own, record, hospital, map_file, tmp_path):
    file = tmp_path / "report.dcm"
    result = own("export", record["imageId"], "--as", "sr", "--map", map_file, "--output", file, "--json")
    assert (result.status, result.json["identified"]) == (0, True), result.stderr

    with orthanc(tmp_path / "orthanc") as pacs:
        for each in sorted(hospital.iterdir()):
            assert pacs.store(each.read_bytes())["Status"] == "Success"
        assert pacs.store(file.read_bytes())["Status"] == "Success"
        (patient,) = pacs.json("patients?expand")
        (study,) = pacs.json("studies?expand")
        series = {pacs.json(f"series/{each}")["MainDicomTags"]["SeriesInstanceUID"] for each in study["Series"]}
    assert (patient["MainDicomTags"]["PatientID"], patient["MainDicomTags"]["PatientName"]) == ("MRN-17", "Doe^Jane")
    assert (study["MainDicomTags"]["StudyInstanceUID"], study["MainDicomTags"]["AccessionNumber"]) == (STUDY, "ACC-9")
    report = highdicom.sr.srread(file)
    assert series == {SERIES, report.SeriesInstanceUID}
    (group,) = measurements_of(report).get_image_measurement_groups()
    assert {each.referenced_sop_instance_uid for each in group.source_images} == {f"{SERIES}.1", f"{SERIES}.2"}


def test_the_course_of_its_patient_has_area_and_volume(own, record):
    result = own("course", record["imageId"], "--json")
    assert result.status == 0, result.stderr
    (entry,) = result.json["entries"]
    assert (entry["imageId"], entry["study"], entry["slices"], entry["by"]) == (record["imageId"], True, 2, "model")
    assert entry["squareMm"] == entry["pixels"] * 0.25
    assert entry["squareMm"] * 4 < entry["cubicMm"] <= 2 * entry["squareMm"] * 4
    shown = own("course", record["imageId"]).stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\d  largest slice [\d,.]+ mm², [\d,]+ mm³, 2 slices outlined  0x\w{64}\n", shown)


def test_a_map_needs_its_key(own, map_file, tmp_path):
    file = tmp_path / "report.dcm"
    export = ("export", "0x" + "ab" * 32, "--output", file)
    key = tmp_path / "other.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)

    other = own(*export, "--as", "sr", "--map", map_file, "--key", key, "--json")
    assert (other.status, other.json["error"]["type"]) == (1, "ConfigurationError")
    assert "was made with another key" in other.json["error"]["message"]
    without = own(*export, "--as", "sr", "--key", key)
    assert (without.status, "--key opens a map" in without.stderr) == (2, True)
    document = own(*export, "--as", "pdf", "--map", map_file)
    assert (document.status, "--map is for the exports sr, seg, sc, fhir" in document.stderr) == (2, True)
    kind = own(*export, "--as", "doc")
    assert (kind.status, "expected one of the kinds of export sr, seg, sc" in kind.stderr) == (2, True)
    missing = own(*export, "--as", "sr", "--map", map_file, SCANPROOF_VAR=str(tmp_path / "elsewhere"))
    assert (missing.status, "expected the key with which" in missing.stderr) == (2, True)
    assert not file.exists()


def test_identifiers_are_put_on_no_other_pixels(own, record, hospital, tmp_path):
    """The map knows one of the two slices."""
    own("deidentify", hospital / "1.dcm", "--out", tmp_path / "clean", "--map", tmp_path / "part.map")
    result = own("export", record["imageId"], "--as", "sr", "--map", tmp_path / "part.map", "--output", tmp_path / "a")
    assert (result.status, "none of the files of this study in the map" in result.stderr) == (1, True)
    assert not (tmp_path / "a").exists()


def test_a_map_that_a_passphrase_opens(own, record, hospital, tmp_path):
    words, map_ = tmp_path / "passphrase", tmp_path / "study.map"
    words.write_text("correct horse battery staple")
    words.chmod(0o600)
    result = own("deidentify", hospital, "--out", tmp_path / "clean", "--map", map_, "--passphrase", words)
    assert result.status == 0, result.stderr

    export = ("export", record["imageId"], "--as", "fhir", "--map", map_, "--output", tmp_path / "report.json")
    without = own(*export)
    assert (without.status, "is opened by a passphrase" in without.stderr) == (1, True)
    both = own(*export, "--passphrase", words, "--key", words)
    assert (both.status, "expected --key or --passphrase" in both.stderr) == (2, True)
    made = own(*export, "--passphrase", words)
    assert (made.status, "Doe" in (tmp_path / "report.json").read_text()) == (0, True), made.stderr

    unused = own("deidentify", hospital, "--out", tmp_path / "again", "--passphrase", words)
    assert (unused.status, "--passphrase opens a map" in unused.stderr) == (2, True)
    unused = own("export", record["imageId"], "--as", "sr", "--passphrase", words)
    assert (unused.status, "--passphrase opens a map" in unused.stderr) == (2, True)


def test_the_map_knows_the_frames_of_a_file(own, tmp_path):
    loop = np.stack([np.full((64, 64), value, np.uint16) for value in (500, 900)])
    (tmp_path / "loop.dcm").write_bytes(dicom(loop, **PATIENT | PLACE, SOPInstanceUID=f"{SERIES}.9"))
    key = tmp_path / "sender.key"
    given = ("--out", tmp_path / "clean", "--map", tmp_path / "map", "--key", key, "--json")
    (file,) = own("deidentify", tmp_path / "loop.dcm", *given).json["files"]

    clean = Path(file["written"]).read_bytes()
    opened = IdentityMap(tmp_path / "map", SenderKey(load_key(key)))
    found = opened.of(str(pydicom.dcmread(io.BytesIO(clean)).StudyInstanceUID))
    assert found is not None
    assert found.files == {hashlib.sha256(each).hexdigest() for each in (clean, *split(clean))}


def test_a_file_of_another_patient_in_the_same_study_is_refused_for_a_map(own, map_file, tmp_path):
    file = tmp_path / "other.dcm"
    file.write_bytes(scanned(3, PatientID="OTHER"))
    result = own("deidentify", file, "--out", tmp_path / "clean", "--map", map_file)
    assert (result.status, "found another one's" in result.stdout + result.stderr) == (1, True)
    assert list((tmp_path / "clean").glob("*")) == []


def test_a_map_is_not_written_among_the_copies_that_are_sent_away(own, hospital, tmp_path):
    out = tmp_path / "clean"
    out.mkdir()
    result = own("deidentify", hospital, "--out", out, "--map", out / "study.map")
    assert (result.status, "expected --map outside" in result.stderr) == (2, True)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "suffix", "media_type"),
    [
        ("fhir", "json", "application/fhir+json"),
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
