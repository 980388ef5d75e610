"""How pages find wallets, and what they hear from them."""

from __future__ import annotations

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
        (
            lambda wallet, bob: wallet.select_account(bob.address),
            lambda bob: ["accountsChanged", [bob.address.lower()]],
        ),
        (lambda wallet, bob: wallet.select_network(1), lambda bob: ["chainChanged", "0x1"]),
        (lambda wallet, bob: wallet.disconnect(), lambda bob: ["accountsChanged", []]),
        (lambda wallet, bob: wallet.lock(), lambda bob: ["accountsChanged", []]),
    ],
)
def test_page_hears_what_the_person_does(wallet, ask: Ask, site: Page, bob: LocalAccount, act, expected):
    ask("eth_requestAccounts")

    act(wallet, bob)

    assert site.evaluate("events.at(-1)") == expected(bob)


def test_locked_wallet_shows_no_account_until_unlocked(
    wallet: InjectedWallet, ask: Ask, site: Page, alice: LocalAccount
):
    ask("eth_requestAccounts")
    wallet.lock()
    assert ask("eth_accounts") == {"ok": []}

    wallet.unlock()

    assert site.evaluate("events.at(-1)") == ["accountsChanged", [alice.address.lower()]]


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
