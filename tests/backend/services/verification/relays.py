"""A contract between an account and the registry, as a Safe, an ERC-4337 account or an EIP-7702 delegate is one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from eth_account import Account
from web3 import Web3
from web3.types import TxReceipt

from backend.adapters.chain import artifact, rpc
from backend.adapters.chain.development_accounts import DevelopmentAccount
from scripts.solc import compile_with_npm

SOURCE = """
// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

contract Relay {
    event Noise(bytes data);

    function run(address[] calldata to, bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool done, bytes memory reason) = to[i].call(calls[i]);
            if (!done) assembly { revert(add(reason, 32), mload(reason)) }
        }
    }

    function shout(uint256 times, uint256 size) external {
        bytes memory data = new bytes(size);
        for (uint256 i = 0; i < times; ++i) emit Noise(data);
    }
}
"""


@cache
def compiled() -> dict:
    settings = {
        "evmVersion": "paris",
        "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
    }
    answer = compile_with_npm(
        {"language": "Solidity", "sources": {"Relay.sol": {"content": SOURCE}}, "settings": settings}
    )
    return answer["contracts"]["Relay.sol"]["Relay"]


@dataclass(frozen=True, slots=True)
class Relay:
    """Calls ``registry`` in transactions of ``sender``."""

    web3: Web3
    address: str
    registry: str
    sender: DevelopmentAccount

    @classmethod
    def deployed(cls, url: str, registry: str, sender: DevelopmentAccount) -> Relay:
        web3 = rpc.connect(url)
        receipt = send(web3, sender, data="0x" + compiled()["evm"]["bytecode"]["object"])
        return cls(web3, receipt["contractAddress"], registry, sender)

    def call(self, function: str, *arguments: object) -> str:
        """The call data of a function of the registry."""
        contract = self.web3.eth.contract(address=self.registry, abi=artifact.current().abi)
        return contract.functions[function](*arguments)._encode_transaction_data()

    def run(self, *calls: str, through: str | None = None, shouts: int = 0, **fields: object) -> TxReceipt:
        """One transaction with all ``calls``, and with so many logs of a stranger, 100 kB each; ``through``: an account
        that delegated itself to this code."""
        relay = self.web3.eth.contract(address=through or self.address, abi=compiled()["abi"])
        receivers, data = [self.registry] * len(calls), list(calls)
        if shouts:
            receivers.append(relay.address)
            data.append(relay.functions.shout(shouts, 100_000)._encode_transaction_data())
        call = relay.functions.run(receivers, data)._encode_transaction_data()
        return send(self.web3, self.sender, to=relay.address, data=call, **fields)


def send(web3: Web3, sender: DevelopmentAccount, **fields: object) -> TxReceipt:
    transaction = {
        "nonce": web3.eth.get_transaction_count(sender.address),
        "chainId": web3.eth.chain_id,
        "gas": 6_000_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 1,
        "value": 0,
        **fields,
    }
    signed = Account.sign_transaction(transaction, sender.private_key)
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))
    assert receipt["status"] == 1
    return receipt
