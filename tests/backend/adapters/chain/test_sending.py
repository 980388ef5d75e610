"""A transaction that the node has already, whose answer is lost, or whose fees are too low."""

from __future__ import annotations

import threading

import pytest

from backend.adapters.chain import wallet as wallets
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import USER
from backend.adapters.chain.web3_chain import Web3Chain
from backend.domain import TransactionState
from backend.errors import ChainUnavailable
from tests.standins.nodes import Raw, Rule, error, quirky_node

FIELDS = {
    "eth_getTransactionReceipt": ["blockHash", "blockNumber", "gasUsed", "status", "transactionHash", "logs", "from"],
    "eth_getTransactionByHash": ["from", "nonce", "gas", "value", "input", "to", "hash", "blockHash", "type"],
    "eth_getBlockByNumber": ["number", "hash", "timestamp", "parentHash", "logsBloom", "transactions", "extraData"],
}


class Sending(Rule):
    """Passes the transaction on, unless ``lost``, and answers ``answer`` the first ``times`` times."""

    def __init__(self, answer, *, lost: bool = False, times: int = 100) -> None:
        self.answer = answer
        self.lost = lost
        self.times = times
        self.sent: list[str] = []

    def call(self, method, params, relay):
        if method != "eth_sendRawTransaction":
            return relay()
        self.sent.append(params[0])
        if len(self.sent) > self.times:
            return relay()
        if not self.lost:
            relay()
        return self.answer


def through(registry, url: str) -> DevelopmentWallet:
    return DevelopmentWallet(url, registry.chain.contract, USER)


@pytest.mark.parametrize(
    "answer",
    [
        error(-32000, "already known"),
        error(-32003, "transaction already imported"),
        error(-32000, "known transaction: 0x12"),
        error(-32010, "AlreadyKnown"),
        error(-32000, "ALREADY_EXISTS: already known"),
        error(-32000, "nonce too low"),
        error(-32000, "Known transaction"),
        Raw(500, b""),
        Raw(200, b"<html>"),
    ],
    ids=str,
)
def test_a_transaction_that_the_node_has_is_ours_and_waited_for(registry, cid, answer):
    rule = Sending(answer)
    with quirky_node(registry.settings.rpc_url, rule) as node:
        sent = through(registry, node.url).register_image(cid)

    assert registry.chain.transaction(sent.hash, confirmations=1).state is TransactionState.CONFIRMED
    assert len(set(rule.sent)) == 1


@pytest.mark.parametrize("answer", [error(-32000, "nonce too low"), error(-32000, "insufficient funds"), Raw(500, b"")])
def test_a_transaction_that_the_node_refuses_is_not_waited_for(registry, cid, answer):
    with quirky_node(registry.settings.rpc_url, Sending(answer, lost=True)) as node, pytest.raises(ChainUnavailable):
        through(registry, node.url).register_image(cid)


def test_an_unknown_type_of_transaction_is_not_taken_for_a_known_transaction(registry, cid, monkeypatch):
    monkeypatch.setattr(wallets, "_MINED_WITHIN_S", 0.2)
    rule = Sending(error(-32000, "unknown transaction type"), lost=True)
    with (
        quirky_node(registry.settings.rpc_url, rule) as node,
        pytest.raises(ChainUnavailable, match=r"^the node refused the request: unknown transaction type$"),
    ):
        through(registry, node.url).register_image(cid)


def test_a_repeated_command_goes_on_with_the_transaction_of_the_one_that_was_cut_off(registry, cid, monkeypatch):
    monkeypatch.setattr(wallets, "_MINED_WITHIN_S", 0.2)
    registry.mine_nothing()
    timer = threading.Timer(1.0, registry.mine)
    try:
        with pytest.raises(
            ChainUnavailable, match=r"^transaction 0x\w+ was sent, but is not mined after 0.2 s: repeat"
        ):
            registry.wallet.register_image(cid)
        monkeypatch.setattr(wallets, "_MINED_WITHIN_S", 20)
        timer.start()
        sent = registry.wallet.register_image(cid)
    finally:
        timer.cancel()
        registry.mine()
    assert [event.cid for event in registry.chain.events_of_transaction(sent.hash)] == [cid]


