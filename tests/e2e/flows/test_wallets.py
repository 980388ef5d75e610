"""No wallet, several wallets, old wallets; and accounts and chains that change under way."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, expect

from tests.e2e.support import images
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet


def test_no_wallet(site: Site):
    site.open().pin_and_classify(images.mri())

    expect(site.notice("no-wallet")).to_contain_text("No wallet was found")
    expect(site.heading("Result")).to_be_visible()


def test_one_of_two_wallets_is_picked(context: BrowserContext, site: Site, alice: LocalAccount, bob: LocalAccount):
    chain = site.product.chain
    first = InjectedWallet(context, [alice], (chain,), chain_id=chain.chain_id)
    names = {"name": "Other Wallet", "rdns": "org.example.wallet"}
    other = InjectedWallet(context, [bob], (chain,), chain_id=chain.chain_id, **names)
    site.open().pin_and_classify(images.mri())
    site.page.evaluate("window.dispatchEvent(new Event('eip6963:requestProvider'))")
    expect(site.page.get_by_role("button", name="Connect ")).to_have_count(2)

    site.connect("Other Wallet")
    expect(site.page.get_by_test_id("account")).to_contain_text(bob.address)
    site.sign()
    site.recorded()

    assert (first.popups, other.popups) == ([], ["connect", "transaction"])


@pytest.mark.parametrize("way", [{"announced": False}, {"legacy": False}])
def test_wallet_found_in_either_way(context: BrowserContext, site: Site, alice: LocalAccount, way: dict[str, bool]):
    chain = site.product.chain
    wallet = InjectedWallet(context, [alice], (chain,), chain_id=chain.chain_id, **way)

    site.record(images.mri())

    assert wallet.popups == ["connect", "transaction"]


def test_nothing_is_asked_on_load(wallet: InjectedWallet, site: Site):
    site.open().pin_and_classify(images.mri())
    expect(site.button("Connect MetaMask")).to_be_visible()

    assert wallet.popups == []


def test_connection_is_found_again_after_a_reload(wallet: InjectedWallet, site: Site, alice: LocalAccount):
    site.open().pin_and_classify(images.mri())
    site.connect()
    expect(site.preview("from")).to_contain_text(alice.address)

    site.page.reload()

    expect(site.preview("from")).to_contain_text(alice.address)
    assert wallet.popups == ["connect"]


def test_other_account_gets_an_attestation_of_its_own(
    wallet: InjectedWallet, site: Site, alice: LocalAccount, bob: LocalAccount
):
    site.open().pin_and_classify(images.mri())
    site.connect()
    expect(site.preview("from")).to_contain_text(alice.address)
    image_id = site.hash_in("preview-image-id")

    wallet.select_account(bob.address)

    expect(site.preview("from")).to_contain_text(bob.address)
    expect(site.preview("image-id")).not_to_contain_text(image_id)
    site.sign()
    record = site.product.get(f"/records/{site.recorded()}")
    assert (record["uploader"], len(record["diagnoses"])) == (bob.address, 1)


def test_wallet_changes_chain_under_way(wallet: InjectedWallet, site: Site):
    site.open().pin_and_classify(images.mri())
    site.connect()
    expect(site.button("Sign and record")).to_be_enabled()

    wallet.select_network(1)
    expect(site.notice("wrong-chain")).to_be_visible()
    site.page.get_by_role("button", name="Switch to ").click()
    site.sign()

    site.recorded()
    assert wallet.popups == ["connect", "switch", "transaction"]


@pytest.mark.parametrize("act", [InjectedWallet.lock, InjectedWallet.disconnect])
def test_wallet_takes_the_account_away(wallet: InjectedWallet, site: Site, act):
    site.open().pin_and_classify(images.mri())
    site.connect()
    expect(site.button("Sign and record")).to_be_enabled()

    act(wallet)

    expect(site.button("Sign and record")).to_have_count(0)
    site.connect()
    expect(site.button("Sign and record")).to_be_enabled()


def test_account_without_funds(context: BrowserContext, product: Product, site: Site):
    poor = Account.create()
    chain = product.chain
    wallet = InjectedWallet(context, [poor], (chain,), chain_id=chain.chain_id)
    site.open().pin_and_classify(images.mri())
    site.connect()
    expect(site.notice("no-funds")).to_contain_text(
        f"Not enough {product.get('/config')['chain']['currency']['symbol']}"
    )

    chain.control("evm_setAccountBalance", [poor.address, hex(10**18)])
    site.button("Check again").click()
    site.sign()

    site.recorded()
    assert wallet.popups == ["connect", "transaction"]
