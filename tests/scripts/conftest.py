"""One Anvil with the id of a live chain, and the committed build deployed on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.types import TxReceipt

from scripts.deployments import encode_arguments
from scripts.export_artifact import ARTIFACT
from tests.chains import running_anvil

CHAIN_ID = 11_155_111
CHAIN_TIME = 1_700_000_000
"""When the chain begins, Unix time in seconds."""
CLASSIFIER = Account.from_key("0x" + 32 * "c1")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The registry, with the receipt of its deployment and the constructor's arguments."""

    web3: Web3
    url: str
    artifact: dict[str, Any]
    receipt: TxReceipt
    arguments: dict[str, Any]

    @property
    def address(self) -> str:
        return self.receipt["contractAddress"]

    @property
    def transaction(self) -> str:
        return "0x" + self.receipt["transactionHash"].hex().removeprefix("0x")


@pytest.fixture(scope="session")
def anvil() -> Iterator[str]:
    with running_anvil(CHAIN_ID, "--timestamp", str(CHAIN_TIME)) as url:
        yield url


@pytest.fixture(scope="session")
def deployed(anvil: str) -> Deployed:
    web3 = Web3(HTTPProvider(anvil))
    artifact = json.loads(ARTIFACT.read_text())
    admin = web3.eth.accounts[0]
    arguments = {"adminDelay": 86_400, "admin": admin, "classifier": CLASSIFIER.address}
    data = artifact["bytecode"] + encode_arguments(arguments)
    sent = web3.eth.send_transaction({"from": admin, "data": data})
    return Deployed(web3, anvil, artifact, web3.eth.wait_for_transaction_receipt(sent), arguments)
