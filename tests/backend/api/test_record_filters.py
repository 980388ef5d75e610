"""Filters of the search, the review queue, and exports of what a search finds."""

from __future__ import annotations

import csv
import io
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from eth_account.signers.local import LocalAccount
from flask.testing import FlaskClient

from backend.adapters.chain import eip712
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import CLINICIAN
from backend.api.app import create_app
from backend.container import Container
from backend.domain import SEALED_LABEL, Diagnosis, ModelDescription, ModelLabel, Review, Verdict
from backend.services import records as record_service
from backend.services.models import ModelService
from backend.settings import Settings
from tests.backend.api.conftest import API, assert_problem
from tests.backend.described import assert_described

_numbers = itertools.count()


@dataclass(frozen=True)
class Ledger:
    """Records images with diagnoses of chosen labels, and reviews them. The index is synced after each: a search waits
    only for a moment, and all tests of a run share the chain."""

    container: Container
    uploader: DevelopmentWallet
    clinician: DevelopmentWallet
    picture: Callable[..., bytes]

    def record(self, label: int, *, confidence: int = 9700, key: LocalAccount | None = None) -> str:
        """The image id of a new image whose diagnosis the default model would have given, signed with ``key`` or by the
        server's classifier."""
        cid = self.container.inspector.accept(self.picture())[1].cid
        chain = self.container.chain
        model_id = "0x" + self.container.models.all()[0].facts.sha256
        manifest_hash = f"0x{next(_numbers):064x}"
        image_id = chain.image_id(self.uploader.address, cid)
        diagnosis = Diagnosis(image_id, model_id, label, confidence, manifest_hash, int(time.time()))
        signed = self.container.signer.sign(diagnosis, chain_id=chain.chain_id, contract=chain.contract)
        if key:
            message = eip712.message(diagnosis, chain_id=chain.chain_id, contract=chain.contract)
            signature = "0x" + bytes(key.sign_message(message).signature).hex()
            signed = replace(signed, signature=signature, classifier=key.address)
        self.uploader.register_with_diagnosis(cid, signed)
        self.container.index.sync()
        return image_id

    def review(self, image_id: str, verdict: Verdict, label: int) -> str:
        """The hash of the transaction."""
        diagnosis = self.container.records.find(image_id).diagnoses[0]
        review = Review(diagnosis.diagnosis_id, f"0x{next(_numbers) + 1:064x}", verdict, label)
        sent = self.clinician.review(diagnosis, review)
        self.container.index.sync()
        return sent.hash


@pytest.fixture
def ledger(container: Container, settings: Settings, alice: DevelopmentWallet, picture) -> Ledger:
    clinician = DevelopmentWallet(settings.rpc_url, settings.contract_address, CLINICIAN)
    return Ledger(container, alice, clinician, picture)


def search(client: FlaskClient, **query) -> list[str]:
    response = client.get(f"{API}/records", query_string={"limit": 100, **query})
    assert response.status_code == 200, response.json
    return [record["imageId"] for record in response.json["records"]]


def default_model(client: FlaskClient) -> dict:
    return client.get(f"{API}/models").json["models"][0]


def test_an_overridden_record_shows_both_labels_and_is_found_by_both(client: FlaskClient, ledger: Ledger) -> None:
    given, holds = default_model(client)["classes"][:2]
    image_id = ledger.record(given["code"])
    transaction = ledger.review(image_id, Verdict.OVERRIDDEN, holds["code"])
    shown = client.get(f"{API}/records/{image_id}").json["diagnoses"][0]
    review = shown["reviews"][0]
    assert (shown["label"], shown["status"]) == (given["label"], "overridden")
    assert shown["current"] == {"label": holds["label"], "labelText": holds["text"], "labelCode": holds["code"]}
    assert (review["verdict"], review["label"], review["reviewer"]) == ("overridden", holds["label"], CLINICIAN.address)
    assert review["supersedes"] == shown["diagnosisId"]
    assert (review["transaction"]["hash"], review["statement"]) == (transaction, None)
    for name in (given["label"], holds["label"].upper(), f" {holds['label']} "):
        assert image_id in search(client, label=name)
        assert image_id in search(client, q=name)
    assert image_id not in search(client, label=default_model(client)["classes"][2]["label"])
    assert search(client, q=transaction) == [image_id]
    assert image_id in search(client, status="overridden")
    assert image_id not in search(client, status="asserted")


