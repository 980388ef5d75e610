"""Exports of a record as downloads."""

from __future__ import annotations

import io

import pydicom
from flask.testing import FlaskClient

from backend.container import Container
from tests.backend.api.conftest import API, assert_problem


def test_a_record_is_downloaded_as_a_report(client: FlaskClient, image_id: str) -> None:
    answer = client.get(f"{API}/records/{image_id}/exports/sr", query_string={"diagnosis": 1})

    assert (answer.status_code, answer.content_type) == (200, "application/dicom")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="scanproof-{image_id[2:10]}-sr.dcm"'
    assert answer.headers["Cache-Control"] == "no-store"
    found = pydicom.dcmread(io.BytesIO(answer.data))
    assert (found.Modality, found.VerificationFlag) == ("SR", "UNVERIFIED")
    assert client.get(f"{API}/records/{image_id}/exports/sr").data == answer.data


def test_what_cannot_be_exported_is_a_problem(client: FlaskClient, container: Container, image_id: str) -> None:
    base = f"{API}/records/{image_id}/exports"
    assert client.get(f"{base}/doc").json["type"] == "urn:scanproof:problem:not-found"
    assert client.get(f"{base}/sr?diagnosis=0").status_code == 400
    assert_problem(client.get(f"{base}/sr?diagnosis=2"), 404, "not-found", "expected a diagnosis from 1 to 1, found 2")
    nothing = "nothing is outlined on this record: the classifier gave no answer"
    assert_problem(client.get(f"{base}/seg"), 409, "conflict", nothing)
    assert client.get(f"{API}/records/none/exports/sr").status_code == 400
    missing = client.get(f"{API}/records/0x{'ab' * 32}/exports/sr")
    assert missing.status_code == 404

    (container.settings.var / "ipfs" / "pins" / container.records.find(image_id).image.cid).unlink()
    refused = client.get(f"{base}/sr")
    assert (refused.status_code, refused.json["type"]) == (409, "urn:scanproof:problem:record-not-verified")
