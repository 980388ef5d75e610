"""The product itself: built page, backend and chain, started once; a wallet and a tab for each test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.support.viewer import Viewer
from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.wallet import InjectedWallet

ROOT = Path(__file__).resolve().parents[3]
_PATIENCE_MS = 20_000
expect.set_options(timeout=_PATIENCE_MS)


@pytest.fixture(scope="session")
def built_page() -> None:
    if not (ROOT / "frontend" / "dist" / "index.html").is_file():
        subprocess.run(["npm", "run", "build"], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def running_product(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"), SCANPROOF_UPLOADS_PER_MINUTE="100000")
    product.start()
    yield product
    product.stop()


@pytest.fixture
def product(running_product: Product) -> Product:
    """Running and mining, whatever the test before did to it."""
    if not running_product.running:
        running_product.start()
    running_product.chain.control("miner_start", [])
    return running_product


@pytest.fixture
def paused_blocks(product: Product) -> Network:
    """The chain, with no block mined before `miner_start`."""
    product.chain.control("miner_stop", [])
    return product.chain


@pytest.fixture(autouse=True)
def console(context: BrowserContext) -> Iterator[Console]:
    console = Console(context)
    yield console
    assert console.problems == []


@pytest.fixture
def wallet(context: BrowserContext, product: Product, alice: LocalAccount, bob: LocalAccount) -> InjectedWallet:
    """MetaMask with two funded accounts, on ScanProof's chain, not yet connected."""
    return InjectedWallet(context, [alice, bob], (product.chain,), chain_id=product.chain.chain_id)


@pytest.fixture
def site(page: Page, product: Product) -> Site:
    page.set_default_timeout(_PATIENCE_MS)
    return Site(page, product)


@pytest.fixture
def viewer(page: Page) -> Viewer:
    return Viewer(page)