def test_a_withdrawn_record_has_no_label_that_holds(client: FlaskClient, ledger: Ledger) -> None:
    image_id = ledger.record(1)
    ledger.review(image_id, Verdict.WITHDRAWN, 0)
    shown = client.get(f"{API}/records/{image_id}").json["diagnoses"][0]
    assert (shown["status"], shown["current"], shown["reviews"][0]["label"]) == ("withdrawn", None, None)
    assert image_id not in search(client, label="abstained", status="withdrawn")


def test_a_sealed_record_tells_neither_label_nor_confidence(client: FlaskClient, ledger: Ledger) -> None:
    image_id = ledger.record(SEALED_LABEL, confidence=0)
    shown = client.get(f"{API}/records/{image_id}").json["diagnoses"][0]
    assert (shown["sealed"], shown["label"], shown["labelCode"], shown["confidence"]) == (True, "Sealed", 65535, None)
    assert (shown["current"]["label"], shown["current"]["labelCode"]) == ("Sealed", 65535)
    assert image_id in search(client, label="sealed")


def test_records_are_found_by_model_name_id_and_hash(client: FlaskClient, ledger: Ledger) -> None:
    image_id = ledger.record(1)
    model = default_model(client)
    for name in (model["name"], model["name"].upper(), model["sha256"], "0x" + model["sha256"].upper()):
        assert search(client, model=name)[0] == image_id
    assert search(client, q=model["name"])[0] == search(client, q="0x" + model["sha256"])[0] == image_id
    assert search(client, model="no such model") == []


def test_records_are_found_by_time(client: FlaskClient, ledger: Ledger) -> None:
    image_id = ledger.record(1)
    block = client.get(f"{API}/records/{image_id}").json["block"]["timestamp"]
    day, moment = time.strftime("%Y-%m-%d", time.gmtime(block)), time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(block))
    for query in ({"from": block}, {"to": block}, {"from": day, "to": day}, {"from": moment + "Z", "to": moment}):
        assert image_id in search(client, **query)
    for query in ({"from": block + 1}, {"to": block - 1}, {"from": "2999-01-01"}, {"to": "2001-12-31T00:00:00+01:00"}):
        assert image_id not in search(client, **query)


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", "2026-02-30", "-1", "1e9", "2026-11-21T25:00"])
@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("path", ["records", "records.csv", "records.json"])
def test_what_is_no_time_is_refused(client: FlaskClient, path: str, name: str, moment: str) -> None:
    response = client.get(f"{API}/{path}", query_string={name: moment})
    detail = f"{name} must be Unix seconds, or a date or time in ISO 8601, not {moment!r}"
    assert_problem(response, 400, "invalid-input", detail)


@pytest.mark.parametrize("path", ["records", "records.csv", "reviews/queue"])
def test_an_unknown_status_is_refused(client: FlaskClient, path: str) -> None:
    assert client.get(f"{API}/{path}", query_string={"status": "perhaps"}).status_code == 400


