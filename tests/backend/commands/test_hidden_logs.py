"""A node that hides the logs of a withdrawal: neither a verification nor a new evidence file falls for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.events import TOPICS
from backend.settings import load
from tests.backend.commands.conftest import Shared, shared
from tests.standins.nodes import Json, Rule, quirky_node


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A record that was withdrawn after its evidence file was made, a node that hides that, and its registry."""

    image_id: str
    earlier: Path
    hiding: str
    honest: str
    contract: str


class Hiding(Rule):
    """Does not show the logs that ``hidden`` accepts, by default those of reviews."""

    def __init__(self, hidden: Callable[[Json], bool] | None = None) -> None:
        self.hidden = hidden or with_event("DiagnosisReviewed")

    def call(self, method: str, params: list, relay: Callable[[], Json]) -> Json:
        answer = relay()
        if method == "eth_getLogs":
            answer["result"] = [log for log in answer["result"] if not self.hidden(log)]
        return answer


def with_event(name: str) -> Callable[[Json], bool]:
    return lambda log: log["topics"][0] == TOPICS[name]


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Shared:
    return shared(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def withdrawn(own, tmp_path_factory) -> Iterator[Withdrawn]:
    image_id = own("demo", "--json").json["imageId"]
    earlier = tmp_path_factory.mktemp("earlier") / "evidence.zip"
    assert own("evidence", image_id, "--output", earlier).status == 0
    assert own("review", image_id, "--withdraw", "--reason", "motion artefacts").status == 0
    settings = load(own.environ, env_file=None)
    with embedded.running(settings, classifier=None) as chain, quirky_node(settings.rpc_url, Hiding()) as node:
        yield Withdrawn(image_id, earlier, node.url, settings.rpc_url, chain.deployment.address)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch) -> None:
    monkeypatch.setattr("backend.services.completeness._PAUSE_S", 0)


@pytest.fixture
def without_index(own) -> dict[str, str]:
    """The store of ``own``, and no database."""
    return {"SCANPROOF_VAR": own.environ["SCANPROOF_VAR"], "DATABASE_URL": "sqlite:////nowhere/at-all.db"}


def failed(result) -> list[str]:
    return [check["name"] for check in result.json["checks"] if not check["passed"]]


def test_a_verification_notices_what_the_node_hides(command, withdrawn, without_index):
    where = ("--contract", withdrawn.contract, "--json")
    hidden = command("verify", "--image-id", withdrawn.image_id, "--rpc", withdrawn.hiding, *where, **without_index)
    honest = command("verify", "--image-id", withdrawn.image_id, "--rpc", withdrawn.honest, *where, **without_index)

    assert (hidden.status, hidden.json["error"]["type"]) == (1, "LogsIncomplete")
    assert "it does not show the review 0x" in hidden.json["error"]["message"]
    assert "complete reviews" not in failed(honest)
    assert [state["status"] for state in honest.json["diagnoses"]] == ["withdrawn"]


ALL = {
    "all": (lambda log: True, "the registration of the image"),
    "only a model's registration": (with_event("ModelRegistered"), "the registration of the model 0x"),
    "only a training": (with_event("TrainingAnchored"), "the training of the model 0x"),
    "only grants": (with_event("RoleGranted"), "a grant or revocation of CLASSIFIER_ROLE of 0x"),
    "only the image": (with_event("ImageRegistered"), "the registration of the image"),
    "only diagnoses": (with_event("DiagnosisRecorded"), "1 of 1 diagnoses"),
}


@pytest.mark.parametrize(("hidden", "lacking"), ALL.values(), ids=list(ALL))
@pytest.mark.parametrize("words", [("verify", "--image-id"), ("evidence",)], ids=["verify", "evidence"])
def test_whatever_a_node_hides_is_no_verdict(command, withdrawn, without_index, tmp_path, words, hidden, lacking):
    output = ("--output", tmp_path / "evidence.zip") if words == ("evidence",) else ()
    where = (withdrawn.image_id, *output, "--contract", withdrawn.contract, "--json")
    with quirky_node(withdrawn.honest, Hiding(hidden)) as node:
        result = command(*words, *where, "--rpc", node.url, **without_index)

    assert (result.status, result.json["error"]["type"]) == (1, "LogsIncomplete"), result.json
    assert f"it does not show {lacking}" in result.json["error"]["message"]
    assert not (tmp_path / "evidence.zip").exists()


def test_a_review_of_a_record_that_is_hidden_is_not_sent(command, withdrawn, without_index):
    where = ("--contract", withdrawn.contract, "--json")
    with quirky_node(withdrawn.honest, Hiding(lambda log: True)) as node:
        reason = ("--confirm", "--reason", "seen again")
        result = command("review", withdrawn.image_id, *reason, "--rpc", node.url, *where, **without_index)

    assert (result.status, result.json["error"]["type"]) == (1, "LogsIncomplete"), result.json


@pytest.mark.parametrize("event", ["ImageRegistered", "ModelRegistered", "RoleGranted", None])
def test_a_true_evidence_file_is_not_invalid_before_a_node_that_hides_logs(own, withdrawn, tmp_path, event):
    file = tmp_path / "evidence.zip"
    assert own("evidence", withdrawn.image_id, "--output", file).status == 0
    with quirky_node(withdrawn.honest, Hiding(with_event(event) if event else lambda log: True)) as node:
        result = own("verify", "--evidence", file, "--rpc", node.url, "--json")

    assert (result.status, result.json["error"]["type"]) == (1, "LogsIncomplete"), result.json


def test_with_an_index_a_verification_finds_what_the_node_hides(own, withdrawn):
    """The index has the block, and the receipts of the block have the review."""
    result = own(
        *("verify", "--image-id", withdrawn.image_id, "--rpc", withdrawn.hiding),
        *("--contract", withdrawn.contract, "--json"),
    )

    assert (result.status, result.json["verdict"]) == (0, "valid"), result.json
    assert [state["status"] for state in result.json["diagnoses"]] == ["withdrawn"]


def test_no_evidence_file_is_made_of_a_history_with_a_gap(command, withdrawn, tmp_path):
    file = tmp_path / "evidence.zip"

    result = command(
        *("evidence", withdrawn.image_id, "--output", file, "--rpc", withdrawn.hiding),
        *("--contract", withdrawn.contract, "--json"),
    )

    assert result.status == 1
    assert result.json["error"]["type"] == "LogsIncomplete"
    assert "the review 0x" in result.json["error"]["message"]
    assert not file.exists()
