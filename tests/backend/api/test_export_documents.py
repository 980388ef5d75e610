"""Documents of a record through the API, which has the classifier's key."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pypdf
from flask.testing import FlaskClient

from backend.adapters.chain.signer import KeyFileSigner
from backend.api.app import create_app
from backend.container import Container
from backend.wiring import wire
from tests.backend.api.conftest import API, assert_problem
from tests.backend.tokens import verified


def test_every_document_is_of_the_one_record(
    client: FlaskClient, container: Container, image_id: str, cid: str, classification: dict, tmp_path, built_page
):
    made = {kind: client.get(f"{API}/records/{image_id}/exports/{kind}") for kind in ("fhir", "pdf", "prov", "vc")}

    (diagnosis,) = container.records.find(image_id).diagnoses
    text = {
        "fhir": json.dumps(made["fhir"].json),
        "pdf": pypdf.PdfReader(io.BytesIO(made["pdf"].data)).pages[0].extract_text(),
        "prov": json.dumps(made["prov"].json),
        "vc": json.dumps(verified(made["vc"].text).payload),
    }
    model = classification["model"]["sha256"]
    for kind, found in text.items():
        for value in (cid, diagnosis.transaction_hash, container.chain.contract, model, "not a diagnosis"):
            assert value in found, (kind, value)
        assert f"/records/{image_id}" in found or kind != "pdf"
    assert verified(made["vc"].text).address == container.signer.address
    assert made["vc"].content_type == "application/vc+jwt"
    assert made["pdf"].headers["Content-Disposition"] == f'attachment; filename="scanproof-{image_id[2:10]}-pdf.pdf"'

    other = wire(replace(container.settings, classifier_key_file=tmp_path / "other.key"))
    answer = create_app(other, page=built_page).test_client().get(f"{API}/records/{image_id}/exports/vc")
    other.close()
    there = KeyFileSigner(tmp_path / "other.key", chain_id=1337).address
    assert_problem(
        answer,
        409,
        "not-issuer",
        f"only the key of the classifier {container.signer.address} can sign a credential of its result, and the key "
        f"here is that of {there}. Use the evidence file in its place: scanproof evidence {image_id} --output FILE",
    )
