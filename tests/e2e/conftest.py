"""The browser of the end-to-end tests, Debian's Chromium, which needs no download; and the accounts in its wallets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": chromium(), "args": ARGUMENTS}


@pytest.fixture(scope="session")
def alice() -> LocalAccount:
    """The account that `scanproof up` tells people to import."""
    return development_account(1)


@pytest.fixture(scope="session")
def bob() -> LocalAccount:
    return development_account(2)


def development_account(index: int) -> LocalAccount:
    """Funded on Ganache as ScanProof starts it, and on Anvil."""
    Account.enable_unaudited_hdwallet_features()
    mnemonic = "test test test test test test test test test test test junk"
    return Account.from_mnemonic(mnemonic, account_path=f"m/44'/60'/0'/0/{index}")


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    candidates = [os.environ.get("SCANPROOF_CHROMIUM"), *map(shutil.which, names)]
    found = next((path for path in candidates if path and Path(path).exists()), None)
    if found is None:
        pytest.fail("no Chromium found: install it (Debian: apt-get install chromium) or set SCANPROOF_CHROMIUM")
    return found
