"""The ledger: every step with its block, and a forgery that each check in the page notices."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from backend.domain import Verdict
from tests.e2e.support import images
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record, review
from tests.e2e.support.site import Site

CID = "The image's bytes give the CID"
IMAGE_ID = "Account and CID give the image id"
HASH = "The manifest's bytes give its hash on the chain"
SAID = "The manifest agrees with the chain"
SIGNATURE = "The signature is the classifier's"


@pytest.fixture
def record(product: Product) -> str:
    return make_record(product, images.mri())[0]


def test_every_step_is_listed_with_its_block_and_the_one_before(product: Product, site: Site, record: str):
    review(product, record, Verdict.WITHDRAWN, 0, "Another patient's image.")
    shown = product.get(f"/records/{record}")

    site.open("/ledger")

    entries = site.page.get_by_test_id("ledger-entry").filter(has=site.page.locator(f"a[href='/records/{record}']"))
    expect(entries).to_have_count(3)
    kinds = entries.evaluate_all("rows => rows.map((row) => row.dataset.kind)")
    assert kinds == ["diagnosisReviewed", "diagnosisRecorded", "imageRegistered"]
    newest = entries.first.locator("td")
    assert newest.nth(3).locator("code").get_attribute("title") == shown["diagnoses"][0]["reviews"][0]["block"]["hash"]
    assert newest.nth(4).locator("code").get_attribute("title") == shown["diagnoses"][0]["block"]["hash"]
    expect(entries.nth(1)).to_contain_text("Same block")


def test_a_late_review_of_an_old_image_stands_above_all_that_came_between(product: Product, site: Site, record: str):
    between = [make_record(product, images.phantom())[0] for _ in range(2)]
    review(product, record, Verdict.WITHDRAWN, 0, "Another patient's image.")

    site.open("/ledger")

    entries = site.page.get_by_test_id("ledger-entry")
    expect(entries.first).to_contain_text("Withdrawn by a clinician")
    links = entries.locator("a[href^='/records/']").evaluate_all("links => links.map(({ pathname }) => pathname)")
    assert links[:5] == [f"/records/{image}" for image in (record, *[i for i in reversed(between) for _ in range(2)])]


def test_all_steps_are_reached_down_to_the_first(product: Product, site: Site, record: str):
    product.get(f"/records/{record}")
    # Pages of three, so that there are several whatever was recorded before.
    three = re.compile(r"(?<=/api/v1/ledger\?limit=)50")
    site.page.route("**/api/v1/ledger?*", lambda route: route.continue_(url=three.sub("3", route.request.url)))
    site.open("/ledger")
    entries = site.page.get_by_test_id("ledger-entry")
    expect(entries.first).to_be_visible()
    while site.button("Show more").is_visible():
        expect(entries.last).to_contain_text("Show more to see it")
        shown = entries.count()
        site.button("Show more").click()
        expect(entries).not_to_have_count(shown)
        assert entries.count() <= 1_000
    expect(entries.last).to_contain_text("First step")
    expect(site.page.locator("[data-kind=modelRegistered]").first).to_be_visible()
    expect(site.page.locator("[data-kind=trainingAnchored]").first).to_be_visible()


@pytest.mark.parametrize("width", [1200, 1440])
def test_on_a_wide_page_every_column_is_seen(product: Product, site: Site, record: str, width: int):
    review(product, record, Verdict.WITHDRAWN, 0, "Another patient's image.")
    site.page.set_viewport_size({"width": width, "height": 900})
    # Block numbers as long as those of a live chain.
    site.page.route("**/api/v1/ledger?*", on_a_long_chain)
    site.open("/ledger")
    expect(site.page.get_by_test_id("ledger-entry").first).to_contain_text(",000,0")
    hidden = site.page.locator("sp-ledger .scroll").first.evaluate("region => region.scrollWidth - region.clientWidth")
    assert hidden == 0


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ("One bit of the image", [CID]),
        ("The account that recorded it", [IMAGE_ID]),
        ("The result on the chain", [SAID, SIGNATURE]),
        ("One bit of the manifest", [HASH]),
    ],
)
def test_a_forgery_is_noticed_by_the_right_check(site: Site, record: str, change: str, failed: list[str]):
    forge(site, record).get_by_label(change).check()
    # A digit of a probability: the manifest can still be read, and says the same of label and confidence.
    if "manifest" in change:
        site.page.get_by_label("Which byte, from 0").fill(str(position_in_probabilities(site, record)))
        site.page.keyboard.press("Tab")

    expect(proofs(site, passed=False).locator("th")).to_have_text(failed)
    expect(proofs(site, passed=True)).to_have_count(5 - len(failed))
    true_record = site.page.get_by_test_id("proof").locator("td:nth-child(3)")
    assert all("Passed" in text for text in true_record.all_inner_texts())
    expect(site.page.get_by_test_id("caught")).to_contain_text(failed[0])


def test_an_image_of_several_blocks_is_checked_too_and_nothing_is_sent(product: Product, site: Site):
    record = make_record(product, images.noise_of(700))[0]
    site.open("/ledger")
    requests: list[str] = []
    forge(site, record)
    expect(proofs(site, passed=False).locator("th")).to_have_text([CID])

    site.page.on("request", lambda request: requests.append(request.url))
    for position in ("0", "300000", "1"):
        site.page.get_by_label("Which byte, from 0").fill(position)
        site.page.keyboard.press("Tab")
        expect(site.page.locator("#about-image")).to_contain_text(f"byte {position} of ")
        expect(proofs(site, passed=False).locator("th")).to_have_text([CID])
    for no_position in ("-1", "99999999", "", "1.5"):
        site.page.get_by_label("Which byte, from 0").fill(no_position)
        site.page.keyboard.press("Tab")
        expect(site.page.get_by_role("alert").filter(has_text="a whole number from 0 to")).to_be_visible()
        expect(site.page.locator("#about-image")).to_contain_text("byte 1 of ")
    assert requests == []


def test_a_sealed_record_shows_what_can_be_checked_without_its_opening(product: Product, site: Site):
    record = make_record(product, images.mri(), sealed=True)[0]
    panel = forge(site, record)

    expect(panel.get_by_label("One bit of the manifest")).to_be_disabled()
    panel.get_by_label("The result on the chain").check()
    expect(proofs(site, passed=False).locator("th")).to_have_text([SIGNATURE])


def on_a_long_chain(route: Route) -> None:
    answer = route.fetch().json()
    for entry in answer["entries"]:
        entry["block"]["number"] += 100_000_000
    route.fulfill(json=answer)


def forge(site: Site, record: str) -> Locator:
    site.product.get(f"/records/{record}")
    site.open("/ledger")
    site.page.get_by_label("Record", exact=True).select_option(record)
    expect(site.page.get_by_test_id("caught")).to_be_visible()
    return site.page.locator("sp-tampering")


def proofs(site: Site, *, passed: bool) -> Locator:
    return site.page.locator(f"[data-testid=proof][data-passed={str(passed).lower()}]")


def position_in_probabilities(site: Site, record: str) -> int:
    manifest_hash = site.product.get(f"/records/{record}")["diagnoses"][0]["manifestHash"]
    manifest = site.page.request.get(f"{site.product.url}/api/v1/manifests/{manifest_hash}").body()
    return manifest.index(b"0.", manifest.index(b'"probabilities"')) + 2
