"""Why a transaction failed, from whatever a node answers about it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from eth_abi import encode
from eth_utils import keccak

from backend.adapters.chain import rpc
from backend.adapters.chain.reverts import describe, explain, reason
from tests.standins.nodes import Intercepting, Raw, error, quirky_node, result

IMAGE = bytes.fromhex("ab" * 32)
REGISTERED = "0x" + (keccak(text="ImageAlreadyRegistered(bytes32)")[:4] + IMAGE).hex()
TRANSACTION = {"from": "0x" + "11" * 20, "to": "0x" + "22" * 20, "value": "0x0", "gas": "0x5208", "input": "0x"}
RECEIPT = {"gasUsed": "0x5207", "blockNumber": "0x7"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (REGISTERED, f"ImageAlreadyRegistered(imageId: 0x{IMAGE.hex()})"),
        ({"result": REGISTERED}, f"ImageAlreadyRegistered(imageId: 0x{IMAGE.hex()})"),
        ("0x08c379a0" + encode(["string"], ["paused"]).hex(), "paused"),
        ("0x4e487b71" + encode(["uint256"], [0x11]).hex(), "panic 0x11"),
        ("0xdeadbeef", "unknown error 0xdeadbeef"),
        (REGISTERED[:-2], None),
        ("0x08c379a0" + "ff" * 32, None),
        ("0x", None),
        (REGISTERED.removeprefix("0x"), None),
        (None, None),
        ({"result": 7}, None),
    ],
    ids=str,
)
def test_revert_data_as_text(data: object, text: str | None) -> None:
    assert describe(data) == text


def test_a_known_error_is_followed_by_its_meaning() -> None:
    assert explain(REGISTERED) == f"{describe(REGISTERED)}: this account registered this image before"
    assert explain("0xdeadbeef") == "unknown error 0xdeadbeef"
    assert explain(None) is None


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (error(3, "execution reverted", data=REGISTERED), describe(REGISTERED)),
        (error(3, "execution reverted: paused", data="0x"), "execution reverted: paused"),
        (error(-32000, "missing trie node " + "x" * 300), "missing trie node " + "x" * 182),
        (error(-32000, ""), "no reason given"),
        (result("0x"), "failed in its block, but passes when called again now"),
        (Raw(200, b"<html>"), None),
    ],
    ids=str,
)
def test_the_reason_is_what_the_node_says_of_the_call_made_again(
    answer: Raw | Mapping[str, object], text: str | None
) -> None:
    asked: list[object] = []

    def node_answers(method: str, params: list[object]) -> Raw | Mapping[str, object]:
        if method == "eth_call":
            asked.append(params[1])
            return answer
        return result("0x1")

    with quirky_node("http://127.0.0.1:9", Intercepting(node_answers)) as node:
        found = reason(rpc.connect(node.url), TRANSACTION, RECEIPT)
    assert asked == ["0x7"]
    assert found == (
        text
        or "failed for a reason that the node does not tell (the node's answer is not an Ethereum node's (no JSON))"
    )


def test_a_transaction_that_used_all_its_gas_is_not_called_again() -> None:
    web3 = rpc.connect("http://127.0.0.1:9")
    assert reason(web3, TRANSACTION, {**RECEIPT, "gasUsed": TRANSACTION["gas"]}) == "out of gas"
    assert reason(web3, TRANSACTION, {}) == (
        "failed for a reason that the node does not tell (the node's answer is not an Ethereum node's "
        "(without gasUsed))"
    )
