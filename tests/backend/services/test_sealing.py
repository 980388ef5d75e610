"""A sealed classification is its caller's alone: its answer is the only copy, and its hash tells nothing."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc8785
from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.api.app import create_app
from backend.api.limits import limiter
from backend.cids import raw_cid
from backend.container import Container
from backend.domain import SEALED_LABEL, Classification, DiagnosisRecordedEvent
from backend.errors import NotFound
from backend.settings import Settings
from backend.wiring import wire
from ml.datasets.phantom import phantom_png
from tests.backend.api.conftest import API, assert_problem, signed_of

_seeds = itertools.count(70_000)


@pytest.fixture
def cid(container: Container) -> str:
    """An image on which the model has an answer."""
    return container.intake.accept(phantom_png(seed=next(_seeds)), client="127.0.0.1").facts.cid


def seal(client: FlaskClient, cid: str) -> dict:
    response = client.post(f"{API}/images/{cid}/classifications", json={"sealed": True})
    assert response.status_code == 201
    return response.json


def test_the_answer_carries_the_opening_whose_hash_is_the_commitment(client: FlaskClient, cid: str) -> None:
    answer = seal(client, cid)
    opening = answer["opening"].encode()
    manifest = json.loads(opening)
    assert opening == rfc8785.dumps(manifest)
    assert answer["manifestHash"] == "0x" + hashlib.sha256(opening).hexdigest()
    assert len(bytes.fromhex(manifest["salt"])) == 32
    assert (manifest["label"], manifest["probabilities"]) == (answer["label"], answer["probabilities"])
    assert (answer["sealed"], answer["links"]) == (True, {})


def test_each_run_has_another_salt_and_another_hash(client: FlaskClient, cid: str) -> None:
    first, second = seal(client, cid), seal(client, cid)
    assert first["manifestHash"] != second["manifestHash"]
    assert first["manifest"]["salt"] != second["manifest"]["salt"]


def test_nothing_of_the_result_is_kept(
    client: FlaskClient, settings: Settings, cid: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = seal(client, cid)
    assert not answer["abstained"]
    confidence = str(answer["confidence"])
    secrets = [answer["label"], answer["manifest"]["salt"], confidence, *map(str, answer["probabilities"].values())]
    kept = {str(path): path.read_bytes() for path in settings.var.rglob("*") if path.is_file()}
    kept["log"] = caplog.text.encode()
    assert any(answer["manifestHash"][2:].encode() in content for content in kept.values())
    for name, content in kept.items():
        assert [secret for secret in secrets if secret.encode() in content] == [], name


def test_what_the_gate_recognised_is_stored_with_a_public_run_only(
    client: FlaskClient, container: Container, cid: str
) -> None:
    gate = container.classifier.gate()
    assert gate is not None
    stored = container.classification._classifications.recognition
    seal(client, cid)
    assert stored(cid, container.classifier.decoding, gate.sha256) is None
    client.post(f"{API}/images/{cid}/classifications", json={})
    assert stored(cid, container.classifier.decoding, gate.sha256).modality == "brain-mri"


def test_a_public_run_is_found_by_that_very_search(
    client: FlaskClient, settings: Settings, container: Container, cid: str
) -> None:
    made, _ = container.classification.classify(cid, None)
    kept = b"".join(path.read_bytes() for path in settings.var.rglob("*") if path.is_file())
    assert made.label.encode() in kept
    assert str(made.confidence).encode() in kept


def test_the_manifest_is_neither_served_nor_in_the_store(client: FlaskClient, container: Container, cid: str) -> None:
    answer = seal(client, cid)
    digest = answer["manifestHash"].removeprefix("0x")
    refused = client.get(f"{API}/manifests/{answer['manifestHash']}")
    assert_problem(refused, 404, "not-found", f"no manifest with the SHA-256 {digest} is stored here")
    with pytest.raises(NotFound):
        container.store.get(raw_cid(digest), max_bytes=100_000)


def test_a_sealed_run_leaves_the_public_one_alone(client: FlaskClient, cid: str) -> None:
    public = client.post(f"{API}/images/{cid}/classifications").json
    sealed = seal(client, cid)
    again = client.post(f"{API}/images/{cid}/classifications", json={"sealed": False})
    assert (again.status_code, again.json) == (200, public)
    assert (public["sealed"], public["opening"]) == (False, None)
    assert sealed["manifestHash"] != public["manifestHash"]
    assert sealed["probabilities"] == public["probabilities"]


def test_label_and_confidence_do_not_go_on_the_chain(
    client: FlaskClient, container: Container, alice: DevelopmentWallet, cid: str
) -> None:
    answer = seal(client, cid)
    body = {"manifestHash": answer["manifestHash"], "uploader": alice.address}
    attestation = client.post(f"{API}/images/{cid}/attestations", json=body).json
    assert (attestation["diagnosis"]["label"], attestation["diagnosis"]["confidence"]) == (SEALED_LABEL, 0)
    again = client.post(f"{API}/images/{cid}/attestations", json=body)
    assert (again.status_code, again.json) == (200, attestation)
    alice.register_with_diagnosis(cid, signed_of(attestation))
    (recorded,) = [
        event
        for event in container.chain.events_of_image(attestation["imageId"])
        if isinstance(event, DiagnosisRecordedEvent)
    ]
    assert (recorded.label, recorded.confidence) == (SEALED_LABEL, 0)
    assert recorded.manifest_hash == answer["manifestHash"]
    assert recorded.model_id == "0x" + answer["model"]["sha256"]


def test_who_runs_the_model_on_the_public_image_guesses_an_unsalted_hash_and_not_a_salted_one(
    container: Container, cid: str
) -> None:
    public, _ = container.classification.classify(cid, None)
    sealed = container.classification.seal(cid, None)
    assert public.manifest_hash in set(guesses(public))
    assert sealed.manifest_hash not in set(guesses(public))


def guesses(run: Classification) -> Iterator[str]:
    """The hashes of all manifests with any label of the model, any of its probabilities, in the minute before now."""
    manifest, now = json.loads(run.manifest), datetime.now(UTC)
    labels, probabilities = list(run.probabilities), set(run.probabilities.values())
    for label, confidence, second in itertools.product(labels, probabilities, range(60)):
        time = (now - timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
        code = run.label_code + labels.index(label) - labels.index(run.label)
        guess = {**manifest, "label": label, "labelCode": code, "confidence": confidence, "time": time}
        yield hashlib.sha256(rfc8785.dumps(guess)).hexdigest()


def test_sealed_runs_are_limited_as_uploads_are(settings: Settings, built_page: Path, cid: str) -> None:
    container = wire(replace(settings, uploads_per_minute=2))
    client = create_app(container, page=built_page).test_client()
    limiter.reset()
    seal(client, cid)
    seal(client, cid)
    refused = client.post(f"{API}/images/{cid}/classifications", json={"sealed": True})
    detail = "no more than 2 per 1 minute sealed classifications from one address"
    assert_problem(refused, 429, "limit-exceeded", detail)
    assert client.post(f"{API}/images/{cid}/classifications").status_code == 201
    container.close()
