"""Accounts whose private keys are public: for development chains. On a live chain anybody can take their coins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The order of secp256k1: private keys are smaller (SEC 2)."""
MNEMONIC = "test test test test test test test test test test test junk"
"""The mnemonic of Hardhat and Anvil, used by the embedded chain: a person can import it into a wallet."""


@dataclass(frozen=True, slots=True)
class DevelopmentAccount:
    """``private_key`` is 0x-hex. It is public: never use it for real funds."""

    address: str
    private_key: str


ADMIN = DevelopmentAccount(
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
)
"""Account 0 of the mnemonic: deploys the contract and has its admin role."""

USER = DevelopmentAccount(
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)
"""Account 1 of the mnemonic: the one to import in MetaMask."""

CLINICIAN = DevelopmentAccount(
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)
"""Account 2 of the mnemonic: reviews diagnoses."""

_FILE = Path(__file__).resolve().parents[3] / "deployments" / "development-accounts.txt"
_SMALLEST_KEY = 2**64


@cache
def _well_known() -> frozenset[str]:
    lines = _FILE.read_text(encoding="ascii").split("\n")
    return frozenset(line for line in lines if line.startswith("0x"))


def is_well_known(address: str) -> bool:
    """Whether the private key of ``address`` is public, see ``scripts/development_accounts.py``."""
    return address.lower() in _well_known()


def is_public(key: str, address: str) -> bool:
    """Whether anybody may have the private key ``key`` of that address."""
    return is_well_known(address) or is_guessable(key)


def is_guessable(key: str) -> bool:
    """Whether a private key, in hex with or without 0x, is a small number or its negative."""
    return not _SMALLEST_KEY <= int(key, 16) <= ORDER - _SMALLEST_KEY
