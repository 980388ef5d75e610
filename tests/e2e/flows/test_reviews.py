"""The review queue: a clinician confirms, overrides or withdraws, each with one transaction and a reason."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from eth_utils import keccak
from playwright.sync_api import Locator, expect

from backend.domain import Verdict
from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record, make_study, newest, review
from tests.e2e.support.review_queue import folded, items, kept, opened
from tests.e2e.support.site import MEAN_BRIGHTNESS, Site
from tests.e2e.support.viewer import Viewer
from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.wallet import InjectedWallet

REASON = "Seen again by a “second reader”:\nthe mass is extra-axial. … 你好"


@pytest.fixture
def record(product: Product) -> str:
    return make_record(product, images.mri())[0]


@pytest.fixture
def clinician(wallet: InjectedWallet, bob: LocalAccount) -> InjectedWallet:
    """The second development account, which holds CLINICIAN_ROLE."""
    wallet.select_account(bob.address)
    return wallet


@pytest.fixture
def queue(clinician: InjectedWallet, site: Site, record: str) -> Site:
    """The page with the clinician connected."""
    return connected(site)


def test_without_the_role_the_message_names_who_grants_it(wallet: InjectedWallet, site: Site, record: str):
    site.open("/reviews")
    site.connect()

    expect(site.notice("not-clinician")).to_contain_text("the administrator of the registry grants the role")
    item = opened(site, record)
    expect(item.get_by_text("connect the wallet of a clinician above")).to_be_visible()
    expect(site.button("Sign the review")).to_have_count(0)
    assert "eth_call" in [method for method, _ in wallet.requests]


def test_confirming_is_one_transaction_and_publishes_the_reason(
    queue: Site, record: str, clinician: InjectedWallet, bob: LocalAccount
):
    say(opened(queue, record), "Confirm")
    queue.button("Sign the review").click()
    expect(kept(queue, "done")).to_contain_text("its reason is published")

    diagnosis = newest(queue.product, record)
    (step,) = diagnosis["reviews"]
    assert (diagnosis["status"], step["verdict"], step["labelCode"]) == (
        "confirmed",
        "confirmed",
        diagnosis["labelCode"],
    )
    assert (step["reviewer"], step["supersedes"], step["statement"]) == (bob.address, diagnosis["diagnosisId"], REASON)
    assert clinician.popups == ["connect", "transaction"]
    expect(items(queue, record)).to_have_count(0)
    assert browser_keeps(queue) == []


def test_overriding_names_the_result_that_holds(queue: Site, record: str):
    item = opened(queue, record)
    say(item, "Override")
    item.get_by_label("Valid result").select_option(index=1)
    queue.button("Sign the review").click()
    expect(kept(queue, "done")).to_be_visible()

    diagnosis = newest(queue.product, record)
    assert diagnosis["status"] == "overridden"
    assert diagnosis["current"]["labelCode"] == diagnosis["reviews"][0]["labelCode"] != diagnosis["labelCode"]


def test_withdrawing_leaves_nothing_that_holds(queue: Site, record: str):
    say(opened(queue, record), "Withdraw")
    queue.button("Sign the review").click()
    expect(kept(queue, "done")).to_be_visible()

    diagnosis = newest(queue.product, record)
    assert (diagnosis["status"], diagnosis["current"]) == ("withdrawn", None)
    queue.page.get_by_label("Show", exact=True).select_option("withdrawn")
    expect(opened(queue, record)).to_contain_text(REASON.splitlines()[0])


@pytest.mark.parametrize(("verdict", "missing"), [(None, "Choose a verdict."), ("Override", "Choose the result")])
def test_what_is_missing_is_named_before_the_wallet_opens(queue: Site, record: str, clinician, verdict, missing):
    item = opened(queue, record)
    item.get_by_label("Reason").fill(REASON)
    if verdict:
        item.get_by_label(verdict, exact=True).check()
    queue.button("Sign the review").click()

    expect(queue.notice("review-incomplete")).to_contain_text(missing)
    assert clinician.popups == ["connect"]


def test_a_reason_is_required(queue: Site, record: str, clinician: InjectedWallet):
    item = opened(queue, record)
    item.get_by_label("Confirm", exact=True).check()
    item.get_by_label("Reason").fill("  \n ")
    queue.button("Sign the review").click()

    expect(queue.notice("review-incomplete")).to_contain_text("Write the reason.")
    assert clinician.popups == ["connect"]


def test_a_rejected_signature_is_a_notice_and_keeps_what_was_written(queue: Site, record: str, clinician):
    item = opened(queue, record)
    say(item, "Confirm")
    clinician.decide("transaction", "reject")
    queue.button("Sign the review").click()

    expect(queue.notice("user-rejected")).to_be_visible()
    expect(item.get_by_label("Reason")).to_have_value(REASON)
    assert browser_keeps(queue) == []
    clinician.decide("transaction", "approve")
    queue.button("Sign the review").click()
    expect(kept(queue, "done")).to_be_visible()


def test_an_uploader_cannot_review_their_own_image(clinician: InjectedWallet, site: Site):
    own = site.record(images.mri())
    site.product.get(f"/records/{own}")
    site.open("/reviews")

    opened(site, own)

    expect(site.notice("own-upload")).to_be_visible()
    expect(site.button("Sign the review")).to_have_count(0)


def test_who_was_overtaken_sees_the_other_review_first(queue: Site, record: str, product: Product):
    item = opened(queue, record)
    say(item, "Confirm")
    review(product, record, Verdict.WITHDRAWN, 0, "Another patient's image.")
    queue.button("Sign the review").click()

    expect(queue.notice("review-overtaken")).to_be_visible()
    expect(item).to_contain_text("Another patient's image.")
    expect(item.get_by_label("Reason")).to_have_value(REASON)
    item.get_by_label("Confirm", exact=True).check()
    queue.button("Sign the review").click()
    expect(kept(queue, "done")).to_be_visible()
    assert newest(queue.product, record)["status"] == "confirmed"


def test_on_another_chain_nothing_is_asked_of_the_contract(clinician: InjectedWallet, site: Site, record: str):
    clinician.select_network(1)
    site.open("/reviews")
    site.connect()

    expect(site.notice("wrong-chain")).to_be_visible()
    assert "eth_call" not in [method for method, _ in clinician.requests]


def test_a_reason_that_could_not_be_published_is_published_after_a_reload(queue: Site, record: str, console: Console):
    console.tolerate("ERR_FAILED")
    queue.page.route("**/statement", lambda route: route.abort())
    say(opened(queue, record), "Confirm")
    queue.button("Sign the review").click()
    expect(queue.notice("server-unreachable")).to_contain_text("retries until it succeeds")
    assert newest(queue.product, record)["reviews"][0]["statement"] is None

    queue.page.unroute("**/statement")
    queue.page.reload()

    expect(kept(queue, "done")).to_be_visible()
    assert newest(queue.product, record)["reviews"][0]["statement"] == REASON
    assert browser_keeps(queue) == []


def test_a_reload_while_it_is_mined_goes_on(queue: Site, record: str, paused_blocks: Network):
    say(opened(queue, record), "Confirm")
    queue.button("Sign the review").click()
    expect(kept(queue, "mining")).to_be_visible()

    queue.page.reload()

    expect(kept(queue, "mining")).to_be_visible()
    expect(items(queue, record)).to_have_count(0)
    paused_blocks.control("miner_start", [])
    expect(kept(queue, "done")).to_be_visible()
    assert newest(queue.product, record)["reviews"][0]["statement"] == REASON


def test_the_review_is_shown_before_the_wallet_opens(
    queue: Site, record: str, clinician: InjectedWallet, bob: LocalAccount, product: Product
):
    item = opened(queue, record)
    expect(queue.preview("function")).to_have_count(0)
    say(item, "Withdraw")

    expect(queue.preview("function")).to_contain_text("reviewDiagnosis")
    expect(queue.preview("verdict")).to_contain_text("Withdraw")
    expect(queue.preview("from")).to_contain_text(bob.address)
    expect(queue.preview("estimated-gas")).to_contain_text(re.compile(r"\d"))
    shown = queue.page.get_by_test_id("wallet-shows")
    expect(shown).to_contain_text(product.get("/config")["chain"]["contract"])
    hash_, id_ = queue.preview("reason-hash").inner_text(), queue.preview("review-id").inner_text()
    data_hash = re.search("Keccak-256 hash (0x[0-9a-f]{64})", shown.inner_text())[1]
    queue.button("Sign the review").click()
    expect(kept(queue, "done")).to_be_visible()
    (step,) = newest(product, record)["reviews"]
    assert (step["reasonHash"], step["reviewId"]) == (hash_, id_)
    assert "0x" + keccak(hexstr=clinician.sent[0].transaction["data"]).hex() == data_hash


def test_the_reason_of_a_sealed_diagnosis_stays_with_the_reviewer(clinician: InjectedWallet, site: Site):
    record, opening = make_record(site.product, images.mri(), sealed=True)
    connected(site)
    item = opened(site, record)
    expect(item).to_contain_text("Sealed result")
    expect(item.get_by_label("Confirm", exact=True)).to_be_disabled()
    file = {"name": "opening.json", "mimeType": "application/json", "buffer": opening.encode()}
    item.locator("input[type=file]").set_input_files(file)
    expect(item).not_to_contain_text("Sealed result")
    say(item, "Override")
    with site.page.expect_download() as download:
        site.button("Sign the review").click()
    expect(kept(site, "done")).to_contain_text("Only your file contains its reason")

    statement = Path(download.value.path()).read_bytes()
    (step,) = newest(site.product, record)["reviews"]
    assert step["reasonHash"] == "0x" + hashlib.sha256(statement).hexdigest()
    assert (json.loads(statement)["reason"], step["statement"]) == (REASON, None)
    assert "second reader" not in site.product.log
    site.button("Dismiss").click()
    assert browser_keeps(site) == []


def test_keyboard_alone(clinician: InjectedWallet, site: Site, record: str):
    site.open("/reviews")
    site.press("Connect MetaMask")
    expect(site.page.get_by_test_id("may-review")).to_be_visible()
    summary = folded(site, record).locator("summary")
    for _ in range(200):
        if summary.evaluate("element => element.getRootNode().activeElement === element"):
            break
        site.page.keyboard.press("Tab")
    site.page.keyboard.press("Enter")
    site.press("Confirm", role="radio", key="Space")
    site.press("Reason", role="textbox", key="A")
    site.page.keyboard.type("nother reading.")
    site.press("Sign the review")

    expect(kept(site, "done")).to_be_visible()
    assert newest(site.product, record)["reviews"][0]["statement"] == "Another reading."


def test_the_queue_shows_map_outline_and_history(queue: Site, record: str, product: Product):
    review(product, record, Verdict.WITHDRAWN, 0, "Blurred.")
    queue.page.get_by_label("Show", exact=True).select_option("withdrawn")
    item = opened(queue, record)

    expect(item.get_by_label("Opacity of the activation map")).to_be_visible()
    expect(item.get_by_role("link", name="Timeline, outline and verification")).to_be_visible()
    expect(item).to_contain_text("Blurred.")


def test_a_corrected_outline_becomes_part_of_the_review(queue: Site, record: str):
    item = opened(queue, record)
    viewer = Viewer(queue.page)
    viewer.pixels()
    item.get_by_role("button", name="Correct the outline").click()
    item.get_by_role("button", name="Remove the outline").click()
    viewer.stroke([(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)])
    viewer.stage.focus()
    queue.page.keyboard.press("n")
    queue.page.keyboard.press("ArrowLeft")
    expect(queue.page.get_by_test_id("announcer")).to_contain_text("Point 1,")
    expect(queue.page.get_by_test_id("outline-area")).to_contain_text("pixels")
    say(item, "Confirm")
    expect(queue.preview("outline")).to_have_text("Corrected by you, part of the statement")
    queue.button("Sign the review").click()
    expect(kept(queue, "done")).to_be_visible()

    (step,) = newest(queue.product, record)["reviews"]
    (contour,) = step["outline"]
    image = queue.product.get(f"/images/{queue.product.get(f'/records/{record}')['cid']}")
    xs, ys = ([point[axis] for point in contour] for axis in (0, 1))
    side = max(image["width"], image["height"])
    assert (max(xs) - min(xs), max(ys) - min(ys)) == pytest.approx((0.2 * side, 0.2 * side), rel=0.1)
    queue.open(f"/records/{record}")
    expect(queue.page.get_by_test_id("corrected-outline")).to_contain_text("the clinician who reviewed the diagnosis")
    expect(queue.page.get_by_role("img", name="Outline: as a clinician corrected it")).to_be_visible()


def test_the_corrected_outlines_of_a_study_stay_on_their_slices(clinician: InjectedWallet, site: Site):
    image_id = make_study(site.product, [images.mri(), images.mri(), images.mri()])
    page, item = site.page, opened(connected(site), image_id)
    viewer = Viewer(page)
    outline = page.get_by_role("img", name="Outline: as a clinician corrected it")

    for slice_ in (3, 1):
        item.get_by_role("button", name=f"Show slice {slice_}").click()
        expect(outline).to_have_count(0)
        item.get_by_role("button", name="Correct the outline").click()
        item.get_by_role("button", name="Remove the outline").click()
        viewer.stroke([(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)])
    expect(item.get_by_text("outline corrected")).to_have_count(2)
    item.get_by_role("button", name="Show slice 3").click()
    expect(outline).to_be_visible()
    expect(item.get_by_test_id("editing")).to_have_count(0)
    say(item, "Confirm")
    expect(site.preview("outline")).to_have_text("Corrected by you on slices 1, 3, part of the statement")
    site.button("Sign the review").click()
    expect(kept(site, "done")).to_be_visible()

    slices = site.product.get(f"/records/{image_id}/study")["slices"]
    (step,) = newest(site.product, image_id)["reviews"]
    named = [(each["order"], each["cid"], len(each["outline"])) for each in step["sliceOutlines"]]
    assert (step["outline"], named) == (None, [(0, slices[0]["cid"], 1), (2, slices[2]["cid"], 1)])
    site.open(f"/records/{image_id}")
    expect(page.get_by_test_id("corrected-outline")).to_contain_text("those of the clinician")
    expect(page.get_by_text("outline corrected", exact=True)).to_have_count(2)
    page.get_by_role("button", name="Show slice 1").click()
    expect(outline).to_be_visible()
    page.get_by_role("button", name="Show slice 2").click()
    expect(outline).to_have_count(0)


def test_a_sixteen_bit_image_is_shown_as_the_model_saw_it(clinician: InjectedWallet, site: Site):
    image_id, _ = make_record(site.product, images.deep_mri())

    item = opened(connected(site), image_id)

    assert item.get_by_role("img", name="The image to be reviewed").evaluate(MEAN_BRIGHTNESS) > 15


def connected(site: Site) -> Site:
    site.open("/reviews")
    site.connect()
    expect(site.page.get_by_test_id("may-review")).to_be_visible()
    return site


def say(item: Locator, verdict: str) -> None:
    item.get_by_label(verdict, exact=True).check()
    item.get_by_label("Reason").fill(REASON)


def browser_keeps(site: Site) -> list[str]:
    return site.page.evaluate("() => Object.keys(localStorage).filter((key) => key.startsWith('scanproof.review.'))")
