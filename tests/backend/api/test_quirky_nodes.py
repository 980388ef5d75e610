"""The API in front of nodes that hide, limit or garble what they know."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.chain.signer import KeyFileSigner
from backend.api.app import create_app
from backend.cids import hash_of
from backend.domain import Diagnosis, DiagnosisRecordedEvent, Review, Verdict
from backend.errors import WrongChain
from backend.processes import free_port
from backend.settings import Secret, Settings, load
from backend.wiring import wire
from tests.backend.api.conftest import API
from tests.backend.models import register_models
from tests.standins.nodes import Garbled, QuirkyNode, Rule, error, quirky_node

MODEL_ID = "0x" + "ab" * 32
BLOCKS = 1500
MANIFEST = b"a manifest"
_INDEXED = "indexed.db"
"""The index of the whole chain: reading it takes seconds."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, str]]:
    """The settings of a chain, and its node's own address, past the filter."""
    folder = tmp_path_factory.mktemp("deep")
    environ = {"SCANPROOF_VAR": str(folder), "SCANPROOF_CHAIN": "anvil", "SCANPROOF_CHAIN_PORT": str(free_port())}
    settings = load(environ, env_file=None)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as chain:
        found = chain.deployment
        register_models(settings.rpc_url, found.address, MODEL_ID)
        deployed = replace(settings, contract_address=found.address, contract_block=found.block)
        yield deployed, chain.node.private_url


@pytest.fixture(scope="module")
def deep(started: tuple[Settings, str]) -> Settings:
    """A chain with one reviewed record, and BLOCKS blocks after it."""
    return started[0]


@pytest.fixture(scope="module")
def mine(started: tuple[Settings, str]) -> Callable[[int], None]:
    def mine(count: int) -> None:
        call = {"jsonrpc": "2.0", "id": 1, "method": "anvil_mine", "params": [hex(count)]}
        assert "error" not in requests.post(started[1], json=call, timeout=20).json()

    return mine


@pytest.fixture(scope="module")
def image_id(deep: Settings, mine: Callable[[int], None]) -> str:
    wallet = DevelopmentWallet(deep.rpc_url, deep.contract_address, USER)
    with served(deep, deep.var / "first.db") as (client, _):
        chain, store = (getattr(client.application.extensions["scanproof"], name) for name in ("chain", "store"))
        cid = store.put(b"an image", name="image", media_type="image/png").cid
        store.put(MANIFEST, name="manifest", media_type="application/json")
        image_id = chain.image_id(USER.address, cid)
        diagnosis = Diagnosis(image_id, MODEL_ID, 1, 9000, hash_of(MANIFEST), int(time.time()))
        signer = KeyFileSigner(deep.classifier_key_file, chain_id=deep.chain_id)
        signed = signer.sign(diagnosis, chain_id=deep.chain_id, contract=chain.contract)
        wallet.register_with_diagnosis(cid, signed)
        recorded = next(e for e in chain.events_of_image(image_id) if isinstance(e, DiagnosisRecordedEvent))
        review = Review(recorded.diagnosis_id, "0x" + "0a" * 32, Verdict.WITHDRAWN, 0)
        DevelopmentWallet(deep.rpc_url, deep.contract_address, CLINICIAN).review(recorded, review)
        mine(BLOCKS)
        assert chain.head().number > BLOCKS
    with served(deep, deep.var / _INDEXED):
        return image_id


@contextmanager
def served(settings: Settings, database: Path, rule: Rule | None = None) -> Iterator[tuple[FlaskClient, QuirkyNode]]:
    """The API with a database of its own, whose index was read before ``rule`` holds, and the node that it asks."""
    if not database.exists() and (indexed := settings.var / _INDEXED).exists():
        shutil.copyfile(indexed, database)
    with quirky_node(settings.rpc_url) as node:
        container = wire(replace(settings, rpc_url=Secret(node.url), database_url=Secret(f"sqlite:///{database}")))
        try:
            container.index.sync()
            node.rule = rule or Rule()
            yield create_app(container).test_client(), node
        finally:
            container.close()


class TenBlocks(Rule):
    def call(self, method, params, relay):
        blocks = params[0] if method == "eth_getLogs" and "fromBlock" in params[0] else None
        if blocks and int(blocks["toBlock"], 16) - int(blocks["fromBlock"], 16) >= 10:
            return error(-32600, "block range is too large, max is 10 blocks")
        return relay()


def test_a_record_of_a_deep_chain_is_verified_in_few_requests_on_ten_blocks_at_once(deep, image_id, tmp_path) -> None:
    with served(deep, tmp_path / "index.db", TenBlocks()) as (client, node):
        node.counts.clear()
        answer = client.get(f"{API}/records/{image_id}/verification")
        assert answer.status_code == 200
        assert node.counts["eth_getLogs"] <= 20
        assert [diagnosis["status"] for diagnosis in answer.json["diagnoses"]] == ["withdrawn"]
        passed = {check["name"] for check in answer.json["checks"] if check["passed"]}
        assert passed >= {
            "record exists",
            "block",
            "classifier role",
            "model in use",
            "diagnosis block",
            "review block",
        }


