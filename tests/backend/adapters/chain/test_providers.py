"""Nodes with the habits of real providers: batches, rates, redirects, slow and endless answers."""

from __future__ import annotations

import json
import time

import pytest

from backend.adapters.chain import http_node, rpc
from backend.adapters.chain.web3_chain import Web3Chain
from backend.deadlines import time_limit
from backend.errors import ChainUnavailable
from tests.standins.nodes import CLOSED, RESET, QuirkyNode, Raw, Rule, error, quirky_node

MODELS = ["0x" + f"{number:064x}" for number in range(1, 8)]


@pytest.fixture
def node(registry_of):
    """Before Anvil: no test here is about the node behind."""
    with quirky_node(registry_of["anvil"].settings.rpc_url) as node:
        yield node


@pytest.fixture
def chain(registry_of, node) -> Web3Chain:
    real = registry_of["anvil"].chain
    chain = Web3Chain(node.url, chain_id=real.chain_id, contract=real.contract, start_block=real.start_block)
    chain.head()
    node.counts.clear()
    node.calls.clear()
    return chain


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("backend.adapters.chain.rpc.time.sleep", slept.append)
    return slept


class Batches(Rule):
    """Refuses batches of more than ``most`` calls."""

    def __init__(self, most: int, answer: object) -> None:
        self.most = most
        self.answer = answer
        self.refused = 0

    def batch(self, calls, each):
        if len(calls) <= self.most:
            return super().batch(calls, each)
        self.refused += 1
        return self.answer


def as_http(status: int, message: str) -> Raw:
    return Raw(status, json.dumps({"jsonrpc": "2.0", "id": None, **error(-32600, message)}).encode())


REFUSALS = [
    as_http(400, "batch requests are not supported"),
    as_http(413, "batch size is too large"),
    Raw(500, b"internal"),
    Raw(403, b"<html>Forbidden</html>"),
    {"jsonrpc": "2.0", "id": None, **error(-32600, "batch size limit exceeded")},
    {},
    Raw(CLOSED),
    Raw(RESET),
    Raw(200),
]


@pytest.mark.parametrize("most", [0, 3])
@pytest.mark.parametrize("answer", REFUSALS, ids=lambda answer: str(answer)[:40])
def test_a_batch_that_is_refused_becomes_smaller_and_its_size_is_remembered(node, chain, registry_of, most, answer):
    node.rule = Batches(most, answer)

    for _ in range(10):
        assert chain.model_states(MODELS) == registry_of["anvil"].chain.model_states(MODELS)
    # The size is halved until it passes, then seldom tried again; where the connection broke, each is sent twice.
    assert node.rule.refused <= (20 if isinstance(answer, Raw) and answer.status in (CLOSED, RESET) else 10)


@pytest.mark.parametrize("answer", [Raw(CLOSED), Raw(200)], ids=["closed", "empty"])
def test_a_node_that_answers_nothing_at_all_is_an_error_after_few_requests(node, chain, answer):
    class Nothing(Rule):
        def call(self, method, params, relay):
            return answer

        def batch(self, calls, each):
            return answer

    node.rule = Nothing()
    with pytest.raises(ChainUnavailable):
        chain.model_states(MODELS)
    assert node.counts["batch"] + node.counts["eth_call"] <= 4


class Partly(Rule):
    def __init__(self, change) -> None:
        self.change = change

    def batch(self, calls, each):
        return self.change(super().batch(calls, each))


@pytest.mark.parametrize(
    "change",
    [
        lambda answers: answers[::-1],
        lambda answers: answers[:2],
        lambda answers: [],
        lambda answers: [None, *answers[1:]],
        lambda answers: [{**answer, "id": 10_000 + answer["id"]} for answer in answers],
        lambda answers: [{**answer, "id": None} for answer in answers],
        lambda answers: [{"id": answer["id"]} for answer in answers],
        lambda answers: [*answers, *answers],
        lambda answers: [{**answer, "id": answers[0]["id"]} for answer in answers],
        lambda answers: [17, "no", [], *answers[2:]],
    ],
)
def test_an_answer_to_a_batch_that_is_incomplete_or_in_disorder_is_completed(node, chain, registry_of, change):
    node.rule = Partly(change)

    assert chain.model_states(MODELS) == registry_of["anvil"].chain.model_states(MODELS)


def test_an_error_of_one_request_in_a_batch_makes_no_batch_smaller(node, chain, registry_of):
    """A call that reverts says nothing about the size of the batch."""

    def third_fails(answers):
        return [{"id": a["id"], **error(3, "execution reverted")} if n == 2 else a for n, a in enumerate(answers)]

    node.rule = Partly(third_fails)
    for _ in range(3):
        assert chain.model_states(MODELS) == registry_of["anvil"].chain.model_states(MODELS)
    assert node.counts["batch"] == 3


def test_of_a_batch_only_what_came_too_often_is_asked_again(node, chain, registry_of, pauses):
    class Limited(Rule):
        first = True

        def batch(self, calls, each):
            limited = self.first
            self.first = False
            limit = {"jsonrpc": "2.0", **error(-32005, "rate limit")}
            return [{**limit, "id": c["id"]} if limited and n >= 3 else each(c) for n, c in enumerate(calls)]

    node.rule = Limited()
    assert chain.model_states(MODELS) == registry_of["anvil"].chain.model_states(MODELS)
    assert node.counts["eth_call"] == 2 * len(MODELS)
    assert pauses == [1.0]


