"""What the first registry recorded goes on: its data folder is used on, and its evidence files verify.

``former_registry.tar.xz`` was made by the commands of that version: a folder ``var`` with three records (one reviewed,
one an abstention with a confidence, one sealed), an evidence file of each, and the opening of the sealed one.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from backend.adapters.chain import artifact
from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.web3_chain import Web3Chain
from backend.domain import ModelRegisteredEvent
from backend.settings import load
from tests.backend.commands.conftest import InProcess
from tests.backend.models import CARD_CID, LABELS

FORMER = Path(__file__).with_name("former_registry.tar.xz")
ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
MODEL_ID = "0x" + "5a" * 32
REVIEWED = "0xdca2c436a253e72974681663bec77d77b5b48ff420347a86a432ca04ff76fa80"
ABSTAINED = "0xacd2521c6b8ec9c8f7dec96d692581b02a38f885ebe57ac1fd5113e2e1402da7"
SEALED = "0xf97acd9362d0c170583fdb5a690b7ab31ed3d354577071d484fb8dcdbfc049f0"


@pytest.fixture
def former(tmp_path: Path) -> Path:
    with tarfile.open(FORMER) as archive:
        archive.extractall(tmp_path / "former", filter="data")
    return tmp_path / "former"


@pytest.fixture
def upgraded(command: InProcess, former: Path) -> InProcess:
    """The commands, in the former data folder."""
    environ = {**command.environ, "SCANPROOF_VAR": str(former / "var"), "SCANPROOF_CHAIN": "ganache"}
    return InProcess(environ, command.capfd)


def test_there_is_a_former_registry() -> None:
    (former,) = (build for build in artifact.known() if build.former)
    assert former.functions < artifact.current().functions


def test_its_folder_is_used_on(upgraded: InProcess, former: Path) -> None:
    settings = load(upgraded.environ, env_file=None)
    read = upgraded("verify", "--image-id", REVIEWED, "--json")
    assert (read.status, read.json["verified"]) == (0, True), read.stdout
    assert [state["status"] for state in read.json["diagnoses"]] == ["overridden"]

    recorded = upgraded("demo", "--json")
    assert (recorded.status, recorded.json["verified"]) == (0, True), recorded.stderr
    assert f"the registry at {ADDRESS} is of a former version" in recorded.stderr
    assert "reportCompromise" in recorded.stderr, "what is not available is named"

    with embedded.running(settings, classifier=None):
        read = upgraded("verify", "--image-id", ABSTAINED, "--json")
        assert (read.status, read.json["verified"]) == (0, True), read.stdout
        assert [state["status"] for state in read.json["diagnoses"]] == ["abstained"]
        opened = upgraded("verify", "--image-id", SEALED, "--opening", former / "opening.json", "--json")
        assert (opened.status, opened.json["verified"]) == (0, True), opened.stdout
        reviewed = upgraded("review", ABSTAINED, "--override", "other", "--reason", "Seen by a person.", "--json")
        assert (reviewed.status, reviewed.json["status"]) == (0, "overridden"), reviewed.stderr
        collected = upgraded("evidence", ABSTAINED, "--output", former / "again.zip", "--json")
        assert collected.status == 0, collected.stderr
    assert json.loads((former / "var/chain/ganache/deployment.json").read_text())["address"] == ADDRESS


def test_a_model_is_registered_in_it(upgraded: InProcess) -> None:
    """Without the number of its labels, for which the former registry has no place."""
    settings = load(upgraded.environ, env_file=None)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as running:
        chain = Web3Chain(settings.rpc_url, chain_id=settings.chain_id, contract=running.deployment.address)
        admin = DevelopmentWallet(settings.rpc_url, chain.contract, ADMIN)
        sent = admin.register_model(MODEL_ID, LABELS, CARD_CID)
        (registered,) = chain.events_of_model(MODEL_ID)
        assert registered == ModelRegisteredEvent(
            MODEL_ID, ADMIN.address, None, CARD_CID, sent.hash, 0, chain.blocks([sent.block])[0]
        )
        assert chain.events_of_classifier(signer.address) == []
        assert chain.contract == ADDRESS


@pytest.mark.parametrize("name", ["reviewed", "abstained", "sealed"])
def test_its_evidence_verifies(command: InProcess, former: Path, name: str) -> None:
    done = command("verify", "--evidence", former / f"{name}.zip", "--json")

    failed = [check for check in done.json["checks"] if not check["passed"]]
    assert failed == []
    (code,) = (check for check in done.json["checks"] if check["name"] == "contract code")
    assert code["found"].endswith("the code of a former ImageRegistry as compiled here")
