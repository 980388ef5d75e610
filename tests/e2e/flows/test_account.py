"""The account menu on every page: who, on which network, with which roles; change it, disconnect."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from playwright.sync_api import Locator, expect

from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER, DevelopmentAccount
from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record
from tests.e2e.support.review_queue import kept, opened
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

PAGES = ["/", "/records", "/reviews", "/ledger", "/models", "/nowhere"]


@pytest.fixture
def connected(wallet: InjectedWallet, site: Site) -> Site:
    """The uploader, connected from the menu, which is open."""
    site.open("/models")
    opener(site).click()
    menu(site).get_by_role("button", name="Connect MetaMask").click()
    expect(menu(site).get_by_test_id("menu-roles")).to_have_text("Uploader")
    return site


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_it(connected: Site, product: Product, alice: LocalAccount, console: Console, path: str):
    if path == "/nowhere":
        console.tolerate("status of 404")
    chain = product.get("/config")["chain"]
    connected.open(path)

    opener(connected).click()

    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(alice.address)
    expect(menu(connected).get_by_test_id("menu-network")).to_have_text(f"{chain['name']} ({chain['id']})")
    expect(menu(connected).get_by_test_id("menu-roles")).to_have_text("Uploader")


def test_nothing_is_asked_until_it_is_used(wallet: InjectedWallet, site: Site):
    site.open()
    expect(site.button("Account: none")).to_be_visible()

    opener(site).click()

    expect(menu(site).get_by_role("button", name="Connect MetaMask")).to_be_visible()
    assert wallet.popups == []


@pytest.mark.parametrize(
    ("account", "roles"),
    [(USER, "Uploader"), (CLINICIAN, "Clinician, Uploader"), (ADMIN, "Administrator, Model administrator, Uploader")],
    ids=["uploader", "clinician", "administrator"],
)
def test_roles_are_read_from_the_chain(wallet: InjectedWallet, site: Site, account: DevelopmentAccount, roles: str):
    wallet.add_account(Account.from_key(account.private_key))
    wallet.select_account(account.address)
    site.open()
    opener(site).click()
    menu(site).get_by_role("button", name="Connect MetaMask").click()

    expect(menu(site).get_by_test_id("menu-roles")).to_have_text(roles)
    assert [params[0]["to"] for method, params in wallet.requests if method == "eth_call"]


def test_clinician_connected_as_uploader_changes_the_account(
    wallet: InjectedWallet, site: Site, alice: LocalAccount, bob: LocalAccount, product: Product
):
    """As MetaMask does it: selecting the clinician in its own window connects nothing."""
    record, _ = make_record(product, images.mri())
    site.open("/reviews")
    site.connect()
    expect(site.notice("not-clinician")).to_be_visible()
    wallet.select_account(bob.address)
    expect(site.notice("not-clinician")).to_be_visible()

    wallet.tick(bob.address)
    site.button("Change the account").click()

    expect(site.page.get_by_test_id("may-review")).to_be_visible()
    item = opened(site, record)
    item.get_by_label("Confirm", exact=True).check()
    item.get_by_label("Reason").fill("Seen.")
    site.button("Sign the review").click()
    expect(kept(site, "done")).to_be_visible()
    assert wallet.sent[0].account == bob


def test_account_that_was_added_is_used_though_another_is_selected(
    connected: Site, wallet: InjectedWallet, alice: LocalAccount, bob: LocalAccount
):
    wallet.tick(alice.address, bob.address)
    menu(connected).get_by_role("button", name="Change account").click()
    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(bob.address)
    expect(menu(connected).get_by_test_id("menu-roles")).to_have_text("Clinician, Uploader")

    connected.page.reload()
    opener(connected).click()
    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(bob.address)
    menu(connected).get_by_role("button", name="Use 0x7099").click()

    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(alice.address)
    assert wallet.popups == ["connect", "connect"]


def test_account_selected_in_the_wallet_is_used_when_it_is_connected(
    connected: Site, wallet: InjectedWallet, alice: LocalAccount, bob: LocalAccount
):
    wallet.tick(alice.address, bob.address)
    menu(connected).get_by_role("button", name="Change account").click()
    menu(connected).get_by_role("button", name="Use 0x7099").click()
    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(alice.address)

    wallet.select_account(bob.address)

    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(bob.address)


def test_change_that_is_declined_is_a_notice(connected: Site, wallet: InjectedWallet, alice: LocalAccount):
    wallet.decide("connect", "reject")

    menu(connected).get_by_role("button", name="Change account").click()

    expect(connected.notice("user-rejected")).to_contain_text("The account was not changed")
    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(alice.address)


def test_disconnecting_gives_the_permission_back(connected: Site, wallet: InjectedWallet):
    connected.button("Disconnect").click()

    expect(menu(connected).get_by_role("button", name="Connect MetaMask")).to_be_visible()
    assert wallet.connected == []


def test_wallet_without_revocation_is_left_alone(connected: Site, wallet: InjectedWallet, alice: LocalAccount):
    wallet.fail("wallet_revokePermissions", -32601, "no such method")
    connected.button("Disconnect").click()
    expect(connected.notice("unsupported")).to_contain_text("in the wallet itself")
    expect(connected.button("Account: none")).to_be_visible()

    connected.page.reload()

    expect(connected.button("Account: none")).to_be_visible()
    assert wallet.connected == [alice.address.lower()]
    opener(connected).click()
    menu(connected).get_by_role("button", name="Connect MetaMask").click()
    expect(menu(connected).get_by_test_id("menu-address")).to_contain_text(alice.address)


def test_wallet_that_cannot_change_accounts_says_where_to_do_it(connected: Site, wallet: InjectedWallet):
    wallet.fail("wallet_requestPermissions", -32601, "no such method")

    menu(connected).get_by_role("button", name="Change account").click()

    expect(connected.notice("unsupported")).to_contain_text("its list of connected sites")


def test_another_network_is_named(connected: Site, wallet: InjectedWallet):
    wallet.select_network(1)

    expect(menu(connected).get_by_test_id("menu-network")).to_contain_text("Chain 1; this site uses")
    expect(menu(connected).get_by_role("button", name="Switch to ")).to_be_visible()
    expect(opener(connected)).to_have_accessible_name("Account 0x7099…79C8, on another network")


@pytest.mark.parametrize("width", [1440, 390])
def test_keyboard_alone(wallet: InjectedWallet, site: Site, width: int, alice: LocalAccount):
    site.page.set_viewport_size({"width": width, "height": 844})
    site.open("/models")
    site.press("Account: none")
    expect(opener(site)).to_have_attribute("aria-expanded", "true")
    site.press("Connect MetaMask")
    expect(menu(site).get_by_test_id("menu-address")).to_contain_text(alice.address)
    site.press("Disconnect")
    expect(menu(site).get_by_role("button", name="Connect MetaMask")).to_be_visible()

    site.page.keyboard.press("Escape")

    expect(opener(site)).to_have_attribute("aria-expanded", "false")
    expect(opener(site)).to_be_focused()


def test_it_closes_when_the_person_goes_elsewhere(connected: Site):
    connected.page.get_by_role("heading", level=1).click()
    expect(menu(connected)).to_have_count(0)

    opener(connected).click()
    expect(menu(connected)).to_be_visible()
    connected.page.get_by_role("link", name="Ledger").focus()

    expect(menu(connected)).to_have_count(0)


def opener(site: Site) -> Locator:
    return site.page.get_by_test_id("account-menu")


def menu(site: Site) -> Locator:
    return site.page.get_by_role("region", name="Your account").filter(has=site.page.get_by_role("heading", level=2))
