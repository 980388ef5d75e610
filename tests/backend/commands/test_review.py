"""`scanproof review`: each step is its own transaction, its statement is on disk first, and a cut-off one goes on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.chain.events import ROLES
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.cids import raw_cid
from backend.domain import SEALED_LABEL, Diagnosis, DiagnosisReviewedEvent
from backend.settings import Settings, load
from backend.wiring import wire_chain
from ml.inference.registry import Registry
from tests.backend.models import register_models
from tests.standins.nodes import Json, Rule, quirky_node, refusal, relay, result

from .conftest import CommandLine, InProcess

MODEL_ID = "0x" + Registry().identities()["brain-mri"]
CID = raw_cid("5e" * 32)
OPENING = json.dumps(
    {
        "schema": "scanproof.manifest/1",
        "image": {"cid": CID, "sha256": "5e" * 32},
        "model": {"sha256": MODEL_ID[2:]},
        "label": "glioma",
        "labelCode": 1,
        "confidence": 0.9,
        "probabilities": {"glioma": 0.9},
        "abstained": False,
        "salt": "0f" * 32,
    }
).encode()


@dataclass(frozen=True, slots=True)
class Bench:
    """A running chain with one image, and on it a diagnosis as glioma or a sealed one."""

    settings: Settings
    chain: Web3Chain
    image_id: str

    def reviews(self) -> list[DiagnosisReviewedEvent]:
        return [e for e in self.chain.events_of_image(self.image_id) if isinstance(e, DiagnosisReviewedEvent)]

    def files(self) -> list[Path]:
        return sorted((self.settings.var / "reviews").glob("*.json"))

    def published(self, reason_hash: str) -> bool:
        return EmbeddedStore(self.settings.var / "ipfs").has(raw_cid(reason_hash))


@contextmanager
def bench_of(scanproof: CommandLine, label: int, confidence: int) -> Iterator[Bench]:
    own = load(scanproof.environ, env_file=None)
    signer = KeyFileSigner(own.classifier_key_file, chain_id=own.chain_id)
    with embedded.running(own, classifier=signer.address):
        chain = wire_chain(own)
        register_models(own.rpc_url, chain.contract, MODEL_ID)
        image_id = chain.image_id(USER.address, CID)
        manifest_hash = "0x" + hashlib.sha256(OPENING).hexdigest()
        diagnosis = Diagnosis(image_id, MODEL_ID, label, confidence, manifest_hash, int(time.time()))
        signed = signer.sign(diagnosis, chain_id=own.chain_id, contract=chain.contract)
        DevelopmentWallet(own.rpc_url, chain.contract, USER).register_with_diagnosis(CID, signed)
        yield Bench(own, chain, image_id)


@pytest.fixture
def bench(scanproof: CommandLine) -> Iterator[Bench]:
    with bench_of(scanproof, 1, 9000) as bench:
        yield bench


@pytest.fixture
def sealed(scanproof: CommandLine) -> Iterator[Bench]:
    with bench_of(scanproof, SEALED_LABEL, 0) as bench:
        yield bench


def test_each_step_supersedes_the_one_before(command: InProcess, bench: Bench) -> None:
    steps = [
        (["--confirm"], ("confirmed", "glioma", 1)),
        (["--override", "Meningioma"], ("overridden", "meningioma", 2)),
        (["--withdraw"], ("withdrawn", None, 0)),
    ]
    before = bench.chain.events_of_image(bench.image_id)[-1].diagnosis_id
    for number, (arguments, expected) in enumerate(steps, start=1):
        done = command("review", bench.image_id, *arguments, "--reason", "On second thought.", "--json")
        assert done.status == 0, done.stderr
        assert (done.json["status"], done.json["label"], done.json["labelCode"]) == expected
        assert (done.json["supersedes"], done.json["reviewer"]) == (before, CLINICIAN.address)
        content = Path(done.json["statement"]).read_bytes()
        assert "0x" + hashlib.sha256(content).hexdigest() == done.json["reasonHash"]
        assert json.loads(content)["reason"] == "On second thought."
        assert Path(done.json["statement"]).stat().st_mode & 0o777 == 0o600
        assert (done.json["published"], bench.published(done.json["reasonHash"])) == (True, True)
        assert [review.review_id for review in bench.reviews()][number - 1 :] == [done.json["reviewId"]]
        before = done.json["reviewId"]

    again = command("review", bench.image_id, "--withdraw", "--reason", "On second thought.")
    assert (again.status, len(bench.reviews())) == (0, 3)
    assert "found: it was recorded before" in again.stdout

    back = command("review", bench.image_id, "--confirm", "--reason", "On second thought.", "--json")
    assert (back.status, back.json["supersedes"], len(bench.files())) == (0, before, 4)


def test_what_the_contract_refuses_is_reported_and_leaves_nothing(command: InProcess, bench: Bench) -> None:
    for arguments, environ, expected in (
        (["--override", "glioma"], {}, "LabelDoesNotFit(verdict: 1, diagnosed: 1, given: 1): to confirm, a review"),
        (["--override", "gliom"], {}, "(glioma, meningioma, notumor, pituitary), found 'gliom'"),
        (["--override"], {}, "(glioma, meningioma, notumor, pituitary), found None"),
        (["--confirm"], {"SCANPROOF_CLINICIAN_KEY": USER.private_key}, "the account does not have the role"),
        (["--confirm", "--diagnosis", "0x" + "00" * 32], {}, "expected one of the image's diagnoses (0x"),
    ):
        done = command("review", bench.image_id, *arguments, "--reason", "r", **environ)
        assert (done.status, done.stdout) == (1, "")
        assert expected in done.stderr
        assert USER.private_key[2:] not in done.stderr
    for arguments, expected in ((["0x" + "00" * 32, "--confirm", "--reason", "r"], "no image with the id"),):
        done = command("review", *arguments)
        assert (done.status, expected in done.stderr) == (1, True)
    assert (bench.reviews(), bench.files()) == ([], [])


def test_the_statement_of_a_sealed_diagnosis_stays_here(command: InProcess, sealed: Bench, tmp_path: Path) -> None:
    opening = tmp_path / "opening.json"
    opening.write_bytes(OPENING + b" ")
    wrong = command("review", sealed.image_id, "--confirm", "--reason", "r", "--opening", opening)
    assert (wrong.status, sealed.reviews()) == (1, [])
    assert f"expected an opening with the SHA-256 0x{hashlib.sha256(OPENING).hexdigest()}, found 0x" in wrong.stderr

    for verdict in ("--confirm", "--override"):
        blind = command("review", sealed.image_id, verdict, "--reason", "r")
        assert (blind.status, "nobody can judge what they do not see" in blind.stderr) == (1, True)
    assert (sealed.reviews(), sealed.files()) == ([], [])

    opening.write_bytes(OPENING)
    right = command("review", sealed.image_id, "--confirm", "--reason", "r", "--opening", opening, "--json")
    assert (right.json["label"], right.json["labelCode"], right.json["published"]) == ("glioma", SEALED_LABEL, False)
    assert "it says glioma" in right.stderr

    other = command("review", sealed.image_id, "--override", "--reason", "r", "--opening", opening, "--json")
    assert (other.json["status"], other.json["label"], other.json["labelCode"]) == ("overridden", None, SEALED_LABEL)
    last = command("review", sealed.image_id, "--withdraw", "--reason", "not seen, not relied on", "--json")
    assert last.json["status"] == "withdrawn"
    assert not any(sealed.published(review.reason_hash) for review in sealed.reviews())
    assert {file.name for file in sealed.files()} == {Path(r.json["statement"]).name for r in (right, other, last)}


class WithoutStatus(Rule):
    def call(self, method, params, relay):
        answer = relay()
        if method == "eth_getTransactionReceipt" and answer.get("result"):
            del answer["result"]["status"]
        return answer


@pytest.mark.parametrize("broken", ["node", "store"])
def test_an_error_after_the_review_was_sent_names_its_transaction(
    command: InProcess, bench: Bench, broken: str
) -> None:
    """The command is repeated, and sends nothing more."""
    arguments = ("review", bench.image_id, "--confirm", "--reason", "Sent.", "--json")
    folder = bench.settings.var / "ipfs"
    if broken == "store":
        folder.write_text("no folder")
        failed = command(*arguments)
        folder.unlink()
    else:
        with quirky_node(bench.settings.rpc_url, WithoutStatus()) as node:
            key = {"SCANPROOF_CLINICIAN_KEY": CLINICIAN.private_key}
            failed = command(*arguments, "--rpc", node.url, "--contract", bench.chain.contract, **key)

    (review,) = bench.reviews()
    assert failed.status == 1
    assert failed.json["error"]["message"].startswith(f"transaction {review.transaction_hash} was sent, but ")
    done = command(*arguments)
    assert (done.status, done.json["transaction"], bench.reviews()) == (0, review.transaction_hash, [review])


def test_an_opening_of_what_is_not_sealed_is_refused(command: InProcess, bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "opening.json").write_bytes(OPENING)
    arguments = ("--confirm", "--reason", "r", "--opening", tmp_path / "opening.json")
    done = command("review", bench.image_id, *arguments)
    assert (done.status, "is not sealed, so that there is nothing to open" in done.stderr) == (1, True)


def test_killed_before_the_transaction_the_same_statement_is_sent(command: InProcess, bench: Bench) -> None:
    reached = []
    killed = threading.Event()

    def never_sent(method: str, _parameters: list) -> Json | None:
        if method != "eth_sendRawTransaction":
            return None
        reached.append(method)
        killed.wait(120)
        return refusal("too late")

    arguments = ["review", bench.image_id, "--confirm", "--reason", "Killed.", "--contract", bench.chain.contract]
    with relay(bench.settings.rpc_url, never_sent) as url:
        environ = {**command.environ, "SCANPROOF_CLINICIAN_KEY": CLINICIAN.private_key}
        kill_when(reached, CommandLine(environ), *arguments, "--rpc", url)
        killed.set()
    (file,) = bench.files()
    assert bench.reviews() == []

    done = command("review", bench.image_id, "--confirm", "--reason", "Killed.", "--json")

    (review,) = bench.reviews()
    assert (done.status, bench.files(), done.json["statement"]) == (0, [file], str(file))
    assert review.reason_hash == "0x" + hashlib.sha256(file.read_bytes()).hexdigest()


def test_killed_after_the_transaction_the_statement_is_published(command: InProcess, bench: Bench) -> None:
    """While the store is asked to keep it: one that takes the connection and never answers."""
    reached: list[DiagnosisReviewedEvent] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = f"http://127.0.0.1:{silent.getsockname()[1]}"
        pinata = {
            "SCANPROOF_STORAGE": "pinata",
            "PINATA_JWT": "jwt",
            **dict.fromkeys(("PINATA_GATEWAY", "PINATA_UPLOAD_URL", "PINATA_API_URL"), store),
        }
        arguments = ["review", bench.image_id, "--confirm", "--reason", "Killed."]
        kill_when(reached, CommandLine({**command.environ, **pinata}), *arguments, look=bench.reviews)
    (review,) = bench.reviews()
    assert not bench.published(review.reason_hash)

    done = command("review", bench.image_id, "--confirm", "--reason", "Killed.", "--json")

    assert (done.status, done.json["reviewId"], done.json["published"]) == (0, review.review_id, True)
    assert (bench.reviews(), bench.published(review.reason_hash)) == ([review], True)


def test_a_review_by_somebody_else_with_the_same_hash_is_not_ones_own(command: InProcess, bench: Bench) -> None:
    arguments = ("review", bench.image_id, "--confirm", "--reason", "Copied.", "--json")
    assert command(*arguments).status == 0
    admin = DevelopmentWallet(bench.settings.rpc_url, bench.chain.contract, ADMIN)
    admin._send("grantRole", bytes.fromhex(ROLES["CLINICIAN_ROLE"][2:]), ADMIN.address)

    own = command(*arguments, SCANPROOF_CLINICIAN_KEY=ADMIN.private_key)

    assert (own.status, own.json["reviewer"]) == (0, ADMIN.address)
    assert [review.reviewer for review in bench.reviews()] == [CLINICIAN.address, ADMIN.address]


def test_a_development_key_is_refused_on_a_live_chain(command: InProcess, bench: Bench) -> None:
    def live(method: str, _parameters: list):
        return result(hex(11155111)) if method == "eth_chainId" else None

    with relay(bench.settings.rpc_url, live) as url:
        arguments = ("--confirm", "--reason", "r", "--rpc", url, "--contract", bench.chain.contract)
        key = {"SCANPROOF_CLINICIAN_KEY": CLINICIAN.private_key}
        with_key = command("review", bench.image_id, *arguments, **key)
        without = command("review", bench.image_id, *arguments)

    assert (with_key.status, without.status, bench.reviews()) == (1, 1, [])
    assert "expected a key of your own on chain 11155111, which is live" in with_key.stderr
    assert CLINICIAN.private_key[2:] not in with_key.stderr + with_key.stdout
    assert "SCANPROOF_CLINICIAN_KEY is not set, and an external chain needs it" in without.stderr


def kill_when(reached: list, scanproof: CommandLine, *arguments: str, look=lambda: []) -> None:
    """SIGKILL the command once ``reached``, or what ``look`` finds, holds something."""
    process = scanproof.start(*arguments)
    try:
        deadline = time.monotonic() + 60
        while not (reached or look()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
