"""What the person refuses in the wallet, or leaves open: nothing is lost, and it can be tried again."""

from __future__ import annotations

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, expect

from tests.e2e.support import images
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet


@pytest.fixture
def result(site: Site) -> Site:
    site.open().pin_and_classify(images.mri())
    return site


def test_connection_rejected(wallet: InjectedWallet, result: Site):
    wallet.decide("connect", "reject")
    result.connect()
    expect(result.notice("user-rejected")).to_contain_text("You did not connect")
    expect(result.heading("Result")).to_be_visible()

    wallet.decide("connect", "approve")
    result.connect()

    expect(result.button("Sign and record")).to_be_enabled()
    expect(result.notice("user-rejected")).to_have_count(0)


@pytest.mark.parametrize(("popup", "known"), [("switch", True), ("add", False)])
def test_chain_change_rejected(wallet: InjectedWallet, result: Site, popup: str, known: bool):
    chain_id = result.product.chain.chain_id
    wallet.select_network(1)
    if not known:
        del wallet.networks[chain_id]
    wallet.decide(popup, "reject")
    result.connect()
    switch = result.page.get_by_role("button", name="Switch to ")
    switch.click()
    expect(result.notice("user-rejected")).to_contain_text("The chain was not changed")
    expect(result.heading("Result")).to_be_visible()

    wallet.decide(popup, "approve")
    switch.click()

    expect(result.button("Sign and record")).to_be_enabled()
    assert wallet.popups == ["connect", popup, popup]


def test_transaction_rejected(wallet: InjectedWallet, result: Site):
    cid = result.hash_in("cid")
    wallet.decide("transaction", "reject")
    result.connect()
    result.sign()
    expect(result.notice("user-rejected")).to_contain_text("Nothing was signed")
    expect(result.heading("Result")).to_be_visible()
    assert result.hash_in("cid") == cid

    wallet.decide("transaction", "approve")
    result.button("Try again").click()

    image_id = result.recorded()
    assert result.product.get(f"/records/{image_id}")["cid"] == cid


def test_request_open_already(wallet: InjectedWallet, result: Site):
    wallet.decide("connect", "hold")
    result.connect()
    wallet.wait_for_popup(result.page)
    result.page.reload()
    expect(result.heading("Result")).to_be_visible()
    result.connect()
    expect(result.notice("request-pending")).to_contain_text("Your wallet has a request open")

    wallet.settle("approve")

    expect(result.button("Sign and record")).to_be_enabled()


def test_while_the_wallet_waits_the_page_says_so(wallet: InjectedWallet, result: Site):
    wallet.decide("transaction", "hold")
    result.connect()
    result.sign()
    expect(result.page.get_by_test_id("signing-waiting")).to_contain_text("Waiting for MetaMask")
    expect(result.button("Sign and record")).to_have_count(0)

    wallet.wait_for_popup(result.page)
    wallet.settle("approve")

    result.recorded()
    assert len(wallet.sent) == 1


def test_unknown_chain_on_mobile(context: BrowserContext, result: Site, alice: LocalAccount):
    mobile = InjectedWallet(context, [alice], mobile=True)
    result.page.reload()
    expect(result.heading("Result")).to_be_visible()
    result.connect()

    result.page.get_by_role("button", name="Switch to ").click()

    expect(result.button("Sign and record")).to_be_enabled()
    assert mobile.popups == ["connect", "add"]


def test_chain_mismatch_is_said(wallet: InjectedWallet, result: Site):
    result.connect()
    expect(result.button("Sign and record")).to_be_enabled()
    wallet.fail("eth_sendTransaction", -32603, 'Provided chainId "1337" must match the active chainId "1"')

    result.sign()

    expect(result.notice("chain-mismatch")).to_contain_text("Your wallet is on another chain")
    expect(result.heading("Result")).to_be_visible()


def test_failing_node_is_said(wallet: InjectedWallet, result: Site):
    result.connect()
    expect(result.button("Sign and record")).to_be_enabled()
    wallet.fail("eth_sendTransaction", -32603, "Failed to fetch")

    result.sign()

    expect(result.notice("rpc-failed")).to_contain_text("Your wallet could not do this")
    expect(result.heading("Result")).to_be_visible()


def test_already_registered(wallet: InjectedWallet, site: Site):
    image = images.mri()
    image_id = site.record(image)
    site.button("Record another image").click()

    site.pin_and_classify(image)

    expect(site.notice("already-registered")).to_contain_text("You have registered this image before")
    site.page.get_by_role("link", name="See the record").click()
    expect(site.page.get_by_test_id("record-image-id")).to_contain_text(image_id)


def test_diagnosis_for_an_image_registered_before(wallet: InjectedWallet, site: Site):
    image = images.mri()
    site.open().pin_and_classify(image)
    site.connect()
    expect(site.button("Sign and record")).to_be_visible()
    site.page.get_by_role("radio", name="Image only").check()
    site.button("Sign and register").click()
    image_id = site.recorded()
    site.button("Record another image").click()
    site.pin_and_classify(image)

    site.button("Record the diagnosis only").click()
    expect(site.preview("function")).to_contain_text("recordDiagnosis")
    site.sign()

    assert site.recorded() == image_id
    assert len(site.product.get(f"/records/{image_id}")["diagnoses"]) == 1
