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
    def call(self, method: str, params: list, relay: Callable[[], Json]) -> Json:
        answer = relay()
        if method == "eth_getLogs":
            answer["result"] = [log for log in answer["result"] if log["topics"][0] != TOPICS["DiagnosisReviewed"]]
        return answer


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

    assert (hidden.status, hidden.json["verdict"], hidden.json["completeness"]) == (1, "invalid", None)
    assert "complete reviews" in failed(hidden)
    assert "complete reviews" not in failed(honest)
    assert [state["status"] for state in honest.json["diagnoses"]] == ["withdrawn"]


def test_an_evidence_file_from_before_does_not_pass_with_such_a_node(own, withdrawn):
    hidden = own("verify", "--evidence", withdrawn.earlier, "--rpc", withdrawn.hiding, "--json")

    assert (hidden.status, hidden.json["verdict"]) == (1, "invalid")
    assert failed(hidden) == ["complete reviews on the chain"]


def test_with_an_index_a_verification_finds_what_the_node_hides(own, withdrawn):
    """The index has the block, and the receipts of the block have the review."""
    result = own(
        *("verify", "--image-id", withdrawn.image_id, "--rpc", withdrawn.hiding),
        *("--contract", withdrawn.contract, "--json"),
    )

    assert (result.status, result.json["verdict"]) == (0, "valid"), result.json
    assert [state["status"] for state in result.json["diagnoses"]] == ["withdrawn"]


def test_no_evidence_file_is_made_of_a_history_with_a_gap(command, withdrawn, tmp_path, monkeypatch):
    monkeypatch.setattr("backend.services.completeness._PAUSE_S", 0)
    file = tmp_path / "evidence.zip"

    result = command(
        *("evidence", withdrawn.image_id, "--output", file, "--rpc", withdrawn.hiding),
        *("--contract", withdrawn.contract, "--json"),
    )

    assert result.status == 1
    assert "the node's logs are not complete (complete reviews: " in result.json["error"]["message"]
    assert not file.exists()
