"""From the signature to the block: waiting, reloading, and transactions that are replaced, lost or refused."""

from __future__ import annotations

import json

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.site import Site
from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.signing import filled
from tests.e2e.wallet.wallet import InjectedWallet


@pytest.fixture
def pending(paused_blocks: Network, wallet: InjectedWallet, site: Site) -> Site:
    """Signed, while no block is mined."""
    site.open().pin_and_classify(images.mri())
    site.connect()
    site.sign()
    expect(site.transaction("pending")).to_be_visible()
    return site


def test_pending_shows_the_hash(pending: Site, wallet: InjectedWallet):
    expect(pending.page.get_by_test_id("transaction-hash")).to_contain_text(wallet.sent[0].hash)


def test_reload_resumes(pending: Site, wallet: InjectedWallet, paused_blocks: Network):
    pending.page.reload()
    expect(pending.transaction("pending")).to_be_visible()

    paused_blocks.control("miner_start", [])

    pending.recorded()
    assert wallet.popups == ["connect", "transaction"]


def test_reload_resumes_without_the_wallet(pending: Site, wallet: InjectedWallet, paused_blocks: Network):
    wallet.lock()
    pending.page.reload()
    paused_blocks.control("miner_start", [])

    pending.recorded()


def test_network_gone_while_pending(pending: Site, paused_blocks: Network, context: BrowserContext, console: Console):
    console.tolerate("net::ERR_INTERNET_DISCONNECTED")
    context.set_offline(True)
    expect(pending.notice("server-unreachable")).to_be_visible()

    context.set_offline(False)
    paused_blocks.control("miner_start", [])

    pending.recorded()


def test_speed_up_is_followed(pending: Site, wallet: InjectedWallet, paused_blocks: Network):
    replacement = wallet.speed_up()
    paused_blocks.control("miner_start", [])

    image_id = pending.recorded()

    assert pending.product.get(f"/records/{image_id}")["transaction"]["hash"] == replacement


def test_cancelled(pending: Site, wallet: InjectedWallet, paused_blocks: Network, console: Console):
    console.tolerate("status of 404")  # the record that the page looks for
    wallet.cancel()
    paused_blocks.control("miner_start", [])
    expect(pending.notice("cancelled")).to_contain_text("The transaction was replaced")

    pending.button("Sign again").click()
    pending.sign()

    pending.recorded()


def test_dropped(wallet: InjectedWallet, site: Site):
    site.page.clock.install()
    site.open().pin_and_classify(images.mri())
    wallet.loses_transactions = True
    site.connect()
    site.sign()
    expect(site.transaction("unknown")).to_be_visible()

    site.page.clock.fast_forward("02:00")
    expect(site.notice("dropped")).to_contain_text("The transaction has disappeared")
    wallet.loses_transactions = False
    site.button("Sign again").click()
    site.sign()

    site.recorded()


def test_failed_transaction_says_why(wallet: InjectedWallet, site: Site, alice: LocalAccount):
    """While the popup is open, the same account registers the same image from another place."""
    site.open().pin_and_classify(images.mri())
    site.connect()
    wallet.decide("transaction", "hold")
    site.sign()
    wallet.wait_for_popup(site.page)
    (request,) = [params[0] for method, params in wallet.requests if method == "eth_sendTransaction"]
    site.product.chain.broadcast(alice.sign_transaction(filled(request, site.product.chain)))

    wallet.settle("approve")

    expect(site.notice("failed")).to_contain_text("The transaction failed")
    expect(site.notice("failed")).to_contain_text("has registered this image before")


def test_two_tabs_do_not_mix_their_work(pending: Site, paused_blocks: Network, context: BrowserContext):
    other = Site(context.new_page(), pending.product).open()
    expect(other.page.get_by_label("Choose an image")).to_be_attached()
    other.pin_and_classify(images.mri())

    paused_blocks.control("miner_start", [])

    first = pending.recorded()
    other.sign()
    assert other.recorded() != first


def test_drafts_are_gone_when_all_is_recorded(wallet: InjectedWallet, site: Site, page: Page):
    site.record(images.mri())
    site.button("Record another image").click()
    expect(page.get_by_label("Choose an image")).to_be_attached()

    kept = json.loads(page.evaluate("JSON.stringify(Object.keys(localStorage))"))

    assert not [key for key in kept if key.startswith(("scanproof.draft", "scanproof.transaction"))]
