"""`scanproof registry`: what the chain knows of the installed models, and changing that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.adapters.chain import embedded
from backend.adapters.chain.development_accounts import USER
from backend.settings import Settings, load
from ml.registry import Registry

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
    assert back.json["error"]["message"].endswith("this model was registered before; once retired, it stays so")


@pytest.mark.usefixtures("own")
def test_what_cannot_be_done_is_told(command: InProcess) -> None:
    unknown = command("registry", "register", "none")
    assert (unknown.status, "expected an installed model (brain-mri, " in unknown.stderr) == (1, True)
    never = command("registry", "retire", "0x" + "12" * 32)
    assert (never.status, "ModelNotInUse(modelId: 0x1212" in never.stderr) == (1, True)
    alone = command("registry", "retire")
    assert (alone.status, "retire needs the MODEL" in alone.stderr) == (2, True)
    key = command("registry", "register", "brain-mri", SCANPROOF_MODEL_ADMIN_KEY=USER.private_key)
    assert (key.status, "the account does not hold the role" in key.stderr) == (1, True)
    assert command("registry", "explode").status == 2
