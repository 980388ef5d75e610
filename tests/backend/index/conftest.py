"""Real nodes that a test may rewind, and an index of its own for each test."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
from eth_account import Account

from backend.adapters.chain import eip712, embedded
from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.adapters.chain.development_wallet import DevelopmentWallet
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.database.engine import open_database
from backend.adapters.database.events import SqlEventStore
from backend.cids import raw_cid
from backend.domain import Diagnosis, DiagnosisRecordedEvent, ImageRegisteredEvent, Record, SignedDiagnosis
from backend.processes import free_port
from backend.services.event_index import EventIndex
from backend.settings import Settings, load

CLASSIFIER = ADMIN.address
_numbers = itertools.count()


@dataclass(frozen=True)
class Node:
    """A development node with a registry on it."""

    settings: Settings
    chain: Web3Chain
    wallet: DevelopmentWallet

    def rpc(self, method: str, *parameters: object) -> object:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        answer = requests.post(self.settings.rpc_url, json=call, timeout=20).json()
        assert "error" not in answer, answer
        return answer["result"]

    def register(self, count: int = 1) -> None:
        for _ in range(count):
            self.wallet.register_image(new_cid())

    def diagnose(self) -> None:
        """Register an image and its diagnosis, both in one transaction."""
        cid = new_cid()
        image_id = self.chain.image_id(self.wallet.address, cid)
        diagnosis = Diagnosis(image_id, "0x" + "ab" * 32, 1, 9000, "0x" + "cd" * 32, 1_790_000_000)
        contract = self.chain.contract
        message = eip712.message(diagnosis, chain_id=self.chain.chain_id, contract=contract)
        signature = "0x" + bytes(Account.sign_message(message, ADMIN.private_key).signature).hex()
        signed = SignedDiagnosis(diagnosis, signature, CLASSIFIER, self.chain.chain_id, contract)
        self.wallet.register_with_diagnosis(cid, signed)

    def recorded(self) -> list[Record]:
        """What is on the chain now, newest first, addresses in lower case as in the index."""
        events = self.chain.events(self.chain.start_block, self.chain.head().number)
        images = [replace(e, uploader=e.uploader.lower()) for e in events if isinstance(e, ImageRegisteredEvent)]
        diagnoses = [
            replace(e, classifier=e.classifier.lower()) for e in events if isinstance(e, DiagnosisRecordedEvent)
        ]
        return [
            Record(image, tuple(d for d in diagnoses if d.image_id == image.image_id)) for image in reversed(images)
        ]


def new_cid() -> str:
    return raw_cid(hashlib.sha256(str(next(_numbers)).encode()).hexdigest())


def indexed(index: EventIndex) -> list[Record]:
    return index.search(None, [], 1000, None)


@contextmanager
def running_node(kind: str, folder: Path, port: int) -> Iterator[Node]:
    settings = load(
        {"SCANPROOF_VAR": str(folder), "SCANPROOF_CHAIN": kind, "SCANPROOF_CHAIN_PORT": str(port)}, env_file=None
    )
    with embedded.running(settings, classifier=CLASSIFIER) as started:
        found = started.deployment
        chain = Web3Chain(settings.rpc_url, chain_id=settings.chain_id, contract=found.address, start_block=found.block)
        yield Node(settings, chain, DevelopmentWallet(settings.rpc_url, found.address, USER))


@pytest.fixture(scope="module", params=["ganache", "anvil"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running_node(request.param, tmp_path_factory.mktemp("node"), free_port()) as node:
        yield node


@pytest.fixture
def events(tmp_path: Path) -> Iterator[SqlEventStore]:
    with ExitStack() as stack:
        database = open_database(f"sqlite:///{tmp_path / 'index.db'}")
        stack.callback(database.close)
        yield SqlEventStore(database)


@pytest.fixture
def index(node: Node, events: SqlEventStore) -> EventIndex:
    return EventIndex(node.chain, events)