def test_a_rate_limit_in_http_200_is_given_a_pause_and_the_same_range(node, chain, registry_of, pauses):
    class Limited(Rule):
        left = 2

        def call(self, method, params, relay):
            if method == "eth_getLogs" and self.left:
                self.left -= 1
                return error(-32005, "project ID request rate exceeded")
            return relay()

    node.rule = Limited()
    head = registry_of["anvil"].chain.head().number
    assert chain.events(0, head) == registry_of["anvil"].chain.events(0, head)
    ranges = {(call[0]["fromBlock"], call[0]["toBlock"]) for method, call in node.calls if method == "eth_getLogs"}
    assert ranges == {("0x0", hex(head))}
    assert pauses == [1.0, 2.0]
    node.calls.clear()
    chain.events(0, head)
    assert len(node.calls) == len([call for call in node.calls if call[0] != "eth_getLogs"]) + 1


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (error(-32005, "slow down", data={"rate": {"backoff_seconds": 4}}), 4.0),
        (error(429, "exceeded its compute units per second capacity"), 1.0),
        (Raw(200, json.dumps({"id": 1, **error(-32097, "rate limited")}).encode(), {"Retry-After": "6"}), 6.0),
        (Raw(503, b"busy", {"Retry-After": "5"}), 5.0),
        (Raw(429, b"", {"Retry-After": "100000"}), 10.0),
        (Raw(429, b"", {"Retry-After": "-5"}), 1.0),
    ],
)
def test_every_request_is_repeated_after_the_pause_that_the_node_names(node, chain, pauses, answer, pause):
    class Once(Rule):
        answered = False

        def call(self, method, params, relay):
            if self.answered:
                return relay()
            self.answered = True
            return answer

    node.rule = Once()
    chain.head()
    assert pauses == [pause]


def test_a_rate_that_stays_limited_is_an_error_after_few_requests(node, chain, pauses):
    class Always(Rule):
        def call(self, method, params, relay):
            return error(-32005, "project ID request rate exceeded")

    node.rule = Always()
    with pytest.raises(
        rpc.RateLimited, match=r"^the node answered that it limits its rate: too many requests, try again in 10 s$"
    ):
        chain.events(0, 10)
    assert len(node.calls) == 4
    assert len(pauses) == 3


def test_a_limit_of_ten_blocks_is_learnt_once_and_kept_for_every_reader(node, chain, registry_of):
    class Ten(Rule):
        refused = 0

        def call(self, method, params, relay):
            if method == "eth_getLogs" and int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 10:
                self.refused += 1
                return as_http(400, "block range is too large, max is 10 blocks")
            return relay()

    real = registry_of["anvil"]
    real.rpc("anvil_mine", hex(200))
    node.rule = Ten()
    last = chain.head().number
    assert chain.events(last - 200, last) == real.chain.events(last - 200, last)
    again = Web3Chain(node.url, chain_id=chain.chain_id, contract=chain.contract)
    assert again.events(last - 200, last) == real.chain.events(last - 200, last)
    assert node.rule.refused == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_on_the_same_host_is_followed_with_the_request(node, chain, registry_of, status):
    class Moved(Rule):
        def call(self, method, params, relay):
            return Raw(status, headers={"Location": registry_of["anvil"].settings.rpc_url})

    node.rule = Moved()
    assert chain.head() == registry_of["anvil"].chain.head()


@pytest.mark.parametrize("target", ["http://localhost:1/", "ftp://127.0.0.1/", "http://[::"])
def test_a_redirect_elsewhere_is_refused(node, chain, target):
    class Moved(Rule):
        def call(self, method, params, relay):
            return Raw(301, headers={"Location": target})

    node.rule = Moved()
    with pytest.raises(ChainUnavailable, match=r"^the node redirects to another host \(HTTP 301\)") as raised:
        chain.head()
    assert "localhost" not in str(raised.value)


def test_an_answer_without_end_is_cut_off(node, chain, monkeypatch):
    monkeypatch.setattr(http_node, "MAX_ANSWER_BYTES", 1000)

    class Endless(Rule):
        def call(self, method, params, relay):
            return Raw(body=b'"' + b"x" * 5000 + b'"')

    node.rule = Endless()
    with pytest.raises(ChainUnavailable, match=r"^the node's answer has more than 1,000 bytes$"):
        chain.head()


@pytest.mark.parametrize("seconds", [0.5, 30.0])
def test_an_answer_that_comes_byte_by_byte_has_a_limit(node, chain, monkeypatch, seconds):
    """The limit of the answer, or the one of the caller."""
    monkeypatch.setattr(http_node, "ANSWER_S", 1.0)

    class Dripping(Rule):
        def call(self, method, params, relay):
            return Raw(body=b'{"jsonrpc": "2.0", "id": 1, "result": "0x1"}' + b" " * 500, drip_s=0.1)

    node.rule = Dripping()
    begun = time.monotonic()
    with time_limit(seconds), pytest.raises(ChainUnavailable, match=r"in time|longer than a request"):
        chain.head()
    assert time.monotonic() - begun < 30


def test_a_caller_without_time_asks_nothing(node: QuirkyNode, chain):
    with time_limit(0), pytest.raises(ChainUnavailable, match=r"^the node needs longer than a request here may take"):
        chain.events(0, 1000)
    assert node.calls == []


@pytest.mark.parametrize("value", [31337, "31337", "0x7a69"])
def test_a_chain_id_may_be_a_decimal_number(node, registry_of, value):
    class Decimal(Rule):
        def call(self, method, params, relay):
            return {"result": value} if method == "eth_chainId" else relay()

    node.rule = Decimal()
    assert rpc.chain_id_of(node.url) == 31337
    real = registry_of["anvil"].chain
    assert Web3Chain(node.url, chain_id=31337, contract=real.contract).head() == real.head()
