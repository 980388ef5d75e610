"""Nodes limit the range of eth_getLogs, each in its own way."""

from __future__ import annotations

import pytest

from backend.adapters.chain.rpc import RangeRefused
from backend.adapters.chain.web3_chain import Web3Chain

from .relay import refusal, relay

HTTP_500 = (500, b"")


def through(registry, url: str) -> Web3Chain:
    return Web3Chain(url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)


@pytest.mark.parametrize("answer", [refusal("query returned more than 10000 results"), (413, b"too much"), HTTP_500])
def test_a_refused_range_is_halved_until_it_passes(registry, cid, answer):
    sent = registry.wallet.register_image(cid)
    asked = []

    def at_most_two_blocks(method, parameters):
        if method == "eth_getLogs":
            first, last = (int(parameters[0][end], 16) for end in ("fromBlock", "toBlock"))
            asked.append((first, last))
            return answer if last - first + 1 > 2 else None

    with relay(registry.settings.rpc_url, at_most_two_blocks) as url:
        events = through(registry, url).events(0, sent.block)

    assert events == registry.chain.events(0, sent.block)
    assert [event.cid for event in events][-1] == cid
    passed = sorted({(first, last) for first, last in asked if last - first < 2})
    assert [block for first, last in passed for block in range(first, last + 1)] == list(range(sent.block + 1))


def test_a_single_refused_block_is_an_error_with_the_nodes_words(registry):
    def no_logs(method, parameters):
        return refusal("logs are for paying customers") if method == "eth_getLogs" else None

    with (
        relay(registry.settings.rpc_url, no_logs) as url,
        pytest.raises(RangeRefused, match=r"^the node refused the request: logs are for paying customers$"),
    ):
        through(registry, url).events(0, 1)
