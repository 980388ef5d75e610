"""Every page and the main states: axe in light and dark, no sideways scrolling at 360 px, the keyboard alone, and
screenshots in test-results/ for people to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page, expect

from backend.domain import Verdict
from tests.e2e.support import images
from tests.e2e.support.axe import serious_violations
from tests.e2e.support.console import Console
from tests.e2e.support.records import make_record, register_image, review
from tests.e2e.support.review_queue import opened
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

Scheme = Literal["light", "dark"]
PAGES = {
    "start": "/",
    "records": "/records",
    "models": "/models",
    "ledger": "/ledger",
    "reviews": "/reviews",
    "received": "/received",
    "not-found": "/nowhere",
}


Examine = Callable[[str], None]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest, page: Page) -> Iterator[Scheme]:
    page.emulate_media(color_scheme=request.param, reduced_motion="reduce")
    yield request.param


@pytest.fixture
def examine(site: Site, scheme: Scheme, pytestconfig: pytest.Config) -> Examine:
    """Fails on what axe finds serious, and on a page wider than a small telephone."""
    folder = Path(pytestconfig.getoption("--output"))
    page = site.page

    def examined(state: str) -> None:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.screenshot(path=folder / f"{state}-{scheme}.png", full_page=True)
        assert serious_violations(page) == []
        page.set_viewport_size({"width": 360, "height": 740})
        page.screenshot(path=folder / f"{state}-{scheme}-360.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

    return examined


@pytest.mark.parametrize("name", PAGES)
def test_page(site: Site, examine: Examine, name: str, console: Console):
    if name == "not-found":
        console.tolerate("status of 404")
    site.open(PAGES[name])
    site.page.wait_for_load_state("networkidle")

    examine(name)


def test_states_of_the_main_flow(wallet: InjectedWallet, site: Site, examine: Examine):
    chain = site.product.chain
    site.open().choose(images.mri())
    expect(site.heading("Ready to upload")).to_be_visible()
    examine("flow-1-chosen")
    site.button("Pin and classify").click()
    expect(site.button("Connect MetaMask")).to_be_visible()
    examine("flow-2-result")
    site.heading("How the image was analysed").click()
    expect(site.page.get_by_test_id("analysis-figure").first).to_be_visible()
    examine("flow-2-analysis")
    wallet.select_network(1)
    site.connect()
    expect(site.notice("wrong-chain")).to_be_visible()
    examine("flow-3-wrong-chain")
    wallet.select_network(chain.chain_id)
    expect(site.button("Sign and record")).to_be_enabled()
    examine("flow-4-preview")
    wallet.decide("transaction", "reject")
    site.sign()
    expect(site.notice("user-rejected")).to_be_visible()
    examine("flow-5-rejected")
    wallet.decide("transaction", "hold")
    site.button("Try again").click()
    expect(site.page.get_by_test_id("signing-waiting")).to_be_visible()
    examine("flow-5-waiting")
    wallet.wait_for_popup(site.page)
    site.page.reload()
    expect(site.notice("open-request")).to_be_visible()
    examine("flow-5-open-request")
    chain.control("miner_stop", [])
    wallet.settle("approve")
    expect(site.page.locator("[data-testid=open-request][data-state=under-way]")).to_be_visible()
    chain.control("miner_start", [])
    site.recorded()
    chain.control("miner_stop", [])
    site.button("Record another image").click()
    wallet.decide("transaction", "approve")
    site.pin_and_classify(images.mri())
    site.sign()
    expect(site.transaction("pending")).to_be_visible()
    examine("flow-6-pending")
    chain.control("miner_start", [])
    image_id = site.recorded()
    examine("flow-7-recorded")
    site.page.get_by_role("link", name="Open the provenance page").click()
    site.expect_verified()
    examine("flow-8-provenance")
    for name in ("records", "ledger"):
        site.open(PAGES[name])
        expect(site.page.locator(f"a[href='/records/{image_id}']").first).to_be_visible()
        examine(name)


def test_states_of_the_account_menu(wallet: InjectedWallet, site: Site, examine: Examine):
    site.open("/models")
    site.page.get_by_test_id("account-menu").click()
    expect(site.button("Connect MetaMask")).to_be_visible()
    examine("account-1-none")
    wallet.decide("connect", "hold")
    site.connect()
    wallet.wait_for_popup(site.page)
    examine("account-2-waiting")
    wallet.tick(*wallet.accounts)
    wallet.settle("approve")
    expect(site.page.get_by_test_id("menu-roles")).to_have_text("Uploader")
    examine("account-3-connected")
    wallet.select_network(1)
    expect(site.notice("wrong-chain")).to_be_visible()
    examine("account-4-wrong-chain")


def test_failed_transaction(wallet: InjectedWallet, site: Site, examine: Examine):
    site.open().pin_and_classify(images.mri())
    site.connect()
    wallet.decide("transaction", "hold")
    site.sign()
    wallet.wait_for_popup(site.page)
    register_image(site.product, site.hash_in("cid"))
    wallet.settle("approve")
    expect(site.notice("failed")).to_be_visible()

    examine("flow-6-failed")


def test_states_of_a_record(site: Site, examine: Examine):
    image_id, opening = make_record(site.product, images.mri(), sealed=True)
    site.open(f"/records/{image_id}")
    expect(site.page.get_by_test_id("lineage")).to_be_visible()
    examine("record-sealed")
    file = {"name": "opening.json", "mimeType": "application/json", "buffer": opening.encode()}
    site.page.get_by_label("Open it with a file").set_input_files(file)
    expect(site.page.get_by_test_id("opened")).to_be_visible()
    examine("record-opened")
    review(site.product, image_id, Verdict.WITHDRAWN, 0, "Not this patient's study.")
    site.open(f"/records/{image_id}")
    expect(site.page.get_by_test_id("flag")).to_be_visible()
    for summary in site.page.get_by_text("Hashes, and how to check this step").all():
        summary.click()
    examine("record-withdrawn")
    site.open("/records?status=withdrawn")
    expect(site.page.get_by_test_id("record").first).to_be_visible()
    examine("records-filtered")


def test_states_of_sealing(wallet: InjectedWallet, site: Site, examine: Examine):
    site.open().choose(images.mri())
    site.page.get_by_label("Sealed result").check()
    examine("sealing-1-chosen")
    site.button("Pin and classify").click()
    site.connect()
    expect(site.page.get_by_test_id("save-first")).to_be_visible()
    examine("sealing-2-to-be-saved")
    site.button("Save the opening").click()
    expect(site.button("Sign and record")).to_be_enabled()
    examine("sealing-3-saved")
    site.sign()
    site.recorded()
    examine("sealing-4-recorded")


def test_states_of_a_review(wallet: InjectedWallet, site: Site, examine: Examine, bob: LocalAccount, console: Console):
    console.tolerate("status of 503")
    image_id, _ = make_record(site.product, images.mri())
    site.product.get(f"/records/{image_id}")
    site.open("/reviews")
    site.connect()
    expect(site.notice("not-clinician")).to_be_visible()
    examine("review-1-not-clinician")
    wallet.tick(bob.address)
    site.button("Change the account").click()
    expect(site.page.get_by_test_id("may-review")).to_be_visible()
    item = opened(site, image_id)
    item.get_by_label("Override", exact=True).check()
    expect(item.get_by_label("Opacity of the activation map")).to_be_visible()
    examine("review-2-form")
    site.button("Sign the review").click()
    expect(site.notice("review-incomplete")).to_be_visible()
    item.get_by_label("Reason").fill("Read again.")
    item.get_by_label("Valid result").select_option(index=1)
    expect(site.preview("estimated-gas")).to_be_visible()
    examine("review-3-preview")
    wallet.decide("transaction", "hold")
    site.button("Sign the review").click()
    wallet.wait_for_popup(site.page)
    examine("review-4-waiting")
    site.page.reload()
    expect(site.notice("open-request")).to_be_visible()
    examine("review-5-open-request")
    wallet.decide("transaction", "approve")
    site.page.route("**/statement", lambda route: route.fulfill(status=503, body="{}"))
    wallet.settle("approve")
    expect(site.page.locator("[data-testid=pending-review][data-phase=publishing]")).to_be_visible()
    site.page.unroute("**/statement")
    expect(site.page.locator("[data-testid=pending-review][data-phase=done]")).to_be_visible()
    examine("review-6-done")


def test_states_of_a_forgery(site: Site, examine: Examine):
    image_id, _ = make_record(site.product, images.mri())
    site.product.get(f"/records/{image_id}")
    site.open("/ledger")
    site.page.get_by_label("Record", exact=True).select_option(image_id)
    site.page.get_by_label("The result on the chain").check()
    expect(site.page.get_by_test_id("caught")).to_contain_text("Detected by 2 of 5")
    examine("ledger-forgery")


def test_no_answer(site: Site, examine: Examine):
    site.open().pin_and_classify(images.noise())
    expect(site.page.get_by_test_id("result-abstained")).to_be_visible()
    expect(site.notice("no-wallet")).to_be_visible()

    examine("abstained-no-wallet")


def test_theme_is_chosen_and_remembered(site: Site):
    site.open()
    site.button("Use dark theme").click()
    expect(site.page.locator("html")).to_have_attribute("data-theme", "dark")

    site.page.reload()

    expect(site.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(site.button("Use light theme")).to_be_visible()


def test_keyboard_alone(wallet: InjectedWallet, site: Site):
    site.open()
    site.page.keyboard.press("Tab")
    expect(site.button("Skip to content")).to_be_focused()
    with site.page.expect_file_chooser() as chooser:
        site.press("Choose an image", role="any", key="Enter")
    chooser.value.set_files({"name": "slice.png", "mimeType": "image/png", "buffer": images.mri()})
    site.press("Pin and classify")
    expect(site.heading("Result")).to_be_focused()
    site.press("Connect MetaMask")
    site.press("Sign and record")
    expect(site.heading("Recorded")).to_be_focused()
    site.press("Open the provenance page", role="link")

    expect(site.page.get_by_role("heading", level=1, name="Provenance record")).to_be_focused()
    site.expect_verified()
    assert wallet.popups == ["connect", "transaction"]


def test_progress_is_announced(wallet: InjectedWallet, site: Site, context: BrowserContext):
    site.open()
    announcer = site.page.get_by_test_id("announcer")
    expect(announcer).to_have_attribute("aria-live", "polite")

    site.pin_and_classify(images.mri())

    expect(announcer).not_to_be_empty()
