"""Every event of the contract as the API lists it."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from eth_account import Account
from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN
from backend.adapters.chain.events import ROLES
from backend.api.app import create_app
from backend.container import Container
from backend.domain import SEALED_LABEL, Training, Verdict
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.api.conftest import API, assert_problem
from tests.backend.api.test_record_filters import Ledger
from tests.backend.models import CARD_CID, LABELS

NOTHING_SAID = {
    "sealed": False,
    "verdict": None,
    "label": None,
    "labelText": None,
    "labelCode": None,
    "confidence": None,
    "classifier": None,
    "compromisedSince": None,
}


@pytest.fixture
def ledger(container: Container, settings: Settings, alice: DevelopmentWallet, picture) -> Ledger:
    return Ledger(container, alice, DevelopmentWallet(settings.rpc_url, settings.contract_address, CLINICIAN), picture)


def newest(client: FlaskClient, count: int) -> list[dict]:
    response = client.get(f"{API}/ledger", query_string={"limit": count})
    assert response.status_code == 200, response.json
    return response.json["entries"]


def said(entry: dict) -> dict:
    return {name: entry[name] for name in NOTHING_SAID}


def test_an_image_its_diagnosis_and_a_late_review_are_listed_as_the_chain_has_them(
    client: FlaskClient, ledger: Ledger
) -> None:
    model = client.get(f"{API}/models").json["models"][0]
    given, holds = model["classes"][:2]
    image_id = ledger.record(given["code"])
    ledger.record(1)
    ledger.review(image_id, Verdict.OVERRIDDEN, holds["code"])
    ledger.container.index.sync()

    review, _, _, diagnosis, image = newest(client, 5)

    record = client.get(f"{API}/records/{image_id}").json
    (recorded,) = record["diagnoses"]
    for entry, source in ((image, record), (diagnosis, recorded), (review, recorded["reviews"][0])):
        assert (entry["imageId"], entry["transaction"], entry["block"]) == (
            image_id, source["transaction"], source["block"],
        )  # fmt: skip
    about = {"modelId": "0x" + model["sha256"], "model": {"name": model["name"], "version": model["version"]}}
    assert image | {"kind": "imageRegistered", "who": record["uploader"], "modelId": None, "model": None} == image
    assert said(image) == NOTHING_SAID
    assert diagnosis | about | {"kind": "diagnosisRecorded", "who": recorded["classifier"]} == diagnosis
    of_diagnosis = {"label": given["label"], "labelText": given["text"], "labelCode": given["code"], "confidence": 0.97}
    assert said(diagnosis) == NOTHING_SAID | of_diagnosis
    assert review | about | {"kind": "diagnosisReviewed", "who": CLINICIAN.address} == review
    of_review = {"label": holds["label"], "labelText": holds["text"], "labelCode": holds["code"]}
    assert said(review) == NOTHING_SAID | of_review | {"verdict": "overridden"}


def test_sealed_stays_sealed_and_withdrawn_has_no_label(client: FlaskClient, ledger: Ledger) -> None:
    image_id = ledger.record(SEALED_LABEL, confidence=0)
    ledger.review(image_id, Verdict.CONFIRMED, SEALED_LABEL)
    ledger.review(ledger.record(1), Verdict.WITHDRAWN, 0)
    ledger.container.index.sync()

    withdrawn, _, _, confirmed, diagnosis, _ = newest(client, 6)

    for entry, verdict in ((diagnosis, None), (confirmed, "confirmed")):
        assert (entry["imageId"], entry["sealed"], entry["verdict"]) == (image_id, True, verdict)
        assert (entry["label"], entry["labelCode"], entry["confidence"]) == ("Sealed", SEALED_LABEL, None)
    assert (withdrawn["verdict"], withdrawn["label"], withdrawn["labelCode"]) == ("withdrawn", None, 0)


def test_what_happens_to_models_is_listed_too(client: FlaskClient, ganache: Settings) -> None:
    model_id = "0x33" + "aa" * 31
    admin = DevelopmentWallet(ganache.rpc_url, ganache.contract_address, ADMIN)
    admin.anchor_training(Training("0x" + "1a" * 32, model_id, None, "0x" + "1b" * 32, 1))
    admin.register_model(model_id, LABELS, CARD_CID)
    admin.retire_model(model_id)

    entries = newest(client, 3)

    assert [entry["kind"] for entry in entries] == ["modelRetired", "modelRegistered", "trainingAnchored"]
    for entry in entries:
        expected = {"who": ADMIN.address, "imageId": None, "modelId": model_id, "model": None, **NOTHING_SAID}
        assert entry | expected == entry


def test_pages_are_whole_while_events_are_added(client: FlaskClient, ledger: Ledger) -> None:
    """One transaction writes two events, so that pages of three end between them."""
    before = [ledger.record(1) for _ in range(4)]
    everything = newest(client, 100)
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{API}/ledger", query_string=query).json
        seen += page["entries"]
        cursor = page["next"]
        ledger.record(1)
        ledger.container.index.sync()
    assert [entry["imageId"] for entry in seen[:8]] == [image_id for image_id in reversed(before) for _ in range(2)]
    assert seen == everything[: len(seen)]


def test_every_event_is_listed_once_and_the_last_page_has_no_next(client: FlaskClient) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{API}/ledger", query_string={"limit": 100, **({"cursor": cursor} if cursor else {})}).json
        assert len(page["entries"]) == 100 or page["next"] is None
        seen += page["entries"]
        cursor = page["next"]
    assert len(seen) == len({json.dumps(entry) for entry in seen}) > 0
    assert min(entry["block"]["number"] for entry in seen) == seen[-1]["block"]["number"]
    beyond = client.get(f"{API}/ledger", query_string={"cursor": "0.0"}).json
    assert (beyond["entries"], beyond["next"], beyond["index"]["synced"]) == ([], None, True)


@pytest.mark.parametrize("cursor", ["1", "a.b", "1." + "9" * 20])
def test_a_cursor_that_no_page_gave_is_refused(client: FlaskClient, cursor: str) -> None:
    response = client.get(f"{API}/ledger", query_string={"cursor": cursor})
    assert_problem(response, 400, "invalid-input", f"cursor must be the `next` of an earlier page, not {cursor!r}")


@pytest.mark.parametrize("limit", ["0", "101", "ten"])
def test_a_page_has_a_limit(client: FlaskClient, limit: str) -> None:
    assert client.get(f"{API}/ledger", query_string={"limit": limit}).status_code == 400


def test_without_a_node_what_is_known_is_still_listed(client: FlaskClient, settings: Settings, built_page) -> None:
    known = newest(client, 5)
    container = wire(replace(settings, rpc_url="http://127.0.0.1:1"))
    answer = create_app(container, page=built_page).test_client().get(f"{API}/ledger", query_string={"limit": 5}).json
    container.close()
    assert len(known) == 5
    assert (answer["entries"], answer["index"]["synced"]) == (known, False)


def test_a_report_of_a_compromised_key_is_listed_and_marks_the_diagnoses_since_then(
    client: FlaskClient, ledger: Ledger, ganache: Settings
) -> None:
    """Each by the time of its block or the time that it states. A key of its own: a report is for good."""
    key = Account.create()
    admin = DevelopmentWallet(ganache.rpc_url, ganache.contract_address, ADMIN)
    admin._send("grantRole", bytes.fromhex(ROLES["CLASSIFIER_ROLE"][2:]), key.address)
    ledger.record(1)
    early = ledger.record(1, key=key)
    since = client.get(f"{API}/records/{early}").json["diagnoses"][0]["block"]["timestamp"] + 1
    time.sleep(max(0, since - time.time()))
    late = ledger.record(1, key=key)
    admin._send("reportCompromise", key.address, since)
    ledger.container.index.sync()

    report, second, _, first, _, other, _ = newest(client, 7)

    assert said(report) == NOTHING_SAID | {"classifier": key.address, "compromisedSince": since}
    assert (report["kind"], report["who"], report["imageId"]) == ("classifierCompromised", ADMIN.address, None)
    assert [entry["imageId"] for entry in (second, first)] == [late, early]
    assert [entry["compromisedSince"] for entry in (second, first, other)] == [since, None, None]
    for image_id, expected in ((late, since), (early, None)):
        (diagnosis,) = client.get(f"{API}/records/{image_id}").json["diagnoses"]
        assert diagnosis["compromisedSince"] == expected
        (found,) = client.get(f"{API}/records", query_string={"q": image_id}).json["records"]
        assert found["diagnoses"][0]["compromisedSince"] == expected
    queued = client.get(f"{API}/reviews/queue", query_string={"limit": 100}).json["diagnoses"]
    assert {each["imageId"]: each["compromisedSince"] for each in queued}.items() >= {late: since, early: None}.items()
