"""A node that answers eth_getLogs for ten blocks at a time: commands that read a record do not take for ever."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from backend.adapters.chain.dev import embedded
from backend.commands import chosen_chain
from backend.settings import load
from tests.backend.commands.conftest import InProcess, Shared, shared
from tests.standins.nodes import QuirkyNode, Rule, error, quirky_node

BLOCKS = 400
WIDTH = 10


class Narrow(Rule):
    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s

    def call(self, method, params, relay):
        if method == "eth_getLogs" and "fromBlock" in params[0]:
            time.sleep(self.delay_s)
            if int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= WIDTH:
                return error(-32600, f"block range is too large, max is {WIDTH} blocks")
        return relay()


@dataclass(frozen=True)
class Recorded:
    """``own`` has a store, and an index that lacks the newest BLOCKS blocks."""

    own: Shared
    image_id: str
    contract: str
    chain_id: int
    block: int
    node: QuirkyNode


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    own = shared(tmp_path_factory.mktemp("own"))
    image_id = own("demo", "--json").json["imageId"]
    settings = load(own.environ, env_file=None)
    with embedded.running(settings, classifier=None) as chain, quirky_node(settings.rpc_url, Narrow()) as node:
        call = {"jsonrpc": "2.0", "id": 1, "method": "anvil_mine", "params": [hex(BLOCKS), "0x0"]}
        requests.post(chain.node.private_url, json=call, timeout=20).raise_for_status()
        found = chain.deployment
        yield Recorded(own, image_id, found.address, settings.chain_id, found.block, node)


def external(recorded: Recorded) -> dict[str, str]:
    """Settings for the narrow node, with the store and the index of ``own``."""
    return {
        "SCANPROOF_VAR": recorded.own.environ["SCANPROOF_VAR"],
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_CHAIN_ID": str(recorded.chain_id),
        "SCANPROOF_CONTRACT_ADDRESS": recorded.contract,
        "SCANPROOF_CONTRACT_BLOCK": str(recorded.block),
        "SCANPROOF_RPC_URL": recorded.node.url,
    }


def without_index(recorded: Recorded) -> dict[str, str]:
    return {**external(recorded), "DATABASE_URL": "sqlite:////nowhere/at-all.db"}


@pytest.fixture
def asked(recorded: Recorded) -> QuirkyNode:
    recorded.node.counts.clear()
    recorded.node.rule = Narrow()
    return recorded.node


def test_without_an_index_all_histories_come_from_one_reading_of_the_blocks(
    command: InProcess, recorded: Recorded, asked: QuirkyNode
) -> None:
    done = command("verify", "--image-id", recorded.image_id, "--json", **without_index(recorded))

    assert (done.status, done.json["verdict"]) == (0, "valid"), done.json
    # One reading of all blocks, and for each history the newest, which a node may not show at once.
    assert asked.counts["eth_getLogs"] < 2 * BLOCKS / WIDTH


def test_an_evidence_file_is_made_with_the_index_which_is_brought_up_to_date(
    command: InProcess, recorded: Recorded, asked: QuirkyNode, tmp_path
) -> None:
    settings = external(recorded)

    done = command("evidence", recorded.image_id, "--output", tmp_path / "first.zip", "--json", **settings)
    assert done.status == 0, done.json
    assert BLOCKS / WIDTH <= asked.counts["eth_getLogs"] < 2 * BLOCKS / WIDTH

    asked.counts.clear()
    done = command("evidence", recorded.image_id, "--output", tmp_path / "again.zip", "--json", **settings)
    assert done.status == 0, done.json
    assert asked.counts["eth_getLogs"] < BLOCKS / WIDTH / 2
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "first.zip").read_bytes()


@pytest.mark.parametrize("name", ["evidence", "verify", "verify --evidence", "review"])
def test_a_command_gives_up_after_its_time_and_says_what_helps(
    command: InProcess, recorded: Recorded, asked: QuirkyNode, tmp_path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / "evidence.zip"
    if name == "verify --evidence":
        assert command("evidence", recorded.image_id, "--output", file, **external(recorded)).status == 0
    monkeypatch.setattr(chosen_chain, "READING_S", 0.5)
    words = {
        "evidence": ["evidence", recorded.image_id, "--output", file, "--contract", recorded.contract],
        "verify": ["verify", "--image-id", recorded.image_id, "--contract", recorded.contract],
        "verify --evidence": ["verify", "--evidence", file],
        "review": ["review", recorded.image_id, "--withdraw", "--reason", "r", "--contract", recorded.contract],
    }
    asked.rule = Narrow(delay_s=0.1)
    begun = time.monotonic()

    done = command(*words[name], "--rpc", asked.url, "--json")

    assert done.status == 1
    message = done.json["error"]["message"]
    assert message.startswith("expected to read the record within 0 s, but the node needs longer.")
    assert "--contract-block" in message
    assert time.monotonic() - begun < 40


def test_a_long_reading_shows_how_far_it_is(
    command: InProcess, recorded: Recorded, asked: QuirkyNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.commands.console.WAIT_S", 0.0)

    done = command("verify", "--image-id", recorded.image_id, **without_index(recorded))

    assert re.search(rf"^block \d+ of {BLOCKS // 100}\d\d$", done.stderr, re.MULTILINE), done.stderr