def test_evidence_of_a_deep_chain_is_made_in_few_requests_on_ten_blocks_at_once(deep, image_id, tmp_path) -> None:
    with served(deep, tmp_path / "index.db", TenBlocks()) as (client, node):
        node.counts.clear()
        answer = client.get(f"{API}/records/{image_id}/evidence")
        assert answer.status_code == 200, answer.text
        assert node.counts["eth_getLogs"] <= 20


def test_verification_without_an_answer_in_time_is_503(deep, image_id, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("backend.api.app.NODE_WITHIN_S", 1.0)

    class Slow(Rule):
        def call(self, method, params, relay):
            time.sleep(0.3)
            return relay()

    with served(deep, tmp_path / "index.db") as (client, node):
        node.rule = Slow()
        answer = client.get(f"{API}/records/{image_id}/verification")
        assert (answer.status_code, answer.json["type"]) == (503, "urn:scanproof:problem:chain-unavailable")


class TooOften(Rule):
    def call(self, method, params, relay):
        return error(-32005, "exceeded your throughput")


def test_what_is_indexed_is_shown_at_once_while_the_node_limits_its_rate(deep, image_id, tmp_path) -> None:
    with served(deep, tmp_path / "index.db") as (client, node):
        container = client.application.extensions["scanproof"]
        node.rule = TooOften()
        container.index._tried_at = float("-inf")
        node.counts.clear()
        for path, key in ((f"records?q={image_id}", "records"), ("ledger", "entries"), (f"records/{image_id}", "")):
            answer = client.get(f"{API}/{path}")
            assert answer.status_code == 200
            if key:
                assert answer.json[key]
                assert answer.json["index"]["synced"] is False
            # With all pauses that a limited node is given elsewhere there would be four requests for one answer.
            assert node.counts.total() <= 3, path
            node.counts.clear()
            # Whoever asks just after an attempt that failed waits for no other.
            container.index._tried_at = time.monotonic()
            client.get(f"{API}/records")
            assert node.counts.total() == 0


def test_a_node_that_begins_to_serve_another_chain_is_not_believed(deep, image_id, tmp_path) -> None:
    class Other(Rule):
        def call(self, method, params, relay):
            return {"result": "0x1"} if method == "eth_chainId" else relay()

    with served(deep, tmp_path / "index.db") as (client, node):
        container = client.application.extensions["scanproof"]
        assert client.get(f"{API}/records").json["index"]["synced"]
        container.attestation.check_clock()
        node.rule = Other()

        expected = f"expected chain {deep.chain_id}, but the node serves chain 1"
        for check in (container.index.sync, container.attestation.check_clock):
            with pytest.raises(WrongChain, match=f"^{expected}$"):
                check()
        assert client.get(f"{API}/ready").json["checks"]["chain"] == expected
        answer = client.get(f"{API}/records/{image_id}/verification")
        assert (answer.status_code, answer.json["detail"]) == (503, expected)
        assert client.get(f"{API}/records").json["records"]
        node.rule = Rule()
        container.index.sync()
        assert client.get(f"{API}/records").json["index"]["synced"]


@pytest.fixture
def holed(deep, image_id, tmp_path) -> Path:
    """A database whose index has lost the record, and says that it is complete."""
    database = tmp_path / "holed.db"
    with served(deep, database) as (client, _):
        assert client.get(f"{API}/records/{image_id}").status_code == 200
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM registrations")
        connection.execute("DELETE FROM diagnoses")
        connection.commit()
    return database


def test_an_image_that_the_index_lacks_is_read_from_the_chain(deep, image_id, holed) -> None:
    with served(deep, holed) as (client, _):
        found = client.get(f"{API}/records/{image_id}")
        assert found.status_code == 200
        assert [diagnosis["status"] for diagnosis in found.json["diagnoses"]] == ["withdrawn"]
        listed = client.get(f"{API}/records", query_string={"q": image_id.upper().replace("0X", "0x")}).json
        assert [record["imageId"] for record in listed["records"]] == [image_id]
        assert client.get(f"{API}/records", query_string={"q": "0x" + "12" * 32}).json["records"] == []
        assert client.get(f"{API}/records/0x{'12' * 32}").status_code == 404


class NoLogs(Rule):
    def call(self, method, params, relay):
        if method in ("eth_getBlockReceipts", "eth_getTransactionReceipt"):
            return {"result": None}
        return {"result": []} if method == "eth_getLogs" else relay()


def test_an_image_that_nobody_shows_although_the_contract_has_it_is_503_not_404(deep, image_id, holed) -> None:
    with served(deep, holed, NoLogs()) as (client, _):
        for path in (f"{API}/records/{image_id}", f"{API}/records?q={image_id}"):
            answer = client.get(path)
            assert (answer.status_code, answer.json["type"]) == (503, "urn:scanproof:problem:logs-incomplete")
            assert "the node does not show every event of block" in answer.json["detail"]
            assert answer.headers["Retry-After"]


def test_a_verification_before_a_node_without_logs_is_503(deep, image_id, holed, monkeypatch) -> None:
    monkeypatch.setattr("backend.services.completeness._PAUSE_S", 0)
    with served(deep, holed, NoLogs()) as (client, _):
        for path in ("verification", "evidence"):
            answer = client.get(f"{API}/records/{image_id}/{path}")
            assert (answer.status_code, answer.json["type"]) == (503, "urn:scanproof:problem:logs-incomplete")


def test_a_model_whose_registration_is_hidden_is_not_said_to_be_unknown(deep, image_id, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("backend.services.lineage.REFRESHED_WITHIN_S", 30.0)
    database = tmp_path / "index.db"
    with served(deep, database) as (client, _):
        assert client.get(f"{API}/models/{MODEL_ID}/lineage").json["status"] == "inUse"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM model_registrations")
        connection.commit()
    with served(deep, database, NoLogs()) as (client, _):
        answer = client.get(f"{API}/models/{MODEL_ID}/lineage")
        assert (answer.status_code, answer.json["type"]) == (503, "urn:scanproof:problem:logs-incomplete")


class LogsTooOften(Rule):
    def call(self, method, params, relay):
        return error(-32005, "rate limit, retry in 7 s") if method == "eth_getLogs" else relay()


@pytest.fixture
def no_pauses(monkeypatch) -> None:
    """Neither pauses nor limits of time: what is counted is what was asked."""
    monkeypatch.setattr("backend.adapters.chain.rpc.time.sleep", lambda _: None)
    for name in ("event_index.REFRESHED_WITHIN_S", "event_index.LOOKED_UP_WITHIN_S", "records._READ_WITHIN_S"):
        monkeypatch.setattr(f"backend.services.{name}", 30.0)


@pytest.mark.usefixtures("no_pauses")
def test_a_record_under_a_rate_limit_says_so_and_when_to_try_again(deep, image_id, holed) -> None:
    with served(deep, holed, LogsTooOften()) as (client, _):
        answer = client.get(f"{API}/records/{image_id}")
        assert (answer.status_code, answer.json["type"]) == (503, "urn:scanproof:problem:rate-limited")
        assert answer.json["detail"].endswith("too many requests, try again in 7 s")
        assert answer.headers["Retry-After"] == "7"


@pytest.mark.usefixtures("no_pauses")
def test_who_waits_for_another_reader_learns_what_stopped_the_last_one(deep, image_id, holed, mine) -> None:
    with served(deep, holed, LogsTooOften()) as (client, _):
        mine(1)
        index = client.application.extensions["scanproof"].index
        unknown = f"{API}/records/0x{'34' * 32}"
        assert client.get(unknown).json["type"] == "urn:scanproof:problem:rate-limited"
        with index._lock:
            assert client.get(unknown).json["type"] == "urn:scanproof:problem:rate-limited"


ROUTES = (
    "/config",
    "/ready",
    "/records",
    "/records?q={image_id}",
    "/records/{image_id}",
    "/records/{image_id}/verification",
    "/records/{image_id}/evidence",
    "/records/0x" + "12" * 32,
    "/transactions/{transaction}",
    "/transactions/{transaction}?from=" + USER.address + "&nonce=0",
    "/ledger",
    "/reviews/queue",
    "/reviews/0x" + "12" * 32 + "/statement",
    "/records.csv",
    "/models",
    "/models/" + MODEL_ID[2:] + "/lineage",
)


@pytest.mark.parametrize("seeds", [range(0, 4), range(4, 8)])
def test_no_answer_of_a_node_is_an_error_that_nobody_foresaw(deep, image_id, tmp_path, monkeypatch, seeds) -> None:
    monkeypatch.setattr("backend.adapters.chain.rpc.time.sleep", lambda _: None)
    monkeypatch.setattr("backend.api.app.NODE_WITHIN_S", 2.0)
    database = tmp_path / "index.db"
    with served(deep, database) as (client, _):
        transaction = client.get(f"{API}/records/{image_id}").json["transaction"]["hash"]
    for seed in seeds:
        with served(deep, database, Garbled(seed)) as (client, _):
            for route in ROUTES:
                path = API + route.format(image_id=image_id, transaction=transaction)
                answer = client.get(path)
                kind = answer.json.get("type", "") if answer.is_json else ""
                assert answer.status_code < 500 or answer.status_code in (502, 503), (seed, path, answer.text)
                assert kind != "urn:scanproof:problem:internal-server-error", (seed, path)
                answer.close()  # a download holds its place until then
    with served(deep, database) as (client, _):
        assert client.get(f"{API}/records/{image_id}").status_code == 200
        assert client.get(f"{API}/records").json["index"]["synced"]


def test_a_record_that_the_index_lacks_shows_the_report_of_its_classifier_too(deep, image_id, holed) -> None:
    """The last test of this chain: the report stays on it."""
    signer = KeyFileSigner(deep.classifier_key_file, chain_id=deep.chain_id)
    DevelopmentWallet(deep.rpc_url, deep.contract_address, ADMIN)._send("reportCompromise", signer.address, 1)
    with served(deep, holed) as (client, _):
        (diagnosis,) = client.get(f"{API}/records/{image_id}").json["diagnoses"]
    assert diagnosis["compromisedSince"] == 1
