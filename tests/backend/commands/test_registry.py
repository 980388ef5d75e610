"""`scanproof registry`: what the chain knows of the installed models, and changing that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.settings import Settings, load
from backend.wiring import wire_chain
from ml.inference.registry import Registry
from tests.standins.nodes import Rule, error, quirky_node

from .conftest import CommandLine, InProcess

INSTALLED = Registry().identities()


@pytest.fixture
def own(scanproof: CommandLine) -> Iterator[Settings]:
    """A running chain whose registry knows no model."""
    own = load(scanproof.environ, env_file=None)
    with embedded.running(own, classifier=USER.address):
        yield own


def statuses(answer: dict) -> dict[str, str]:
    return {model["name"]: model["status"] for model in answer["models"]}


def sent(answer: dict) -> list[str]:
    return [transaction["name"] for transaction in answer["transactions"]]


@pytest.mark.usefixtures("own")
def test_models_are_registered_anchored_and_retired(command: InProcess) -> None:
    first = command("registry", "status", "--json").json
    assert statuses(first) == dict.fromkeys(INSTALLED, "unknown")
    assert [model["modelId"] for model in first["models"]] == ["0x" + sha256 for sha256 in INSTALLED.values()]
    assert sent(first) == []

    one = command("registry", "register", "brain-mri", "--json").json
    assert (sent(one), statuses(one)["brain-mri"]) == (["registerModel"], "inUse")
    rest = command("registry", "register", "--json").json
    assert sent(rest) == ["registerModel"] * (len(INSTALLED) - 1)
    anchored = command("registry", "anchor", "brain-mri", "--json").json
    training = {model["name"]: model["trainingId"] for model in anchored["models"]}
    assert (sent(anchored), [name for name, id_ in training.items() if id_]) == (["anchorTraining"], ["brain-mri"])

    again = command("registry", "register")
    assert (again.status, again.stdout.splitlines()[0]) == (0, "Nothing was to be done.")

    retired = command("registry", "retire", INSTALLED["brain-mri"].upper(), "--json").json
    assert (sent(retired), statuses(retired)["brain-mri"]) == (["retireModel"], "retired")
    assert sent(command("registry", "register", "--json").json) == []
    back = command("registry", "register", "brain-mri", "--json")
    assert (back.status, back.json["error"]["type"]) == (1, "Conflict")
    assert back.json["error"]["message"].endswith("this model was registered before; a retired model stays retired")


@pytest.mark.usefixtures("own")
def test_rounds_of_training_made_elsewhere_are_anchored_one_after_the_other(command: InProcess, tmp_path: Path) -> None:
    file = tmp_path / "training.json"
    file.write_text('{"rounds": 3, "metrics": {"accuracy": 0.9}}')
    first = "0x" + "f1" * 32
    parties = ("--training", file, "--participants", "5")
    assert sent(command("registry", "anchor", first, *parties, "--json").json) == ["anchorTraining"]
    assert sent(command("registry", "anchor", first[2:].upper(), *parties, "--json").json) == []
    installed = command("registry", "anchor", "brain-mri", "--parent", first, "--participants", "4", "--json")
    assert sent(installed.json) == ["anchorTraining"]
    orphan = command("registry", "anchor", "brain-mri-ensemble", "--parent", "0x" + "f2" * 32, "--json")
    assert (orphan.status, orphan.json["error"]["type"]) == (1, "Conflict")

    chain = wire_chain(load(command.environ, env_file=None))
    (root,) = chain.events_of_model(first)
    (child,) = chain.events_of_model("0x" + INSTALLED["brain-mri"])
    assert (root.participants, root.parent_model_id) == (5, "0x" + "00" * 32)
    assert root.training_id == "0x" + hashlib.sha256(b'{"metrics":{"accuracy":0.9},"rounds":3}').hexdigest()
    assert root.metrics_hash == "0x" + hashlib.sha256(b'{"accuracy":0.9}').hexdigest()
    assert (child.participants, child.parent_model_id) == (4, first)

    file.write_text('{"rounds": 4, "metrics": {}}')
    other = command("registry", "anchor", first, *parties, "--json")
    assert (other.status, "TrainingAlreadyAnchored" in other.json["error"]["message"]) == (1, True)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "record",
    [b"", b"[]", b'{"metrics": 1}', b"[" * 100_000, b'{"metrics": {"a": NaN}}', b'{"metrics": {}}' + b" " * 300_000],
    ids=lambda record: repr(record[:20]),
)
def test_a_training_record_that_is_none_is_refused(command: InProcess, tmp_path: Path, record: bytes) -> None:
    file = tmp_path / "training.json"
    file.write_bytes(record)
    result = command("registry", "anchor", "0x" + "f1" * 32, "--training", file, "--json")
    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")
    assert result.json["error"]["message"].startswith(
        "--training: expected a training record: a JSON object of at most "
    )


def test_how_a_training_went_is_for_one_model_only(command: InProcess) -> None:
    for action in (("anchor",), ("register", "brain-mri"), ("status",)):
        result = command("registry", *action, "--participants", "3")
        assert (result.status, "are for `anchor MODEL`" in result.stderr) == (2, True)


@pytest.mark.usefixtures("own")
def test_what_cannot_be_done_is_reported(command: InProcess) -> None:
    unknown = command("registry", "register", "none")
    assert (unknown.status, "expected an installed model (brain-mri, " in unknown.stderr) == (2, True)
    never = command("registry", "retire", "0x" + "12" * 32)
    assert (never.status, "ModelNotInUse(modelId: 0x1212" in never.stderr) == (1, True)
    alone = command("registry", "retire")
    assert (alone.status, "retire needs the MODEL" in alone.stderr) == (2, True)
    key = command("registry", "register", "brain-mri", SCANPROOF_MODEL_ADMIN_KEY=USER.private_key)
    assert (key.status, "the account does not have the role" in key.stderr) == (1, True)
    assert command("registry", "explode").status == 2


def test_an_error_names_what_was_sent_before_it(command: InProcess, own: Settings) -> None:
    """The node fails with the second transaction: the first one is mined, and paid."""

    class Once(Rule):
        sent = 0

        def call(self, method, params, relay):
            self.sent += method == "eth_sendRawTransaction"
            return error(-32000, "not today") if self.sent > 1 and method == "eth_sendRawTransaction" else relay()

    with quirky_node(own.rpc_url, Once()) as node:
        arguments = ("--rpc", node.url, "--contract", wire_chain(own).contract, "--json")
        key = {"SCANPROOF_MODEL_ADMIN_KEY": ADMIN.private_key}
        failed = command("registry", "register", *arguments, **key)

    message = failed.json["error"]["message"]
    assert (failed.status, "was sent, but the node refused the request: not today" in message) == (1, True), message
    hash_ = message.split()[1]
    assert [type(event).__name__ for event in wire_chain(own).events_of_transaction(hash_)] == ["ModelRegisteredEvent"]
