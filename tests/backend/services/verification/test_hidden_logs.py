"""What a node does not show, although the contract's state has it, is no verdict on the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from backend.adapters.chain.development_accounts import CLINICIAN
from backend.adapters.chain.events import ROLES, TOPICS
from backend.adapters.chain.web3_chain import Web3Chain
from backend.domain import ModelStatus, Outcome, RegisteredState, RegistryState, Verdict
from backend.errors import LogsIncomplete
from backend.services.hidden_events import lacking_events, list_of
from tests.standins.nodes import Json, Rule, error, quirky_node

from .conftest import World, failures

KEY = "0x" + "12" * 20
MODEL = "0x" + "34" * 32
DIAGNOSIS = "0x" + "56" * 32
HOLDER = "0x" + CLINICIAN.address[2:].lower().rjust(64, "0")


class Hiding(Rule):
    """``pruned``: without the state of any block but the newest that was asked for."""

    def __init__(self, hidden: Callable[[Json], bool], *, pruned: bool = False) -> None:
        self.hidden = hidden
        self.pruned = pruned
        self.newest = 0

    def call(self, method: str, params: list, relay: Callable[[], Json]) -> Json:
        if self.pruned and method == "eth_call" and params[1] != "latest":
            number = int(params[1], 16)
            self.newest = max(self.newest, number)
            if number < self.newest:
                return error(-32000, "missing trie node")
        answer = relay()
        if method == "eth_getLogs":
            answer["result"] = [log for log in answer["result"] if not self.hidden(log)]
        return answer


@contextmanager
def hiding(world: World, hidden: Callable[[Json], bool], *, pruned: bool = False) -> Iterator[Web3Chain]:
    true = world.chain
    with quirky_node(world.rpc_url, Hiding(hidden, pruned=pruned)) as node:
        yield Web3Chain(node.url, chain_id=true.chain_id, contract=true.contract, start_block=true.start_block)


def of_clinician(log: Json) -> bool:
    return log["topics"][0] in (TOPICS["RoleGranted"], TOPICS["RoleRevoked"]) and log["topics"][2] == HOLDER


@pytest.fixture
def reviewed(world: World) -> str:
    image_id = world.record().image_id
    world.review(image_id, Verdict.CONFIRMED, 1)
    world.review(image_id, Verdict.OVERRIDDEN, 2)
    return image_id


@pytest.fixture
def revoked(world: World, reviewed: str) -> Iterator[str]:
    """A record whose reviewer has lost the role since."""
    role = bytes.fromhex(ROLES["CLINICIAN_ROLE"][2:])
    world.admin._send("revokeRole", role, CLINICIAN.address)
    yield reviewed
    world.admin._send("grantRole", role, CLINICIAN.address)


def test_a_review_that_is_hidden_between_others_is_missed(world: World, reviewed: str) -> None:
    first = world.reviews(reviewed)[0]
    with (
        hiding(world, lambda log: int(log["blockNumber"], 16) == first.block.number) as chain,
        pytest.raises(LogsIncomplete, match=f"does not show the review {first.review_id}, which"),
    ):
        world.verify(reviewed, chain=chain)


def test_a_hidden_grant_is_missed_by_the_contracts_state(world: World, reviewed: str) -> None:
    with (
        hiding(world, of_clinician) as chain,
        pytest.raises(LogsIncomplete, match="a grant or revocation of CLINICIAN"),
    ):
        world.verify(reviewed, chain=chain)


def test_a_hidden_grant_is_missed_by_the_revocation_after_it(world: World, revoked: str) -> None:
    grants = lambda log: of_clinician(log) and log["topics"][0] == TOPICS["RoleGranted"]  # noqa: E731
    with hiding(world, grants) as chain, pytest.raises(LogsIncomplete, match="a grant or revocation of CLINICIAN"):
        world.verify(revoked, chain=chain)


def test_a_grant_that_is_hidden_with_its_revocation_is_missed_by_the_state_of_the_review(
    world: World, revoked: str
) -> None:
    with hiding(world, of_clinician) as chain, pytest.raises(LogsIncomplete, match="the grant of CLINICIAN_ROLE of 0x"):
        world.verify(revoked, chain=chain)


def test_a_node_without_old_states_shows_no_such_grant(world: World, revoked: str) -> None:
    with hiding(world, of_clinician, pruned=True) as chain:
        verification = world.verify(revoked, chain=chain)
    assert verification.verdict is Outcome.INVALID
    assert "reviewer role (review 1 of 2)" in failures(verification)


def test_an_image_that_nobody_registered_is_no_hidden_one(world: World) -> None:
    with hiding(world, lambda log: True) as chain:
        verification = world.verify("0x" + "78" * 32, chain=chain)
    assert verification.verdict is Outcome.INVALID
    assert "record exists" in failures(verification)


@pytest.mark.parametrize(
    ("state", "lacking"),
    [
        ({"compromises": {KEY: 5}}, f"the report of the classifier {KEY}"),
        ({"models": {MODEL: RegisteredState(ModelStatus.RETIRED, None)}}, f"the retirement of the model {MODEL}"),
        ({"models": {MODEL: RegisteredState(ModelStatus.UNKNOWN, "0x1")}}, f"the training of the model {MODEL}"),
        ({"newest_reviews": {DIAGNOSIS: "0x1"}}, "the review 0x1"),
        ({"roles": {("CLASSIFIER_ROLE", KEY): True}}, f"a grant or revocation of CLASSIFIER_ROLE of {KEY}"),
        ({"newest_reviews": {DIAGNOSIS: None}, "compromises": {KEY: None}}, None),
    ],
)
def test_each_part_of_the_state_is_compared(state: dict, lacking: str | None) -> None:
    stored = RegistryState(
        **{"image": None, "newest_reviews": {}, "models": {}, "compromises": {}, "roles": {}, **state}
    )
    found = list(
        lacking_events(
            stored,
            events=[],
            models=dict.fromkeys(stored.models, ()),
            changes=dict.fromkeys(stored.roles, ()),
            since=dict.fromkeys(stored.compromises),
        )
    )
    assert (lacking in found) if lacking else not found


def test_a_later_report_does_not_stand_for_the_earliest() -> None:
    state = RegistryState(image=None, newest_reviews={}, models={}, compromises={KEY: 5}, roles={})
    for since, lacking in ((7, 1), (5, 0)):
        assert len([*lacking_events(state, events=[], models={}, changes={}, since={KEY: since})]) == lacking


def test_a_long_list_is_cut() -> None:
    assert list_of(["a"]) == "a"
    assert list_of(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
