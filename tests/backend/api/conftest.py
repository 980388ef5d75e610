"""Shorthands for requests to the API."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.domain import Diagnosis, SignedDiagnosis

API = "/api/v1"


def upload(client: FlaskClient, content: bytes, **options) -> TestResponse:
    return client.post(f"{API}/images", data={"file": (io.BytesIO(content), "scan.png")}, **options)


def assert_problem(response: TestResponse, status: int, kind: str, detail: str) -> None:
    """The one shape of every error."""
    assert response.json == {
        "type": f"urn:scanproof:problem:{kind}",
        "title": response.json["title"],
        "status": status,
        "detail": detail,
        "instance": response.request.path,
    }
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json["title"]


def signed_of(answer: dict) -> SignedDiagnosis:
    """The signed diagnosis in the answer of the attestation route."""
    d = answer["diagnosis"]
    diagnosis = Diagnosis(d["imageId"], d["modelId"], d["label"], d["confidence"], d["manifestHash"], d["issuedAt"])
    return SignedDiagnosis(diagnosis, answer["signature"], answer["classifier"], answer["chainId"], answer["contract"])


@pytest.fixture
def cid(client: FlaskClient, picture: Callable[..., bytes]) -> str:
    """The CID of an uploaded image."""
    return upload(client, picture()).json["cid"]


@pytest.fixture
def classification(client: FlaskClient, cid: str) -> dict:
    return client.post(f"{API}/images/{cid}/classifications").json


@pytest.fixture
def image_id(client: FlaskClient, alice: DevelopmentWallet, cid: str, classification: dict) -> str:
    """The record of ``cid`` with its classification, on the chain."""
    body = {"manifestHash": classification["manifestHash"], "uploader": alice.address}
    attestation = client.post(f"{API}/images/{cid}/attestations", json=body).json
    alice.register_with_diagnosis(cid, signed_of(attestation))
    return attestation["imageId"]
