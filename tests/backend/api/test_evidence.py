"""The evidence file of a record through the API."""

from __future__ import annotations

from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.proofs.evidence_chain import EvidenceChain
from backend.container import Container
from backend.services.evidence_file import unpack
from tests.backend.api.conftest import API, assert_problem, signed_of


def test_the_evidence_file_of_a_record_and_the_status_of_its_diagnosis(
    client: FlaskClient, container: Container, alice: DevelopmentWallet, cid: str, classification: dict
) -> None:
    body = {"manifestHash": classification["manifestHash"], "uploader": alice.address}
    attestation = client.post(f"{API}/images/{cid}/attestations", json=body).json
    alice.register_with_diagnosis(cid, signed_of(attestation))
    image_id = attestation["imageId"]

    response = client.get(f"{API}/records/{image_id}/evidence")

    assert (response.status_code, response.content_type) == (200, "application/zip")
    assert response.headers["Content-Disposition"] == f'attachment; filename="scanproof-{image_id[2:10]}.zip"'
    assert response.headers["Cache-Control"] == "no-store"
    evidence = unpack(response.data)
    assert (evidence.image_id, evidence.contract) == (image_id, container.chain.contract)
    assert all(check.passed for check in EvidenceChain(evidence).proofs)

    verification = client.get(f"{API}/records/{image_id}/verification").json
    assert (verification["verdict"], verification["noise"], verification["noiseCount"]) == ("valid", [], 0)
    newest = EvidenceChain(evidence).proven_blocks[-1]
    assert verification["completeness"]["block"]["number"] >= newest.number
    (state,) = verification["diagnoses"]
    (diagnosis,) = container.records.find(image_id).diagnoses
    assert state == {"diagnosisId": diagnosis.diagnosis_id, "status": "abstained"}


def test_a_record_that_is_not_there_has_no_evidence_file(client: FlaskClient, container: Container) -> None:
    image_id = "0x" + "ab" * 32
    answer = client.get(f"{API}/records/{image_id}/evidence")
    assert_problem(answer, 404, "not-found", f"no image {image_id} is registered in {container.chain.contract}")
    assert client.get(f"{API}/records/none/evidence").status_code == 400
