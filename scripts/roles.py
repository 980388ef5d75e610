"""Grants and revokes roles: ``brownie run roles main grant|revoke ROLE ADDRESS [ACCOUNT] --network NAME``.

ROLE is CLASSIFIER, CLINICIAN, MODEL_ADMIN or SITE. ``brownie run roles compromised ADDRESS SINCE [ACCOUNT]`` reports
that the key of the classifier at ADDRESS is not its own SINCE then, as 2026-11-28T09:30:00Z or in Unix seconds, and
revokes its role for good; a later report may only name an earlier time.

The sender is the registry's admin: the encrypted Brownie account ACCOUNT if given, else the private key in
SCANPROOF_DEPLOYER_KEY, else, on a development chain, its first account. The registry is the one at
SCANPROOF_CONTRACT_ADDRESS if that is set, else the one that ``deployments/<chain id>.json`` records.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

from brownie import ImageRegistry, chain, web3
from brownie.convert import to_address
from brownie.network.account import LocalAccount
from brownie.network.contract import ProjectContract

from scripts import deployments
from scripts.deploy import DEVELOPMENT_CHAINS, deployer_account, refuse_development_keys

ROLES = ("CLASSIFIER", "CLINICIAN", "MODEL_ADMIN", "SITE")
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
    address = _account(address)
    if action == "grant" and chain.id not in DEVELOPMENT_CHAINS:
        refuse_development_keys(chain.id, {role.lower().replace("_", " "): address})
    _check_admin(registry, admin)
    role_id = web3.keccak(text=f"{role}_ROLE")
    if registry.hasRole(role_id, address) == (action == "grant"):
        return False
    send = registry.grantRole if action == "grant" else registry.revokeRole
    send(role_id, address, {"from": admin})
    return True


def report(registry: ProjectContract, address: str, since: str, admin: LocalAccount) -> int:
    """Report in one transaction of ``admin`` that a classifier's key is not its own ``since`` then; returns the time in
    Unix seconds.

    Raises:
        WrongUse: the address is none; the time is none, to come, or not before the one on record.
        NotAdmin: the sender does not hold the registry's admin role.
    """
    address = _account(address)
    moment = _moment(since)
    if not 0 < moment <= chain[-1].timestamp:
        raise WrongUse(f"expected a time that has come, found {since!r}")
    _check_admin(registry, admin)
    reported = registry.compromisedSince(address)
    if reported and moment >= reported:
        raise WrongUse(f"expected a time before {reported}, since when {address} is reported, found {moment}")
    registry.reportCompromise(address, moment, {"from": admin})
    return moment


def _account(text: str) -> str:
    """Raises WrongUse."""
    try:
        address = str(to_address(text))
    except ValueError:
        raise WrongUse(f"expected an address, 0x and 40 hex digits, found {text!r}") from None
    if int(address, 16) == 0:
        raise WrongUse("expected the address of an account, found the zero address")
    return address


def _moment(text: str) -> int:
    """Unix seconds. Raises WrongUse."""
    try:
        if re.fullmatch(r"[0-9]{1,12}", text):
            return int(text)
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise WrongUse(f"expected a time as 2026-11-28T09:30:00Z or in Unix seconds, found {text!r}") from None


def _check_admin(registry: ProjectContract, admin: LocalAccount) -> None:
    """Raises NotAdmin."""
    if registry.defaultAdmin() != admin.address:
        raise NotAdmin(f"expected the registry's admin {registry.defaultAdmin()} as sender, found {admin.address}")


def compromised(address: str, since: str, account: str | None = None) -> None:
    """Report a classifier's key on the connected network, and print what holds now."""
    # Brownie 1.22 fails where it files a contract of a live chain away.
    registry = ImageRegistry.at(_registry_address(), persist=False)
    moment = report(registry, address, since, deployer_account(account))
    print(
        f"\n{address} is reported as compromised since {datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC to "
        f"{registry.address} on chain {chain.id}, and is never a classifier again."
    )


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
