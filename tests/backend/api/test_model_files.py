"""The files of a model's bundle, with which a page classifies without the server."""

from __future__ import annotations

import hashlib

import pytest
from flask.testing import FlaskClient

from ml.inference.registry import Registry
from tests.backend.api.conftest import API, assert_problem

MODEL_ID = "0x" + Registry().identities()["modality-gate"]


def test_the_listing_has_the_models_id_and_every_file_the_hash_of_the_listing(client: FlaskClient) -> None:
    listing = client.get(f"{API}/models/{MODEL_ID}/files/SHA256SUMS")

    assert "0x" + hashlib.sha256(listing.data).hexdigest() == MODEL_ID
    for digest, name in (line.split() for line in listing.text.splitlines()):
        response = client.get(f"{API}/models/{MODEL_ID.upper().replace('0X', '0x')}/files/{name}")
        assert (response.status_code, response.mimetype) == (200, "application/octet-stream")
        assert hashlib.sha256(response.data).hexdigest() == digest
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("name", ["other.bin", "..%2fbrain-mri%2fmodel.tflite", "%2e%2e"])
def test_what_the_bundle_does_not_list_is_not_there(client: FlaskClient, name: str) -> None:
    assert client.get(f"{API}/models/{MODEL_ID}/files/{name}").status_code == 404


def test_a_retired_or_unknown_model_has_no_files(client: FlaskClient) -> None:
    for sha256 in (next(iter(Registry().retired.identities())), "99" * 32):
        response = client.get(f"{API}/models/0x{sha256}/files/model.tflite")
        assert_problem(response, 404, "not-found", response.json["detail"])
        assert response.json["detail"].startswith(f"no model named '{sha256}'")
    assert client.get(f"{API}/models/brain-mri/files/model.tflite").status_code == 400
