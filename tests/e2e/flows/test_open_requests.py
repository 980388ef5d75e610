"""The wallet's window outlives the page that asked: nothing is lost, and nothing is signed a second time."""

from __future__ import annotations

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page, expect

from backend.domain import Verdict
from tests.e2e.support import images
from tests.e2e.support.records import make_record, newest, register_image, review
from tests.e2e.support.review_queue import items, kept, opened
from tests.e2e.support.site import Site
from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.signing import filled
from tests.e2e.wallet.wallet import InjectedWallet

REASON = "Read a second time."
DECLINED = "I declined it: prepare it again"


@pytest.fixture
def asking(wallet: InjectedWallet, site: Site) -> Site:
    """The wallet's window is open, and the page waits."""
    site.open().pin_and_classify(images.mri())
    site.connect()
    wallet.decide("transaction", "hold")
    site.sign()
    wallet.wait_for_popup(site.page)
    return site


@pytest.fixture
def reloaded(asking: Site) -> Site:
    asking.page.reload()
    expect_open_request(asking)
    return asking


def test_request_confirmed_after_a_reload_is_recorded(reloaded: Site, wallet: InjectedWallet):
    wallet.settle("approve")

    image_id = reloaded.recorded()

    assert wallet.popups == ["connect", "transaction"]
    assert len(reloaded.product.get(f"/records/{image_id}")["diagnoses"]) == 1
    assert intents(reloaded.page) == []


def test_request_is_followed_without_the_account(reloaded: Site, wallet: InjectedWallet):
    wallet.disconnect()
    expect_open_request(reloaded)

    wallet.settle("approve")

    reloaded.recorded()


def test_hidden_window_and_lock_are_explained(reloaded: Site):
    request = reloaded.page.locator("sp-open-request")
    expect(request).to_contain_text("would fail and cost its fee")
    expect(request).to_contain_text("click the icon of MetaMask in the browser's toolbar")
    expect(request).to_contain_text("unlock it")


def test_what_is_to_be_signed_stays_while_the_request_is_open(reloaded: Site, wallet: InjectedWallet):
    expect(reloaded.page.get_by_label("Sealed result")).to_be_disabled()
    expect(reloaded.page.get_by_role("radio", name="Image only")).to_have_count(0)

    wallet.settle("reject")
    reloaded.button(DECLINED).click()

    expect(reloaded.page.get_by_label("Sealed result")).to_be_enabled()


def test_request_declined_after_a_reload_can_be_signed_again(reloaded: Site, wallet: InjectedWallet):
    wallet.settle("reject")
    reloaded.button(DECLINED).click()
    wallet.decide("transaction", "approve")
    reloaded.sign()

    reloaded.recorded()
    assert len(wallet.sent) == 1


def test_transaction_under_way_is_not_taken_for_declined(
    reloaded: Site, wallet: InjectedWallet, paused_blocks: Network
):
    wallet.settle("approve")

    expect(reloaded.page.locator("[data-testid=open-request][data-state=under-way]")).to_be_visible()
    expect(reloaded.button(DECLINED)).to_have_count(0)
    expect(reloaded.button("Sign and record")).to_have_count(0)
    paused_blocks.control("miner_start", [])
    reloaded.recorded()
    assert len(wallet.sent) == 1


def test_closed_tab_is_continued_in_another(asking: Site, wallet: InjectedWallet, context: BrowserContext):
    asking.page.close()
    other = Site(context.new_page(), asking.product).open()
    expect(other.page.get_by_text("Your wallet may still be asking")).to_be_visible()
    other.page.get_by_role("button", name="Continue").click()
    expect_open_request(other)

    wallet.settle("approve")

    other.recorded()
    assert len(wallet.sent) == 1


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_another_tab_with_the_same_image_waits(
    wallet: InjectedWallet, site: Site, context: BrowserContext, decision: str
):
    image = images.mri()
    site.open().pin_and_classify(image)
    site.connect()
    other = Site(context.new_page(), site.product).open()
    other.pin_and_classify(image)
    expect(other.button("Sign and record")).to_be_enabled()
    wallet.decide("transaction", "hold")
    site.sign()
    wallet.wait_for_popup(site.page)
    expect_open_request(other)
    expect(other.notice("open-request")).to_contain_text("in another tab of this site")
    expect(other.button(DECLINED)).to_have_count(0)

    wallet.settle(decision)

    if decision == "approve":
        assert other.recorded() == site.recorded()
    else:
        expect(other.button("Sign and record")).to_be_enabled()
        expect(site.notice("user-rejected")).to_be_visible()
    assert wallet.popups == ["connect", "transaction"]


