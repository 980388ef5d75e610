"""Another chain, another contract, or no node at all; and the node's address, which may hold a key, in no message."""

from __future__ import annotations

import logging
import traceback

import pytest

from backend.adapters.chain.development_accounts import USER
from backend.adapters.chain.web3_chain import Web3Chain
from backend.errors import ChainError, ChainUnavailable, WrongChain
from backend.processes import free_port
from tests.standins.nodes import Raw, refusal, relay, result

NOBODY = "0x00000000000000000000000000000000000000AA"


def chain_at(registry, url: str, **changes) -> Web3Chain:
    return Web3Chain(url, **{"chain_id": registry.chain.chain_id, "contract": registry.chain.contract, **changes})


def test_another_chain_id_is_refused(registry):
    chain = chain_at(registry, registry.settings.rpc_url, chain_id=11155111)

    with pytest.raises(WrongChain) as raised:
        chain.head()
    assert str(raised.value) == f"expected chain 11155111, but the node serves chain {registry.chain.chain_id}"


def test_an_address_without_code_is_refused(registry):
    with pytest.raises(WrongChain, match=f"expected the contract at {NOBODY}, but there is no code on chain"):
        chain_at(registry, registry.settings.rpc_url, contract=NOBODY).events(0, 1)


def test_other_code_is_refused(registry):
    code = registry.web3.eth.get_code(registry.chain.contract)
    other = bytes([code[0] ^ 1]) + bytes(code[1:])

    def other_code(method, parameters):
        return result("0x" + other.hex()) if method == "eth_getCode" else None

    with (
        relay(registry.settings.rpc_url, other_code) as url,
        pytest.raises(WrongChain, match=r"expected ImageRegistry at .*, but other code is there"),
    ):
        chain_at(registry, url).head()


def test_a_node_that_comes_back_as_another_chain_is_noticed(registry):
    answers = {}

    def intercept(method, parameters):
        return answers.get(method)

    with relay(registry.settings.rpc_url, intercept) as url:
        chain = chain_at(registry, url)
        chain.head()
        answers["eth_getBlockByNumber"] = refusal("shutting down", -32000)
        with pytest.raises(ChainUnavailable):
            chain.head()
        answers = {"eth_chainId": result("0x1")}
        with pytest.raises(WrongChain):
            chain.head()


@pytest.mark.parametrize("ask", ["head", "time"])
def test_a_node_that_begins_to_serve_another_chain_is_noticed_without_a_failure(registry, ask):
    answers = {}
    with relay(registry.settings.rpc_url, lambda method, _: answers.get(method)) as url:
        chain = chain_at(registry, url)
        before = getattr(chain, ask)()
        answers["eth_chainId"] = result("0x1")
        for _ in range(2):
            with pytest.raises(WrongChain, match=rf"^expected chain {chain.chain_id}, but the node serves chain 1$"):
                getattr(chain, ask)()
        # From then on every method refuses, until the node serves the right chain again.
        with pytest.raises(WrongChain):
            chain.image_states(["0x" + "ab" * 32])
        answers.clear()
        assert getattr(chain, ask)() >= before if ask == "time" else getattr(chain, ask)() == before


@pytest.mark.parametrize(
    "answer",
    [
        refusal("no"),
        Raw(500, b"secret-key"),
        Raw(429, b""),
        Raw(200, b"<html>secret-key</html>"),
        Raw(200, b"[]"),
        Raw(200, b"17"),
        Raw(200, b'{"jsonrpc":"2.0","id":1}'),
        result("not hex"),
        result(None),
        result({"number": "0x1"}),
        result([[]]),
    ],
    ids=lambda answer: str(answer)[:60],
)
@pytest.mark.parametrize("method", ["eth_chainId", "eth_getBlockByNumber", "eth_getLogs", "eth_getTransactionReceipt"])
def test_whatever_a_node_answers_is_a_chain_error_that_hides_its_address(
    registry_of, caplog, monkeypatch, method, answer
):
    registry = registry_of["anvil"]
    monkeypatch.setattr("backend.adapters.chain.rpc._PAUSE_S", 0)
    caplog.set_level(logging.DEBUG)
    empty = method == "eth_getTransactionReceipt" and answer == result(None)

    with relay(registry.settings.rpc_url, lambda asked, _: answer if asked == method else None) as url:
        chain = chain_at(registry, url)
        try:
            chain.events(0, 1)
            chain.head()
            chain.transaction("0x" + "ab" * 32, confirmations=1)
        except ChainError as error:
            text = "".join(traceback.format_exception(error))
        else:
            text = ""
            assert empty, "the answer was accepted"
    assert "secret-key" not in text + repr(chain)
    assert "secret-key" not in caplog.text


def test_a_node_that_is_not_there_is_unavailable(registry):
    port = free_port()
    chain = chain_at(registry, f"http://127.0.0.1:{port}/v3/secret-key")

    with pytest.raises(ChainUnavailable, match=r"^the node cannot be reached \(ConnectionError\)$") as raised:
        chain.roles("CLASSIFIER_ROLE", USER.address)
    assert "secret-key" not in "".join(traceback.format_exception(raised.value))
