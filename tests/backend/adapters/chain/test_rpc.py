"""The client's errors and a node's numbers, without a node; batches that come too often."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from web3.exceptions import BlockNotFound, Web3Exception, Web3RPCError

from backend.adapters.chain import rpc
from backend.adapters.chain.rpc import RangeRefused, RateLimited, ask_many, quantity, translated
from backend.errors import ChainUnavailable
from tests.standins.nodes import Json, QuirkyNode, Raw, Rule, error, quirky_node

NO_NODE = "the node's answer is not an Ethereum node's"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("backend.adapters.chain.rpc.time.sleep", slept.append)
    return slept


@pytest.fixture
def node() -> Iterator[QuirkyNode]:
    """Answers by its rule alone: no true node is behind it."""
    with quirky_node("http://127.0.0.1:9") as node:
        yield node


class Busy(Rule):
    """Answers the first ``times`` batches with ``answer``, and every call with its first parameter."""

    def __init__(self, times: int, answer: Json | Raw) -> None:
        self.times = times
        self.answer = answer

    def call(self, method: str, params: list[Json], relay: Callable[[], Json]) -> Json:
        return {"result": params[0]}

    def batch(self, calls: list[Json], each: Callable[[Json], Json]) -> Json | Raw:
        self.times -= 1
        return super().batch(calls, each) if self.times < 0 else self.answer


@pytest.mark.parametrize(
    ("raised", "kind", "text"),
    [
        (BlockNotFound("0x7"), ChainUnavailable, "the chain was reorganised while it was read: try again"),
        (Web3RPCError("x", rpc_response=error(-32000, "busy")), RangeRefused, "the node refused the request: busy"),
        (Web3RPCError("http://key@host"), RangeRefused, "the node refused the request: no reason given"),
        (KeyError("gasUsed"), ChainUnavailable, f"{NO_NODE} (without gasUsed)"),
        (KeyError("http://key@host"), ChainUnavailable, f"{NO_NODE} (KeyError)"),
        (KeyError(), ChainUnavailable, f"{NO_NODE} (KeyError)"),
        (OverflowError("http://key@host"), ChainUnavailable, f"{NO_NODE} (OverflowError)"),
        (RecursionError("http://key@host"), ChainUnavailable, f"{NO_NODE} (it is nested too deeply)"),
        (Web3Exception("http://key@host"), ChainUnavailable, "the node's answer cannot be used (Web3Exception)"),
    ],
    ids=repr,
)
def test_an_error_of_the_client_becomes_one_without_the_nodes_url(
    raised: Exception, kind: type[ChainUnavailable], text: str
) -> None:
    with pytest.raises(ChainUnavailable) as found, translated():
        raise raised
    assert (type(found.value), str(found.value), found.value.__suppress_context__) == (kind, text, True)


@pytest.mark.parametrize(
    ("value", "number"), [("0x0", 0), ("0X1f", 31), ("31", 31), (31, 31), (hex(2**256 - 1), 2**256 - 1)]
)
def test_a_quantity(value: object, number: int) -> None:
    assert quantity(value) == number


@pytest.mark.parametrize("value", [None, True, 1.0, "", "0x", "0xzz", "-0x1", -1, hex(2**256), 2**256, ["0x1"]])
def test_what_is_no_quantity_is_an_error_of_the_node(value: object) -> None:
    with pytest.raises(ChainUnavailable, match=f"^{NO_NODE} "):
        quantity(value)


@pytest.mark.parametrize(
    ("answer", "pause"),
    [(Raw(429, b"", {"Retry-After": "3"}), 3.0), (Raw(429), 1.0), (Raw(503, b"", {"Retry-After": "2"}), 2.0)],
)
def test_a_batch_that_comes_too_often_is_sent_again_smaller_after_a_pause(
    node: QuirkyNode, pauses: list[float], answer: Raw, pause: float
) -> None:
    node.rule = Busy(1, answer)
    wanted = [[number] for number in range(5)]
    assert ask_many(rpc.connect(node.url), "eth_call", wanted) == [0, 1, 2, 3, 4]
    assert pauses == [pause]
    assert node.counts["batch"] > 2


@pytest.mark.parametrize(
    "answer",
    [Raw(429), [{"jsonrpc": "2.0", "id": number, **error(-32005, "rate limit")} for number in range(64)]],
    ids=["of the batch", "of each call"],
)
def test_batches_that_always_come_too_often_end_in_an_error(
    node: QuirkyNode, pauses: list[float], answer: Json | Raw
) -> None:
    node.rule = Busy(1000, answer)
    with pytest.raises(RateLimited, match=r"too many requests, try again in 10 s$"):
        ask_many(rpc.connect(node.url), "eth_call", [[number] for number in range(64)])
    assert pauses == [1.0, 2.0, 4.0]
