"""Grants and revokes roles: ``brownie run roles main grant|revoke ROLE ADDRESS [ACCOUNT] --network NAME``.

ROLE is CLASSIFIER, CLINICIAN or MODEL_ADMIN. The sender is the registry's admin: the encrypted Brownie account ACCOUNT
if given, else the private key in SCANPROOF_DEPLOYER_KEY, else, on a development chain, its first account. The registry
is the one at SCANPROOF_CONTRACT_ADDRESS if that is set, else the one that ``deployments/<chain id>.json`` records.
"""

from __future__ import annotations

import os

from brownie import ImageRegistry, chain, web3
from brownie.convert import to_address
from brownie.network.account import LocalAccount
from brownie.network.contract import ProjectContract

from scripts import deployments
from scripts.deploy import DEVELOPMENT_CHAINS, deployer_account, refuse_development_keys

ROLES = ("CLASSIFIER", "CLINICIAN", "MODEL_ADMIN")
ACTIONS = ("grant", "revoke")


class WrongUse(ValueError):
    """An argument is not one of those that there are."""


class RegistryUnknown(ValueError):
    """No registry was named, and none is recorded for the chain."""


class NotAdmin(ValueError):
    """The sender may not change roles."""


def change(registry: ProjectContract, action: str, role: str, address: str, admin: LocalAccount) -> bool:
    """Grant or revoke ``role`` of ``address`` in one transaction of ``admin``; False when that was done before.

    Raises:
        WrongUse: action, role or address is none.
        DevelopmentKeyOnLiveChain: the role would go to a published key, and the chain is not a development chain.
        NotAdmin: the sender does not hold the registry's admin role.
    """
    if action not in ACTIONS:
        raise WrongUse(f"expected one of {', '.join(ACTIONS)}, found {action!r}")
    if role not in ROLES:
        raise WrongUse(f"expected one of the roles {', '.join(ROLES)}, found {role!r}")
    try:
        address = to_address(address)
    except ValueError:
        raise WrongUse(f"expected an address, 0x and 40 hex digits, found {address!r}") from None
    if int(address, 16) == 0:
        raise WrongUse("expected the address of an account, found the zero address")
    if action == "grant" and chain.id not in DEVELOPMENT_CHAINS:
        refuse_development_keys(chain.id, {role.lower().replace("_", " "): address})
    if registry.defaultAdmin() != admin.address:
        raise NotAdmin(f"expected the registry's admin {registry.defaultAdmin()} as sender, found {admin.address}")
    role_id = web3.keccak(text=f"{role}_ROLE")
    if registry.hasRole(role_id, address) == (action == "grant"):
        return False
    send = registry.grantRole if action == "grant" else registry.revokeRole
    send(role_id, address, {"from": admin})
    return True


def main(action: str, role: str, address: str, account: str | None = None) -> None:
    """Change a role on the connected network, and print what holds now."""
    # Brownie 1.22 fails where it files a contract of a live chain away.
    registry = ImageRegistry.at(_registry_address(), persist=False)
    changed = change(registry, action, role, address, deployer_account(account))
    holds = "holds" if action == "grant" else "does not hold"
    print(
        f"\n{address} {holds} {role}_ROLE of {registry.address} on chain {chain.id}{'' if changed else ', as before'}."
    )


def _registry_address() -> str:
    if address := os.environ.get("SCANPROOF_CONTRACT_ADDRESS"):
        return address
    if record := deployments.read(chain.id):
        return str(record["address"])
    raise RegistryUnknown(
        f"expected a registry on chain {chain.id}, found none: set SCANPROOF_CONTRACT_ADDRESS, "
        f"or have deployments/{chain.id}.json"
    )