def test_the_queue_is_oldest_first_and_paged(client: FlaskClient, ledger: Ledger) -> None:
    expected = [ledger.record(1) for _ in range(3)]
    reviewed = ledger.record(1)
    ledger.review(reviewed, Verdict.CONFIRMED, 1)
    ledger.container.index.sync()
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{API}/reviews/queue", query_string=query).json
        seen += page["diagnoses"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [diagnosis["imageId"] for diagnosis in seen][-3:] == expected
    assert {diagnosis["status"] for diagnosis in seen} == {"asserted"}
    last = seen[-1]
    record = client.get(f"{API}/records/{last['imageId']}").json
    assert {**record["diagnoses"][0], **{name: record[name] for name in QUEUE_ADDS}} == last
    confirmed = client.get(f"{API}/reviews/queue", query_string={"status": "confirmed", "limit": 100}).json
    assert [d["reviews"][0]["verdict"] for d in confirmed["diagnoses"] if d["imageId"] == reviewed] == ["confirmed"]


QUEUE_ADDS = ("imageId", "cid", "uploader", "imageAvailable")


@pytest.mark.parametrize("cursor", ["1", "1.2.3", "a.b", "-1.0", "1." + "9" * 20])
def test_a_cursor_that_no_page_gave_is_refused(client: FlaskClient, cursor: str) -> None:
    response = client.get(f"{API}/reviews/queue", query_string={"cursor": cursor})
    assert_problem(response, 400, "invalid-input", f"cursor must be the `next` of an earlier page, not {cursor!r}")


def test_an_export_holds_all_that_the_search_finds(
    client: FlaskClient, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it reads at once."""
    monkeypatch.setattr(record_service, "EXPORT_RECORDS", 2)
    ids = [ledger.record(1) for _ in range(4)]
    ledger.review(ids[0], Verdict.OVERRIDDEN, 2)
    plain = ledger.uploader.register_image(ledger.container.inspector.accept(ledger.picture())[1].cid)
    ledger.container.index.sync()
    found = client.get(f"{API}/records", query_string={"q": ledger.uploader.address, "limit": 100}).json["records"]
    query = {"q": ledger.uploader.address}

    as_json = client.get(f"{API}/records.json", query_string=query)
    assert_described(client.application, as_json)
    assert json.loads(as_json.data)["records"][: len(found)] == found
    assert json.loads(as_json.data)["index"]["synced"]
    assert (as_json.content_type, as_json.headers["Content-Disposition"]) == (
        "application/json",
        'attachment; filename="scanproof-records.json"',
    )

    as_csv = client.get(f"{API}/records.csv", query_string=query)
    rows = list(csv.DictReader(io.StringIO(as_csv.data.decode(), newline="")))
    assert len(rows) == sum(max(1, len(record["diagnoses"])) for record in json.loads(as_json.data)["records"])
    assert (as_csv.content_type, as_csv.headers["Content-Disposition"]) == (
        "text/csv; charset=utf-8; header=present",
        'attachment; filename="scanproof-records.csv"',
    )
    (row,) = (row for row in rows if row["imageId"] == ids[0])
    record = client.get(f"{API}/records/{ids[0]}").json
    diagnosis = record["diagnoses"][0]
    assert (row["status"], row["label"], row["currentLabel"]) == (
        "overridden",
        diagnosis["label"],
        diagnosis["current"]["label"],
    )
    assert (row["reviewer"], row["reviews"], row["confidence"]) == (CLINICIAN.address, "1", "0.97")
    assert row["registeredAt"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record["block"]["timestamp"]))
    (row,) = (row for row in rows if row["registrationTransaction"] == plain.hash)
    assert (row["diagnosisId"], row["status"], row["reviewer"]) == ("", "", "")


def test_an_export_of_nothing_is_a_file_too(client: FlaskClient) -> None:
    query = {"q": "nothing at all"}
    assert json.loads(client.get(f"{API}/records.json", query_string=query).data)["records"] == []
    lines = client.get(f"{API}/records.csv", query_string=query).data.decode().split("\r\n")
    assert (len(lines), lines[0].split(",")[0]) == (2, "imageId")


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(ledger: Ledger, label: str, built_page) -> None:
    class Installed:
        """A model whose label would be run by a spreadsheet."""

        def describe(self, sha256: str) -> ModelDescription:
            found = ledger.container.models.all()[0]
            facts = replace(found.facts, name="=cmd()")
            return replace(found, facts=facts, classes=(ModelLabel(label, 1, "x"),))

    image_id = ledger.record(1)
    container = replace(ledger.container, models=ModelService(Installed()))
    client = create_app(container, page=built_page).test_client()
    content = client.get(f"{API}/records.csv", query_string={"q": image_id}).data.decode()
    (row,) = csv.DictReader(io.StringIO(content, newline=""))
    assert (row["label"], row["currentLabel"], row["model"]) == (f"'{label}", f"'{label}", "'=cmd()")
