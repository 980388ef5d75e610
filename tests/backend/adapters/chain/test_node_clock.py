"""The time of a chain: of its newest block, or of its node where no block was mined lately."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from backend.adapters.chain import rpc
from backend.adapters.chain.web3_chain import Web3Chain
from backend.errors import ChainUnavailable
from tests.standins.nodes import Raw, Rule, quirky_node

from .conftest import Registry


class Dated(Rule):
    def __init__(self, date: str) -> None:
        self.date = date

    def call(self, method, params, relay):
        return Raw(body=json.dumps({"jsonrpc": "2.0", "id": 1, **relay()}).encode(), headers={"Date": self.date})


@pytest.fixture
def node_of(registry: Registry) -> Iterator[Callable[[str], Web3Chain]]:
    """The chain through a node whose answers have that Date."""
    with ExitStack() as stack:

        def start(date: str) -> Web3Chain:
            node = stack.enter_context(quirky_node(registry.settings.rpc_url, Dated(date)))
            return Web3Chain(node.url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)

        yield start


def test_a_node_tells_its_time(registry):
    _, clock = rpc.ask_dated(rpc.connect(registry.settings.rpc_url), "eth_chainId")
    assert abs(clock - time.time()) < 60
    assert abs(registry.chain.time() - time.time()) < 10


def test_a_clock_that_is_later_than_the_newest_block_decides(node_of):
    assert node_of("Fri, 01 Jan 2100 00:00:00 GMT").time() == 4102444800


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "",
        "yesterday",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "9" * 5000,
    ],
)
def test_the_newest_block_decides_without_a_later_clock(registry, node_of, date):
    assert node_of(date).time() == registry.chain.head().timestamp


def test_a_node_that_is_down_is_unavailable(registry):
    with pytest.raises(ChainUnavailable):
        Web3Chain("http://127.0.0.1:1", chain_id=registry.chain.chain_id, contract=registry.chain.contract).time()
