"""How pages find wallets, and what they hear from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page

from tests.e2e.wallet.conftest import Ask, asked, opened
from tests.e2e.wallet.wallet import InjectedWallet


def test_announced_with_name_icon_uuid_and_rdns(site: Page):
    (info,) = site.evaluate("found.map(({ info }) => info)")

    assert (info["name"], info["rdns"], len(info["uuid"])) == ("MetaMask", "io.metamask", 36)
    assert info["icon"].startswith("data:image/svg+xml,")
    assert site.evaluate("found[0].provider === window.ethereum && window.ethereum.isMetaMask")


def test_announced_again_with_the_same_uuid(site: Page):
    site.evaluate("window.dispatchEvent(new Event('eip6963:requestProvider'))")

    assert site.evaluate("found.length") == 2
    assert site.evaluate("new Set(found.map(({ info }) => info.uuid)).size") == 1


def test_two_wallets(context: BrowserContext, page: Page, alice: LocalAccount, bob: LocalAccount):
    InjectedWallet(context, [alice])
    InjectedWallet(context, [bob], name="Other Wallet", rdns="org.example.wallet")

    opened(page)

    names = page.evaluate("found.map(({ info, provider }) => [info.name, provider.isMetaMask])")
    assert sorted(names) == [["MetaMask", True], ["Other Wallet", False]]


def test_legacy_wallet_is_not_announced(context: BrowserContext, page: Page, alice: LocalAccount):
    InjectedWallet(context, [alice], announced=False)

    assert opened(page).evaluate("[found.length, typeof ethereum.request]") == [0, "function"]


def test_announced_wallet_without_window_ethereum(context: BrowserContext, page: Page, alice: LocalAccount):
    InjectedWallet(context, [alice], legacy=False)

    assert opened(page).evaluate("[found.length, typeof window.ethereum]") == [1, "undefined"]


def test_connection_outlives_a_reload(site: Page, ask: Ask, alice: LocalAccount):
    ask("eth_requestAccounts")
    site.reload()

    assert asked(site, "eth_accounts") == {"ok": [alice.address.lower()]}


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda wallet: wallet.select_network(1), ["chainChanged", "0x1"]),
        (lambda wallet: wallet.disconnect(), ["accountsChanged", []]),
    ],
)
def test_page_hears_what_the_person_does(wallet: InjectedWallet, ask: Ask, site: Page, act, expected):
    ask("eth_requestAccounts")

    act(wallet)

    assert site.evaluate("events.at(-1)") == expected


def test_selecting_an_account_connects_it_not(
    wallet: InjectedWallet, ask: Ask, site: Page, alice: LocalAccount, bob: LocalAccount
):
    ask("eth_requestAccounts")
    heard = site.evaluate("events.length")

    wallet.select_account(bob.address)

    assert site.evaluate("events.length") == heard
    assert ask("eth_accounts") == {"ok": [alice.address.lower()]}
    assert ask("eth_requestAccounts") == {"ok": [alice.address.lower()]}
    assert wallet.popups == ["connect"]


def test_of_several_connected_accounts_the_one_selected_last_comes_first(
    wallet: InjectedWallet, ask: Ask, site: Page, alice: LocalAccount, bob: LocalAccount
):
    both = [alice.address.lower(), bob.address.lower()]
    wallet.tick(*both)
    assert ask("eth_requestAccounts") == {"ok": both}

    wallet.select_account(bob.address)

    assert site.evaluate("events.at(-1)") == ["accountsChanged", both[::-1]]
    assert ask("eth_accounts") == {"ok": both[::-1]}


def test_locking_hides_nothing_and_no_page_hears_of_it(
    wallet: InjectedWallet, ask: Ask, site: Page, alice: LocalAccount
):
    ask("eth_requestAccounts")
    heard = site.evaluate("events.length")

    wallet.lock()

    assert ask("eth_accounts") == {"ok": [alice.address.lower()]}
    assert site.evaluate("events.length") == heard


def test_the_window_of_a_locked_wallet_unlocks_it(wallet: InjectedWallet, ask: Ask, alice: LocalAccount):
    ask("eth_requestAccounts")
    wallet.lock()

    assert ask("eth_requestAccounts") == {"ok": [alice.address.lower()]}
    assert wallet.popups == ["connect", "unlock"]
    assert not wallet.locked


@pytest.mark.parametrize(("policy", "shown"), [("same-origin", False), ("cross-origin", True)])
def test_its_window_loads_the_icon_of_the_page_from_another_origin(
    wallet: InjectedWallet, page: Page, policy: str, shown: bool
):
    with _icon_server(policy) as url:
        opened(page).evaluate(
            "href => document.head.append(Object.assign(document.createElement('link'), { rel: 'icon', href }))", url
        )

        assert wallet.shows_icon(page) is shown


def test_other_tabs_hear_of_a_switch(context: BrowserContext, ask: Ask):
    other = opened(context.new_page())

    ask("wallet_switchEthereumChain", {"chainId": "0x1"})

    other.wait_for_function("() => events.length === 1")
    assert other.evaluate("events") == [["chainChanged", "0x1"]]


def test_removed_listener_hears_nothing(wallet: InjectedWallet, site: Page):
    site.evaluate(
        "() => { const listener = () => { throw new Error('heard') }; "
        "provider.on('chainChanged', listener); provider.removeListener('chainChanged', listener) }"
    )

    wallet.select_network(1)

    assert site.evaluate("events") == [["chainChanged", "0x1"]]


@contextmanager
def _icon_server(policy: str) -> Iterator[str]:
    """An icon with that Cross-Origin-Resource-Policy, which the browser ignores for answers of Playwright's routes."""

    class Icon(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/svg+xml")
            self.send_header("Cross-Origin-Resource-Policy", policy)
            self.end_headers()
            self.wfile.write(b"<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Icon) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/icon.svg"
        server.shutdown()
