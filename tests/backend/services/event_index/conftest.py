"""Real nodes that a test may rewind, and an index of its own for each test."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest
import requests
from eth_account import Account
from eth_utils import to_checksum_address

from backend.adapters.chain import eip712
from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.database.engine import open_database
from backend.adapters.database.event_rows import TABLES
from backend.adapters.database.events import SqlEventStore
from backend.cids import raw_cid
from backend.domain import (
    Diagnosis,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    Record,
    RecordFilter,
    Review,
    SentTransaction,
    SignedDiagnosis,
    Training,
    Verdict,
)
from backend.processes import free_port
from backend.services.event_index import EventIndex
from backend.settings import Settings, load
from tests.backend.models import LABELS, register_models

CLASSIFIER = ADMIN.address
MODEL_ID = "0x" + "ab" * 32
_numbers = itertools.count()


@dataclass(frozen=True)
class Node:
    """A development node with a registry on it; ``private_url`` is the node's own, past the filter."""

    settings: Settings
    private_url: str
    chain: Web3Chain
    wallet: DevelopmentWallet

    def rpc(self, method: str, *parameters: object) -> object:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        answer = requests.post(self.private_url, json=call, timeout=20).json()
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, count: int) -> None:
        if self.settings.chain == "anvil":
            self.rpc("anvil_mine", hex(count))
        for _ in range(0 if self.settings.chain == "anvil" else count):
            self.rpc("evm_mine")

    def register(self, count: int = 1) -> None:
        for _ in range(count):
            self.wallet.register_image(new_cid())

    def diagnose(self, *, label: int = 1, confidence: int = 9000) -> str:
        """Register an image and its diagnosis, both in one transaction; gives the image's id."""
        cid = new_cid()
        image_id = self.chain.image_id(self.wallet.address, cid)
        diagnosis = Diagnosis(image_id, MODEL_ID, label, confidence, "0x" + "cd" * 32, int(time.time()))
        contract = self.chain.contract
        message = eip712.message(diagnosis, chain_id=self.chain.chain_id, contract=contract)
        signature = "0x" + bytes(Account.sign_message(message, ADMIN.private_key).signature).hex()
        signed = SignedDiagnosis(diagnosis, signature, CLASSIFIER, self.chain.chain_id, contract)
        self.wallet.register_with_diagnosis(cid, signed)
        return image_id

    def review(self, verdict: Verdict, *, label: int = 1, image_id: str | None = None) -> SentTransaction:
        """Review the diagnosis of that image, or of the newest one that has any."""
        record = next(r for r in self.recorded() if r.diagnoses and image_id in (None, r.image.image_id))
        diagnosis = record.diagnoses[0]
        newest = [diagnosis.diagnosis_id, *(review.review_id for review in record.reviews_of(diagnosis))][-1]
        clinician = DevelopmentWallet(self.settings.rpc_url, self.chain.contract, CLINICIAN)
        return clinician.review(diagnosis, Review(newest, new_hash(), verdict, label))

    def model(self) -> str:
        """Register a model, anchor its training, and retire it; gives its id."""
        admin = DevelopmentWallet(self.settings.rpc_url, self.chain.contract, ADMIN)
        model_id = new_hash()
        admin.register_model(model_id, LABELS, new_cid())
        admin.anchor_training(Training(new_hash(), model_id, None, new_hash(), 3))
        admin.retire_model(model_id)
        return model_id

    def report(self, since: int = 1) -> str:
        """Report an account that was never a classifier as compromised; gives its address."""
        account = "0x" + new_hash()[-40:]
        DevelopmentWallet(self.settings.rpc_url, self.chain.contract, ADMIN)._send(
            "reportCompromise", to_checksum_address(account), since
        )
        return account

    def recorded(self) -> list[Record]:
        """What is on the chain now, newest first, addresses in lower case as in the index."""
        events = [lower(e) for e in self.chain.events(self.chain.start_block, self.chain.head().number)]
        return [
            Record(
                image,
                tuple(e for e in events if isinstance(e, DiagnosisRecordedEvent) and e.image_id == image.image_id),
                tuple(e for e in events if isinstance(e, DiagnosisReviewedEvent) and e.image_id == image.image_id),
            )
            for image in reversed(events)
            if isinstance(image, ImageRegisteredEvent)
        ]


def new_hash() -> str:
    return "0x" + hashlib.sha256(str(next(_numbers)).encode()).hexdigest()


def new_cid() -> str:
    return raw_cid(new_hash())


def lower(event: Event) -> Event:
    """The event with its accounts' addresses as the index has them."""
    accounts = {"uploader", "classifier", "reviewer", "admin"} & {field.name for field in fields(event)}
    return replace(event, **{account: getattr(event, account).lower() for account in accounts})


def rows_of(file: Path) -> dict[str, list[tuple]]:
    """Every row of the index but its checkpoints, by table."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return {
            table.__tablename__: database.execute(f"SELECT * FROM {table.__tablename__} ORDER BY 1, 2, 3").fetchall()
            for table in TABLES.values()
        }


def indexed(index: EventIndex) -> list[Record]:
    return index.search(RecordFilter(), 1000, None)


@contextmanager
def running_node(kind: str, folder: Path, port: int) -> Iterator[Node]:
    settings = load(
        {"SCANPROOF_VAR": str(folder), "SCANPROOF_CHAIN": kind, "SCANPROOF_CHAIN_PORT": str(port)}, env_file=None
    )
    with embedded.running(settings, classifier=CLASSIFIER) as started:
        found = started.deployment
        chain = Web3Chain(settings.rpc_url, chain_id=settings.chain_id, contract=found.address, start_block=found.block)
        if not chain.events_of_model(MODEL_ID):
            register_models(settings.rpc_url, found.address, MODEL_ID)
        yield Node(settings, started.node.private_url, chain, DevelopmentWallet(settings.rpc_url, found.address, USER))


@pytest.fixture(scope="module", params=["ganache", "anvil"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running_node(request.param, tmp_path_factory.mktemp("node"), free_port()) as node:
        yield node


@contextmanager
def opened(file: Path) -> Iterator[SqlEventStore]:
    with closing(open_database(f"sqlite:///{file}")) as database:
        yield SqlEventStore(database)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The database of ``events``."""
    return tmp_path / "index.db"


@pytest.fixture
def events(file: Path) -> Iterator[SqlEventStore]:
    with opened(file) as store:
        yield store


@pytest.fixture
def index(node: Node, events: SqlEventStore) -> EventIndex:
    return EventIndex(node.chain, events)
