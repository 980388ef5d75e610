"""Writes ``deployments/development-accounts.txt``: ``python -m scripts.development_accounts``.

The file lists addresses whose private keys anybody can look up or guess: those of development tools, of documentation,
and of keys that are a small number. None of them may hold a role on a live chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from eth_account import Account
from eth_account.hdaccount.deterministic import HDPath

FILE = Path(__file__).resolve().parent.parent / "deployments" / "development-accounts.txt"
DEVELOPMENT_MNEMONICS = (
    "test test test test test test test test test test test junk",
    "myth like bonus scare over problem client lizard pioneer submit female collect",
    "brownie",
    "candy maple cake sugar pudding cream honey rich smooth crumble sweet treat",
)
"""Of Anvil and Hardhat, Ganache (-d), Brownie, Truffle."""
EXAMPLE_MNEMONICS = (
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
    "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
)
"""The test vectors of BIP-39."""
EXAMPLE_KEYS = (
    "c5e8f61d1ab959b397eecc0a37a6517b8e67a0e7cf1f4bce5591f3ed80199122",
    "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318",
    "348ce564d427a3311b6536bbcff9390d69395b06ed6c486954e971d960fe8709",
    "0123456789abcdef" * 4,
    "deadbeef" * 8,
)
"""Of Buidler, of web3.js' documentation, and of many examples."""
REMIX = (
    "0x5B38Da6a701c568545dCfcB03FcB875f56beddC4",
    "0xAb8483F64d9C6d1EcF9b849Ae677dD3315835cb2",
    "0x4B20993Bc481177ec7E8f571ceCaE8A9e22C02db",
    "0x78731D3Ca6b7E34aC0F824c42a7cC18A495cabaB",
    "0x617F2E2fD72FD9D5503197092aC168c91465E7f2",
    "0x17F6AD8Ef982297579C203069C1DbfFE4348c372",
    "0x5c6B0f7Bf3E7ce046039Bd8FABdfD3f9F5021678",
    "0x03C6FcED478cBbC9a4FAB34eF9f40767739D1Ff7",
    "0x1aE0EA34a72D944a8C7603FfB3eC30a6669E454C",
    "0x0A098Eda01Ce92ff4A4CCb7A4fFFb5A43EBC70DC",
    "0xCA35b7d915458EF540aDe6068dFe2F44E8fa733c",
    "0x14723A09ACff6D2A60DcdF7aA4AFf308FDDC160C",
    "0x4B0897b0513fdC7C541B6d9D7E929C4e5364D2dB",
    "0x583031D1113aD414F02576BD6afaBfb302140225",
    "0xdD870fA1b7C4700F2BD7f44238821C26f7392148",
)
ACCOUNTS_PER_TOOL = 100
"""Tools show 10 or 20 by default."""
ACCOUNTS_PER_MNEMONIC = 20
SMALL_KEYS = 512
"""eth-tester takes the keys 1 to 10."""


def development_addresses(mnemonic: str, accounts: int = ACCOUNTS_PER_MNEMONIC) -> list[str]:
    """Return the first checksummed addresses at m/44'/60'/0'/0 (BIP-39, BIP-44).

    BIP-39's checksum is not asked for: Brownie's mnemonic has none.
    """
    seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
    keys = (HDPath(f"m/44'/60'/0'/0/{index}").derive(seed) for index in range(accounts))
    return [Account.from_key(key).address for key in keys]


def lines() -> Iterator[str]:
    """The lines of the file."""
    yield "# Addresses whose private keys are public. Written by python -m scripts.development_accounts."
    for mnemonic in DEVELOPMENT_MNEMONICS:
        yield from _group(mnemonic, development_addresses(mnemonic, ACCOUNTS_PER_TOOL))
    for mnemonic in EXAMPLE_MNEMONICS:
        yield from _group(mnemonic, development_addresses(mnemonic))
    yield from _group("Remix", REMIX)
    yield from _group("keys of examples", [Account.from_key(key).address for key in EXAMPLE_KEYS])
    small = [Account.from_key(key.to_bytes(32, "big")).address for key in range(1, SMALL_KEYS + 1)]
    yield from _group(f"keys 1 to {SMALL_KEYS}", small)


def _group(title: str, addresses: list[str] | tuple[str, ...]) -> Iterator[str]:
    yield f"# {title}"
    yield from (address.lower() for address in addresses)


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
