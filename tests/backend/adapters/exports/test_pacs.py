"""The exports in the real Orthanc: with the originals it files them under the study that it has."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import highdicom
import pydicom
import pytest

from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.identity_map import IdentityMap, attributes_of
from backend.adapters.dicom.map_locks import SenderKey
from backend.adapters.dicom.replacement import KEY_BYTES
from backend.adapters.exports.writers import write
from backend.exports import RecordFacts
from tests.backend.adapters.exports.facts import AREA, SERIES, STUDY, clean, facts, original, picture, png, study
from tests.backend.adapters.exports.reports import measurements_of
from tests.needs import needs_dcmtk, needs_orthanc
from tests.standins.orthanc import AE_TITLE, Orthanc, orthanc

KEY = bytes(KEY_BYTES)
Store = Callable[[Orthanc, bytes, Path], None]
pytestmark = needs_orthanc


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A PACS with two slices of a hospital."""
    with orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        for number in (1, 2):
            assert running.store(original(number))["Status"] == "Success"
        yield running


@pytest.fixture(scope="module")
def map_(tmp_path_factory: pytest.TempPathFactory) -> IdentityMap:
    """The map of the same slices."""
    file = tmp_path_factory.mktemp("sender") / "map"
    made = IdentityMap(file, SenderKey(KEY))
    for number in (1, 2):
        clean = deidentify(original(number), KEY)
        made.add(clean.uids, attributes_of(original(number)), [hashlib.sha256(clean.content).hexdigest()])
    made.save()
    return IdentityMap(file, SenderKey(KEY))


def by_rest(pacs: Orthanc, content: bytes, _folder: Path) -> None:
    assert pacs.store(content)["Status"] == "Success"


def by_dicomweb(pacs: Orthanc, content: bytes, _folder: Path) -> None:
    """STOW-RS (PS3.18, section 10.5)."""
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--b--\r\n"
    headers = {
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=b',
        "Accept": "application/dicom+json",
    }
    request = urllib.request.Request(pacs.url("dicom-web/studies"), body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert "00081199" in json.loads(answer.read())


def by_dimse(pacs: Orthanc, content: bytes, folder: Path) -> None:
    """C-STORE (PS3.4, annex B)."""
    file = folder / "export.dcm"
    file.write_bytes(content)
    command = ["storescu", "-R", "-aec", AE_TITLE, "127.0.0.1", str(pacs.dicom), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def of_study() -> RecordFacts:
    return facts(*(picture(clean(number), order=number - 1) for number in (1, 2)), study=study(2))


@pytest.mark.parametrize(
    ("kind", "store"),
    [("sr", by_dicomweb), pytest.param("seg", by_dimse, marks=needs_dcmtk), ("sc", by_rest)],
)
def test_it_is_filed_under_the_study_of_the_hospital(
    pacs: Orthanc, map_: IdentityMap, tmp_path: Path, kind: str, store: Store
) -> None:
    record = of_study()
    store(pacs, write(kind, record, map_.of_record(record)).content, tmp_path)

    (patient,) = pacs.json("patients?expand")
    assert (patient["MainDicomTags"]["PatientID"], patient["MainDicomTags"]["PatientName"]) == ("MRN-17", "Doe^Jane")
    (filed,) = pacs.json("studies?expand")
    tags = filed["MainDicomTags"]
    assert (tags["StudyInstanceUID"], tags["AccessionNumber"], tags["StudyDate"]) == (STUDY, "ACC-9", "20260203")
    series = {each["MainDicomTags"]["Modality"]: each for each in map(pacs.json, _series(filed))}
    assert series["MR"]["MainDicomTags"]["SeriesInstanceUID"] == SERIES
    (instance,) = series[{"sr": "SR", "seg": "SEG", "sc": "OT"}[kind]]["Instances"]
    _READ_BACK[kind](pacs.get(f"instances/{instance}/file"))


def _series(filed: dict) -> list[str]:
    return [f"series/{each}" for each in filed["Series"]]


def _report(content: bytes) -> None:
    report = highdicom.sr.srread(io.BytesIO(content))
    (group,) = measurements_of(report).get_image_measurement_groups()
    assert group.finding_type.meaning == "Glioma"
    assert {each.referenced_sop_instance_uid for each in group.source_images} == {f"{SERIES}.1", f"{SERIES}.2"}


def _segmentation(content: bytes) -> None:
    segmentation = highdicom.seg.segread(io.BytesIO(content))
    assert {each[2] for each in segmentation.get_source_image_uids()} == {f"{SERIES}.1", f"{SERIES}.2"}
    assert segmentation.FrameOfReferenceUID == f"{STUDY}.9"
    assert segmentation.pixel_array.sum() == 2 * AREA


def _capture(content: bytes) -> None:
    assert pydicom.dcmread(io.BytesIO(content)).pixel_array.any()


_READ_BACK = {"sr": _report, "seg": _segmentation, "sc": _capture}


def test_without_originals_it_is_another_study_of_another_patient(tmp_path: Path) -> None:
    with orthanc(tmp_path / "orthanc") as pacs:
        pacs.store(original())
        for record in (of_study(), facts(picture(png()))):
            assert pacs.store(write("sr", record, None).content)["Status"] == "Success"
        studies = pacs.json("studies?expand")
    assert len({each["MainDicomTags"]["StudyInstanceUID"] for each in studies}) == 3
    assert len({each["ParentPatient"] for each in studies}) == 3