@pytest.mark.parametrize(
    "message",
    [
        "replacement transaction underpriced",
        "effective gas price below network minimum",
        "INTERNAL_ERROR: could not replace existing tx",
    ],
)
def test_fees_that_are_too_low_are_raised(registry, cid, message):
    rule = Sending(error(-32000, message), lost=True, times=2)
    with quirky_node(registry.settings.rpc_url, rule) as node:
        through(registry, node.url).register_image(cid)
    assert len(set(rule.sent)) == 3


def test_fees_that_stay_too_low_are_an_error_that_says_what_to_do(registry, cid):
    answer = error(-32000, "transaction underpriced: tip needed 25000000000, tip permitted 1")
    expected = (
        "^the node wants higher fees, or another transaction of 0x.* waits and pays more: repeat the command later"
    )
    rule = Sending(answer, lost=True)
    with quirky_node(registry.settings.rpc_url, rule) as node, pytest.raises(ChainUnavailable, match=expected):
        through(registry, node.url).register_image(cid)
    assert len(rule.sent) == 6


class Without(Rule):
    """Leaves a field out of each receipt."""

    def __init__(self, field: str) -> None:
        self.field = field

    def call(self, method, params, relay):
        answer = relay()
        if method == "eth_getTransactionReceipt" and answer.get("result"):
            del answer["result"][self.field]
        return answer


@pytest.mark.parametrize("field", ["status", "gasUsed", "blockNumber"])
def test_an_error_after_a_transaction_was_sent_names_the_transaction(registry, cid, field):
    with (
        quirky_node(registry.settings.rpc_url, Without(field)) as node,
        pytest.raises(ChainUnavailable, match=rf"^transaction 0x\w{{64}} was sent, but .*without {field}") as raised,
    ):
        through(registry, node.url).register_image(cid)
    sent = str(raised.value).split()[1]
    assert [event.cid for event in registry.chain.events_of_transaction(sent)] == [cid]


@pytest.mark.parametrize("answer", [Raw(500, b""), Raw(200, b"<html>")], ids=str)
def test_a_transaction_whose_answer_is_lost_may_have_been_sent(registry, cid, answer):
    expected = r"^transaction 0x\w{64} may have been sent: repeat the command \(the node"
    with (
        quirky_node(registry.settings.rpc_url, Sending(answer, lost=True)) as node,
        pytest.raises(ChainUnavailable, match=expected),
    ):
        through(registry, node.url).register_image(cid)


class Altered(Rule):
    """Leaves out one field of what one method answers, or gives it another value."""

    method = field = ""
    value: object = None

    def call(self, method, params, relay):
        answer = relay()
        if method != self.method or not isinstance(answer.get("result"), dict):
            return answer
        result = {name: each for name, each in answer["result"].items() if name != self.field}
        return {"result": result if self.value == "missing" else {**result, self.field: self.value}}


@pytest.mark.parametrize("method", FIELDS)
def test_a_field_that_is_missing_or_wrong_is_at_most_a_chain_error(registry_of, cid, method):
    registry = registry_of["anvil"]
    sent = registry.wallet.register_image(cid)
    rule = Altered()
    refused = set()
    with quirky_node(registry.settings.rpc_url, rule) as node:
        rule.method = method
        for rule.field in FIELDS[method]:
            for rule.value in ("missing", None, "", 7, "0x", []):
                chain = Web3Chain(node.url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)
                for ask in (
                    lambda chain=chain: chain.transaction(sent.hash, confirmations=1),
                    lambda chain=chain: chain.events_of_transaction(sent.hash),
                    lambda chain=chain: chain.read(sent.block, sent.block),
                ):
                    try:
                        ask()
                    except ChainUnavailable:
                        refused.add(rule.field)
    assert refused, "a field that is needed is missed"
