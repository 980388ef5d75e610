"""Deploys ImageRegistry: ``brownie run deploy main CLASSIFIER [ACCOUNT] --network NAME``.

CLASSIFIER is the address whose signatures the registry will accept. The deployer becomes admin: it is the encrypted
Brownie account ACCOUNT if given, else the private key in SCANPROOF_DEPLOYER_KEY. On a development chain both arguments
may be left out: the chain's first account deploys, its second is the classifier. On a live chain the deployment is
recorded in ``deployments/<chain id>.json``.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from brownie import ImageRegistry, accounts, chain, web3
from brownie.convert import to_address
from brownie.network.account import LocalAccount
from brownie.network.contract import ProjectContract
from eth_utils import keccak

from scripts import deployments
from scripts.development_accounts import FILE as DEVELOPMENT_ACCOUNTS
from scripts.export_artifact import ARTIFACT
from scripts.solc import ROOT

DEVELOPMENT_CHAINS = (1337, 5777, 31337)
ADMIN_DELAY_S = 86_400


class DevelopmentKeyOnLiveChain(ValueError):
    """The private key of ``address`` is public knowledge, so it must hold no role on a chain that others use."""

    def __init__(self, role: str, address: str, chain_id: int) -> None:
        super().__init__(
            f"expected a {role} of your own on chain {chain_id}, found {address}, "
            "whose private key is published with development tools"
        )


class DeployerMissing(ValueError):
    """No account was named to deploy with."""


class ClassifierMissing(ValueError):
    """No address was named whose signatures the registry accepts."""


class BuildNotCommitted(ValueError):
    """The bytecode at hand is not that of contracts/artifacts, so nobody could verify its source from there."""

    def __init__(self) -> None:
        super().__init__(
            "expected the bytecode of contracts/artifacts/ImageRegistry.json, found another; "
            "run `python -m scripts.export_artifact`, look at the difference and commit it"
        )


def deploy(admin: LocalAccount, classifier: str, admin_delay: int = ADMIN_DELAY_S) -> ProjectContract:
    """Deploy the registry in one transaction, sent by ``admin``.

    Args:
        admin: account that pays, and that will grant and revoke CLASSIFIER_ROLE.
        classifier: address that gets CLASSIFIER_ROLE.
        admin_delay: seconds that a transfer of the admin role must wait.

    Raises:
        DevelopmentKeyOnLiveChain: admin or classifier is a published key and the chain is not a development chain.
        ClassifierMissing: the classifier is the zero address.
        BuildNotCommitted: the chain is not a development chain and the bytecode is not the committed one.
    """
    classifier = to_address(classifier)
    if int(classifier, 16) == 0:
        raise ClassifierMissing("expected the address of the classifier, found the zero address")
    if chain.id not in DEVELOPMENT_CHAINS:
        refuse_development_keys(chain.id, {"deployer": admin.address, "classifier": classifier})
        if "0x" + ImageRegistry.bytecode != _artifact()["bytecode"]:
            raise BuildNotCommitted
    return ImageRegistry.deploy(admin_delay, admin, classifier, {"from": admin})


def refuse_development_keys(chain_id: int, addresses: dict[str, str]) -> None:
    """Raise DevelopmentKeyOnLiveChain if one of ``addresses`` (by role) is in deployments/development-accounts.txt."""
    known = set(DEVELOPMENT_ACCOUNTS.read_text(encoding="ascii").split("\n"))
    for role, address in addresses.items():
        if address.lower() in known:
            raise DevelopmentKeyOnLiveChain(role, address, chain_id)


def main(classifier: str | None = None, account: str | None = None) -> ProjectContract:
    """Deploy on the connected network and print the settings that the product needs."""
    if classifier is None:
        if chain.id not in DEVELOPMENT_CHAINS:
            raise ClassifierMissing("expected the classifier's address: brownie run deploy main ADDRESS --network NAME")
        classifier = accounts[1].address
    deployments.read(chain.id)  # a broken record must be known before anything is paid for
    registry = deploy(deployer_account(account), classifier)
    print(f"\nImageRegistry deployed; classifier {classifier}. Settings for .env:")
    print(f"SCANPROOF_CHAIN_ID={chain.id}")
    print(f"SCANPROOF_CONTRACT_ADDRESS={registry.address}")
    print(f"SCANPROOF_CONTRACT_BLOCK={registry.tx.block_number}")
    if chain.id not in DEVELOPMENT_CHAINS:
        path = deployments.write(record_of(registry, to_address(classifier)))
        print(f"Recorded in {path.relative_to(ROOT)}; commit it, and .env needs only SCANPROOF_CHAIN_ID.")
    return registry


def record_of(registry: ProjectContract, classifier: str, admin_delay: int = ADMIN_DELAY_S) -> dict[str, Any]:
    """Return the record of a deployment just made, as deployments/README.md describes it."""
    artifact, deployer = _artifact(), str(registry.tx.sender)
    values = {"adminDelay": admin_delay, "admin": deployer, "classifier": classifier}
    return {
        "chainId": chain.id,
        "contract": artifact["contractName"],
        "address": registry.address,
        "transaction": registry.tx.txid,
        "block": registry.tx.block_number,
        "time": datetime.fromtimestamp(registry.tx.timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deployer": deployer,
        "constructorArguments": values | {"encoded": deployments.encode_arguments(values)},
        "compiler": artifact["compiler"],
        "standardInputSha256": artifact["standardJsonSha256"],
        "codeHash": "0x" + keccak(web3.eth.get_code(registry.address)).hex(),
    }


def _artifact() -> dict[str, Any]:
    artifact: dict[str, Any] = json.loads(ARTIFACT.read_text())
    return artifact


def deployer_account(account: str | None) -> LocalAccount:
    """Return who pays: the encrypted account of that name, the key in SCANPROOF_DEPLOYER_KEY, or a development chain's
    first account. Raises DeployerMissing.
    """
    if account is not None:
        return accounts.load(account)
    if key := os.environ.get("SCANPROOF_DEPLOYER_KEY"):
        return accounts.add(key)
    if chain.id in DEVELOPMENT_CHAINS:
        return accounts[0]
    raise DeployerMissing(
        "expected a deployer, found none: name an encrypted account (brownie accounts new NAME) "
        "or set SCANPROOF_DEPLOYER_KEY"
    )
