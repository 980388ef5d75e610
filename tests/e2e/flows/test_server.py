"""A server that goes away and comes back."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

GONE = "net::ERR_CONNECTION_REFUSED"


def test_server_gone_before_the_upload(product: Product, site: Site, console: Console):
    console.tolerate(GONE, "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE")
    site.open().choose(images.mri())
    product.stop()
    site.button("Pin and classify").click()
    expect(site.notice("server-unreachable")).to_be_visible()

    product.start()
    site.button("Try again").click()

    expect(site.heading("Result")).to_be_visible()


def test_server_gone_while_signing(wallet: InjectedWallet, product: Product, site: Site, console: Console):
    """The chain goes too, as it is the same program; both are found again as they were."""
    console.tolerate(GONE, "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE")
    earlier = site.record(images.mri())
    site.button("Record another image").click()
    site.pin_and_classify(images.mri())
    expect(site.button("Sign and record")).to_be_enabled()
    wallet.decide("transaction", "hold")
    site.sign()
    wallet.wait_for_popup(site.page)

    product.stop()
    product.start()
    wallet.settle("approve")

    site.recorded()
    assert product.get(f"/records/{earlier}")["imageId"] == earlier
