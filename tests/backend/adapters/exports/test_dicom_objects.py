"""What the DICOM exports share: UIDs, patient, times; and that the same record gives the same bytes."""

from __future__ import annotations

import re

import pytest

from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.replacement import KEY_BYTES
from backend.adapters.exports.writers import SIGNING_WRITERS, WRITERS, write
from backend.domain import DiagnosisStatus, Verdict
from backend.exports import KINDS, Originals
from tests.backend.adapters.exports.conftest import Read
from tests.backend.adapters.exports.facts import PATIENT, SERIES, STUDY, clean, facts, original, picture, png, review

DICOM_KINDS = ("sr", "seg", "sc")
NEW_UIDS = deidentify(original(), bytes(KEY_BYTES)).uids
ORIGINALS = Originals({new: old for old, new in NEW_UIDS.items()}, PATIENT | {"IssuerOfPatientID": "Ward 3"})


def test_every_kind_has_a_writer() -> None:
    assert WRITERS.keys() | SIGNING_WRITERS.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_the_same_record_gives_the_same_bytes(kind: str) -> None:
    assert write(kind, facts(), None) == write(kind, facts(), None)
    assert write(kind, facts(picture(png())), None) == write(kind, facts(picture(png())), None)


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_it_is_of_the_pseudonymous_study_and_patient(read: Read, kind: str) -> None:
    found = read(kind, facts())

    reference = picture(clean()).dicom
    assert reference is not None
    assert (found.StudyInstanceUID, found.PatientID) == (reference.study, reference.patient_id)
    assert str(found.PatientName).startswith("ScanProof^") and found.PatientIdentityRemoved == "YES"
    assert (found.StudyDate, found.AccessionNumber, found.PatientBirthDate) == (reference.study_date, "", "")
    assert re.fullmatch(r"2\.25\.\d+", found.SeriesInstanceUID)
    assert found.SeriesInstanceUID != reference.series
    assert (found.ContentDate, found.ContentTime) == ("20260921", "141640")
    assert found.file_meta.ImplementationVersionName == "SCANPROOF"
    text = found.to_json()
    assert not any(value in text for value in ("Doe", "MRN-17", "ACC-9", STUDY + '"', SERIES))


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_originals_put_it_back_into_the_study_of_the_hospital(read: Read, kind: str) -> None:
    found = read(kind, facts(), ORIGINALS)

    assert found.StudyInstanceUID == STUDY
    assert {keyword: str(found.get(keyword)) for keyword in PATIENT} == PATIENT
    assert found.IssuerOfPatientID == "Ward 3"
    assert "PatientIdentityRemoved" not in found
    assert found.SOPInstanceUID != read(kind, facts()).SOPInstanceUID
    if kind != "sc":
        assert f"{SERIES}.1" in found.to_json()
        assert not any(new in found.to_json() for new in NEW_UIDS.values())


def test_what_a_hospital_has_against_the_standard_stays_as_it_is(read: Read) -> None:
    odd = {"PatientName": "Müller^Jörg", "PatientSex": "unknown", "StudyDate": "3.2.2026", "PatientID": "x" * 70}
    for kind in DICOM_KINDS:
        found = read(kind, facts(), Originals(ORIGINALS.uids, odd))
        assert {keyword: str(found.get(keyword)) for keyword in odd} == odd


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_another_review_is_another_object_of_the_same_series(read: Read, kind: str) -> None:
    first = read(kind, facts())
    second = read(kind, facts(status=DiagnosisStatus.CONFIRMED, reviews=(review(Verdict.CONFIRMED),)))

    assert (second.SeriesInstanceUID, second.StudyInstanceUID) == (first.SeriesInstanceUID, first.StudyInstanceUID)
    assert second.SOPInstanceUID != first.SOPInstanceUID
    assert second.ContentTime == "141820"


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_an_image_of_another_format_has_a_study_of_its_own(read: Read, kind: str) -> None:
    found = read(kind, facts(picture(png())))
    capture = read("sc", facts(picture(png())))

    assert (found.StudyInstanceUID, found.PatientID) == (capture.StudyInstanceUID, "")
    assert "PatientIdentityRemoved" not in found
    if kind != "sc":
        assert capture.SOPInstanceUID in found.to_json()
