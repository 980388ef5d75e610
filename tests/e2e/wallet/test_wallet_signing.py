"""Signatures and transactions of the wallet against eth_account and a real node."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount

from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.conftest import Ask
from tests.e2e.wallet.wallet import InjectedWallet

ACCESS = {
    "types": {
        "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "chainId", "type": "uint256"}],
        "Access": [
            {"name": "cid", "type": "string"},
            {"name": "until", "type": "uint64"},
            {"name": "key", "type": "bytes32"},
        ],
    },
    "primaryType": "Access",
    "domain": {"name": "Any site", "chainId": 31337},
    "message": {"cid": "bafkrei", "until": 1_900_000_000, "key": "0x" + "7f" * 32},
}


@pytest.fixture
def connected(ask: Ask) -> Ask:
    ask("eth_requestAccounts")
    return ask


@pytest.fixture
def paused_blocks(networks: tuple[Network, Network]) -> Iterator[Network]:
    """A chain that mines nothing until evm_mine."""
    networks[0].control("evm_setAutomine", [False])
    yield networks[0]
    networks[0].control("evm_mine", [])
    networks[0].control("evm_setAutomine", [True])


@pytest.mark.parametrize("text", ["Sign in to a site", "Größe ≤ 25 MB", "0x", "0x00ff80", "x" * 5000])
def test_personal_sign_equals_eth_account(connected: Ask, alice: LocalAccount, text: str):
    body = bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
    message = encode_defunct(primitive=body)

    signature = connected("personal_sign", "0x" + body.hex(), alice.address)["ok"]

    assert signature == alice.sign_message(message).signature.to_0x_hex()
    assert Account.recover_message(message, signature=signature) == alice.address


def test_typed_data_equals_eth_account(connected: Ask, alice: LocalAccount):
    signature = connected("eth_signTypedData_v4", alice.address, json.dumps(ACCESS))["ok"]

    message = encode_typed_data(full_message=ACCESS)
    assert signature == alice.sign_message(message).signature.to_0x_hex()
    assert Account.recover_message(message, signature=signature) == alice.address


def test_transaction_is_filled_signed_and_mined(
    connected: Ask, alice: LocalAccount, bob: LocalAccount, networks: tuple[Network, Network]
):
    sent = {"from": alice.address.lower(), "to": bob.address, "value": "0x5", "data": "0xabcd"}

    hash_ = connected("eth_sendTransaction", sent)["ok"]
    networks[0].control("evm_mine", [])  # Anvil answers before it has mined

    mined = connected("eth_getTransactionByHash", hash_)["ok"]
    assert {name: mined[name] for name in ("type", "from", "to", "value", "input", "chainId")} == {
        "type": "0x2",
        "from": alice.address.lower(),
        "to": bob.address.lower(),
        "value": "0x5",
        "input": "0xabcd",
        "chainId": hex(31337),
    }
    assert connected("eth_getTransactionReceipt", hash_)["ok"]["status"] == "0x1"


def test_gas_that_the_page_names_is_kept(connected: Ask, alice: LocalAccount):
    named = {"gas": "0x6000", "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1"}

    hash_ = connected("eth_sendTransaction", {"from": alice.address, "to": alice.address, **named})["ok"]

    mined = connected("eth_getTransactionByHash", hash_)["ok"]
    assert {name: mined[name] for name in named} == named


def test_without_funds_the_node_refuses(wallet: InjectedWallet, ask: Ask, alice: LocalAccount):
    poor = Account.create()
    wallet.accounts[poor.address.lower()] = poor
    wallet.select_account(poor.address)
    ask("eth_requestAccounts")

    error = ask("eth_sendTransaction", {"from": poor.address, "to": alice.address, "value": "0x1"})

    assert error["code"] == -32603
    assert "insufficient funds" in error["message"].lower()


def test_speed_up_replaces_the_transaction(
    wallet: InjectedWallet, connected: Ask, alice: LocalAccount, paused_blocks: Network
):
    first = connected("eth_sendTransaction", {"from": alice.address, "to": alice.address, "data": "0x01"})["ok"]
    second = wallet.speed_up()
    paused_blocks.control("evm_mine", [])

    assert paused_blocks.call("eth_getTransactionReceipt", [first]) is None
    replaced = paused_blocks.call("eth_getTransactionByHash", [second])
    assert (replaced["input"], int(replaced["nonce"], 16)) == ("0x01", wallet.sent[-1].transaction["nonce"])


def test_cancel_replaces_it_by_an_empty_transfer(
    wallet: InjectedWallet, connected: Ask, alice: LocalAccount, bob: LocalAccount, paused_blocks: Network
):
    first = connected("eth_sendTransaction", {"from": alice.address, "to": bob.address, "value": "0x1"})["ok"]
    second = wallet.cancel()
    paused_blocks.control("evm_mine", [])

    assert paused_blocks.call("eth_getTransactionReceipt", [first]) is None
    empty = paused_blocks.call("eth_getTransactionByHash", [second])
    assert (empty["to"], empty["value"], empty["input"]) == (alice.address.lower(), "0x0", "0x")


def test_lost_transaction_never_reaches_the_node(
    wallet: InjectedWallet, connected: Ask, alice: LocalAccount, networks: tuple[Network, Network]
):
    wallet.loses_transactions = True

    hash_ = connected("eth_sendTransaction", {"from": alice.address, "to": alice.address})["ok"]

    assert hash_ == wallet.sent[-1].hash
    assert networks[0].call("eth_getTransactionByHash", [hash_]) is None