def test_another_tab_follows_what_waits_for_its_block(
    wallet: InjectedWallet, site: Site, context: BrowserContext, paused_blocks: Network
):
    image = images.mri()
    site.open().pin_and_classify(image)
    site.connect()
    site.sign()
    expect(site.transaction("pending")).to_be_visible()

    other = Site(context.new_page(), site.product).open()
    other.pin_and_classify(image)

    expect(other.transaction("pending")).to_be_visible()
    paused_blocks.control("miner_start", [])
    assert other.recorded() == site.recorded()
    assert len(wallet.sent) == 1


def test_what_was_recorded_elsewhere_meanwhile_is_not_signed(wallet: InjectedWallet, site: Site, alice: LocalAccount):
    """The preview is old: the same account has registered the image from another device since."""
    image = images.mri()
    site.open().pin_and_classify(image)
    site.connect()
    wallet.decide("transaction", "reject")
    site.sign()
    expect(site.notice("user-rejected")).to_be_visible()
    (request,) = [params[0] for method, params in wallet.requests if method == "eth_sendTransaction"]
    site.product.chain.broadcast(alice.sign_transaction(filled(request, site.product.chain)))

    site.button("Try again").click()

    expect(site.notice("already-registered")).to_be_visible()
    expect(site.button("Sign and record")).to_have_count(0)
    assert wallet.popups == ["connect", "transaction"]


def test_request_overtaken_by_another_registration_ends(reloaded: Site):
    """Another device registers the same image alone, so what the open request would write is refused."""
    register_image(reloaded.product, reloaded.hash_in("cid"))

    expect(reloaded.notice("already-registered")).to_be_visible()
    expect(reloaded.button("Record the diagnosis only")).to_be_visible()
    assert intents(reloaded.page) == []


def test_unanswered_request_is_forgotten_after_a_day(asking: Site, wallet: InjectedWallet):
    page = asking.page
    make_older = """() => {
        const [key] = Object.keys(localStorage).filter((name) => name.startsWith("scanproof.intent."));
        const intent = JSON.parse(localStorage[key]);
        localStorage[key] = JSON.stringify({ ...intent, askedAt: intent.askedAt - 24 * 3600 * 1000 - 1 });
    }"""
    page.evaluate(make_older)

    page.reload()

    expect(asking.button("Sign and record")).to_be_enabled()
    assert intents(page) == []


def test_failing_node_leaves_the_request_open(wallet: InjectedWallet, site: Site):
    """The wallet's node failed while it sent: whether the transaction went out is not known."""
    site.open().pin_and_classify(images.mri())
    site.connect()
    expect(site.button("Sign and record")).to_be_enabled()
    wallet.fail("eth_sendTransaction", -32603, "Failed to fetch")
    site.sign()
    expect(site.notice("rpc-failed")).to_contain_text("may have sent the transaction all the same")
    expect(site.button("Sign and record")).to_have_count(0)

    site.button("It was not sent: prepare it again").click()
    site.sign()

    site.recorded()


def test_diagnosis_added_to_a_record_survives_a_reload(wallet: InjectedWallet, site: Site):
    site.open().pin_and_classify(images.mri())
    site.connect()
    site.page.get_by_role("radio", name="Image only").check()
    site.button("Sign and register").click()
    site.open(f"/records/{site.recorded()}")
    site.button("Classify the image").click()
    wallet.decide("transaction", "hold")
    site.sign()
    wallet.wait_for_popup(site.page)

    site.page.reload()
    expect(site.notice("open-request")).to_be_visible()
    expect(site.button("Classify the image")).to_have_count(0)
    wallet.settle("approve")

    expect(site.page.get_by_test_id("diagnosis")).to_have_count(1)
    assert len(wallet.sent) == 2


