"""Two small chains and an empty page, to try the wallet alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page

from backend.adapters.chain.dev.node import DevelopmentNode
from backend.processes import free_port
from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.wallet import InjectedWallet

IDS = (31337, 31338)
URL = "http://page.example/"

# What a page does with a wallet; errors come back as values, since Playwright keeps an error's text only.
_PAGE = """<!doctype html><title>page</title><script>
  window.found = [];
  window.events = [];
  window.addEventListener("eip6963:announceProvider", (event) => found.push(event.detail));
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  window.provider = found[0]?.provider ?? window.ethereum;
  for (const name of ["accountsChanged", "chainChanged", "connect", "disconnect"])
    provider?.on(name, (value) => events.push([name, value instanceof Error ? { code: value.code } : value]));
  window.ask = (method, params) => provider.request({ method, params }).then(
    (ok) => ({ ok }),
    (error) => ({ code: error.code, message: error.message, ...("data" in error && { data: error.data }) }),
  );
</script>"""

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, Network]]:
    """Two chains of Anvil, which starts faster than Ganache."""
    with ExitStack() as running:
        nodes = [DevelopmentNode("anvil", tmp_path_factory.mktemp("anvil"), port=free_port(), chain_id=n) for n in IDS]
        for node in nodes:
            running.callback(node.stop)
            node.start()
        first, second = (
            Network(node.chain_id, f"Test chain {node.chain_id}", node.url, node.folder / "running.json")
            for node in nodes
        )
        yield first, second


@pytest.fixture
def wallet(context: BrowserContext, networks: tuple[Network, Network], alice: LocalAccount, bob: LocalAccount):
    return InjectedWallet(context, [alice, bob], networks[:1], chain_id=networks[0].chain_id)


@pytest.fixture
def site(context: BrowserContext, wallet: InjectedWallet, page: Page) -> Page:
    return opened(page)


@pytest.fixture
def ask(site: Page) -> Ask:
    return lambda method, *params: asked(site, method, *params)


def opened(page: Page) -> Page:
    page.route(f"{URL}**", lambda route: route.fulfill(body=_PAGE, content_type="text/html"))
    page.goto(URL)
    return page


def asked(page: Page, method: str, *params: Any) -> dict[str, Any]:
    return page.evaluate("([method, params]) => ask(method, params)", [method, list(params)])
