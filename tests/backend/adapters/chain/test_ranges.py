"""Nodes limit the range of eth_getLogs, each in its own way."""

from __future__ import annotations

import pytest

from backend.adapters.chain.rpc import RangeRefused, RateLimited
from backend.adapters.chain.web3_chain import Web3Chain
from tests.standins.nodes import Raw, refusal, relay

HTTP_500 = Raw(500, b"")
ATTEMPTS = 2
"""How often the client itself sends a request that fails."""


def through(registry, url: str) -> Web3Chain:
    return Web3Chain(url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("backend.adapters.chain.rpc.time.sleep", slept.append)
    return slept


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("answer", [refusal("query returned more than 10000 results"), Raw(413, b"too much"), HTTP_500])
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
    assert events[-1].cid == cid
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


@pytest.mark.parametrize("message", [None, "", {}])
def test_a_refusal_without_words_is_an_error_too(registry, message):
    def no_logs(method, parameters):
        return refusal(message, -32000) if method == "eth_getLogs" else None

    with (
        relay(registry.settings.rpc_url, no_logs) as url,
        pytest.raises(RangeRefused, match=r"^the node refused the request: no reason given$"),
    ):
        through(registry, url).events(0, 1)


@pytest.fixture
def head(registry, cid) -> int:
    for number in range(4):
        registry.wallet.register_image(f"{cid[:-1]}{'abcd'[number]}")
    return registry.chain.head().number


def test_a_range_grows_again_after_trouble_that_passed(registry, head):
    """Two failures halve it twice; each success doubles it."""
    asked = []

    def fail_twice(method, parameters):
        if method != "eth_getLogs":
            return None
        asked.append(int(parameters[0]["toBlock"], 16) - int(parameters[0]["fromBlock"], 16) + 1)
        return refusal("try again", -32000) if len(asked) <= 2 else None

    with relay(registry.settings.rpc_url, fail_twice) as url:
        events = through(registry, url).events(head - 3, head)

    assert events == registry.chain.events(head - 3, head)
    assert asked == [4, 2, 1, 2, 1]


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({"Retry-After": "3"}, 3.0), ({"Retry-After": "3600"}, 10.0), ({}, 1.0), ({"Retry-After": "?"}, 1.0)],
)
def test_a_node_that_is_asked_too_often_is_given_a_pause_and_the_same_range(registry, head, pauses, headers, pause):
    asked = []

    def too_often(method, parameters):
        if method != "eth_getLogs":
            return None
        asked.append((int(parameters[0]["fromBlock"], 16), int(parameters[0]["toBlock"], 16)))
        return Raw(429, b"", headers) if len(asked) <= ATTEMPTS else None

    with relay(registry.settings.rpc_url, too_often) as url:
        events = through(registry, url).events(head - 3, head)

    assert events == registry.chain.events(head - 3, head)
    assert set(asked) == {(head - 3, head)}
    assert pause in pauses


def test_a_node_that_never_wants_to_be_asked_is_an_error(registry, pauses):
    def never(method, parameters):
        return Raw(429, b"", {"Retry-After": "2"}) if method == "eth_getLogs" else None

    with (
        relay(registry.settings.rpc_url, never) as url,
        pytest.raises(RateLimited, match=r"^the node answered with HTTP 429: too many requests, try again in 2 s$"),
    ):
        through(registry, url).events(0, 1)
    assert pauses.count(2.0) == 3