@pytest.fixture
def reviewing(wallet: InjectedWallet, bob: LocalAccount, site: Site) -> tuple[Site, str]:
    """A clinician's wallet is open with a review."""
    record, _ = make_record(site.product, images.mri())
    wallet.select_account(bob.address)
    site.open("/reviews")
    site.connect()
    say(site, record)
    wallet.decide("transaction", "hold")
    site.button("Sign the review").click()
    wallet.wait_for_popup(site.page)
    return site, record


def test_review_confirmed_after_a_reload_is_published(reviewing: tuple[Site, str], wallet: InjectedWallet):
    site, record = reviewing
    site.page.reload()
    expect(kept(site, "asking")).to_contain_text("Your wallet may still be asking")
    expect(items(site, record)).to_have_count(0)

    wallet.settle("approve")

    expect(kept(site, "done")).to_contain_text("its reason is published")
    assert newest(site.product, record)["reviews"][0]["statement"] == REASON
    assert len(wallet.sent) == 1
    assert intents(site.page) == []


def test_review_declined_after_a_reload_keeps_its_reason(reviewing: tuple[Site, str], wallet: InjectedWallet):
    site, record = reviewing
    site.page.reload()
    wallet.settle("reject")
    site.button(DECLINED).click()
    expect(site.notice("review-unsent")).to_be_visible()
    site.button("Discard it").click()

    item = opened(site, record)
    expect(item.get_by_label("Reason")).to_have_value(REASON)
    item.get_by_label("Confirm", exact=True).check()
    wallet.decide("transaction", "approve")
    site.button("Sign the review").click()

    expect(kept(site, "done")).to_be_visible()
    assert len(wallet.sent) == 1


def test_form_of_another_tab_waits_for_the_same_review(
    reviewing: tuple[Site, str], wallet: InjectedWallet, context: BrowserContext, paused_blocks: Network
):
    site, record = reviewing
    wallet.settle("reject")
    expect(site.notice("user-rejected")).to_be_visible()
    other = Site(context.new_page(), site.product).open("/reviews")
    say(other, record)
    expect(other.button("Sign the review")).to_be_enabled()
    site.button("Sign the review").click()
    wallet.wait_for_popup(site.page)

    expect(other.notice("open-request")).to_contain_text("in another tab of this site")
    expect(other.button("Sign the review")).to_have_count(0)
    wallet.settle("approve")
    expect(other.transaction("pending")).to_be_visible()
    expect(other.button("Sign the review")).to_have_count(0)

    paused_blocks.control("miner_start", [])

    expect(other.notice("review-overtaken")).to_be_visible()
    assert len(wallet.sent) == 1


def test_review_overtaken_while_the_request_is_open_ends(reviewing: tuple[Site, str], wallet: InjectedWallet):
    """The newest review is another one: what the open request would write is refused."""
    site, record = reviewing
    site.page.reload()
    expect(kept(site, "asking")).to_be_visible()

    review(site.product, record, Verdict.WITHDRAWN, 0, "Another patient's image.")

    expect(site.notice("review-unsent")).to_be_visible()
    assert intents(site.page) == []


def expect_open_request(site: Site) -> None:
    expect(site.notice("open-request")).to_contain_text("Your wallet may still be asking")
    expect(site.button("Sign and record")).to_have_count(0)


def say(site: Site, record: str) -> None:
    item = opened(site, record)
    item.get_by_label("Confirm", exact=True).check()
    item.get_by_label("Reason").fill(REASON)


def intents(page: Page) -> list[str]:
    page.wait_for_timeout(300)
    return page.evaluate("() => Object.keys(localStorage).filter((key) => key.startsWith('scanproof.intent.'))")
