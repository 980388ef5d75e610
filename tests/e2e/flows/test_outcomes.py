"""The page says what is true: the outcome, its verdict and the main button on the first screen, in the page's words."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.flows.conftest import InjectedWallet
from tests.e2e.support import images
from tests.e2e.support.site import Site

SIZES = [pytest.param(1440, 900, id="desk"), pytest.param(390, 844, id="phone")]


def expect_on_first_screen(page: Page, *parts: Locator) -> None:
    """Whole, without scrolling."""
    page.evaluate("() => window.scrollTo(0, 0)")
    for part in parts:
        expect(part).to_be_visible()
        box, height = part.bounding_box(), page.viewport_size["height"]
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= height, (part, box)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_result_and_main_button_are_on_the_first_screen(
    site: Site, wallet: InjectedWallet, width: int, height: int
) -> None:
    site.page.set_viewport_size({"width": width, "height": height})
    site.open().choose(images.mri())
    expect_on_first_screen(site.page, site.button("Pin and classify"))
    site.button("Pin and classify").click()
    label = site.page.get_by_test_id("result-label")
    expect_on_first_screen(site.page, label, site.button("Connect MetaMask"))
    site.connect()
    expect_on_first_screen(site.page, label, site.button("Sign and record"))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_records_first_screen_says_what_status_and_verdict(
    site: Site, wallet: InjectedWallet, width: int, height: int
) -> None:
    image_id = site.record(images.mri())
    site.page.set_viewport_size({"width": width, "height": height})
    site.open(f"/records/{image_id}").expect_verified()
    summary = site.page.get_by_test_id("record-summary")
    verdict = summary.get_by_test_id("verdict")
    expect(verdict).to_contain_text("Verified: the record is genuine")
    expect(verdict).to_contain_text(re.compile(r"Uploader, time, image and signature are as recorded \(\d+ checks\)"))
    expect_on_first_screen(site.page, summary.get_by_test_id("outcome"), summary.get_by_test_id("status"), verdict)


def test_an_abstention_is_an_outcome_of_its_own(site: Site, wallet: InjectedWallet) -> None:
    site.open().pin_and_classify(images.noise())
    page = site.page
    expect(page.get_by_test_id("result-abstained")).to_contain_text("The model gave no answer:")
    expect(page.get_by_test_id("probability").first).to_be_hidden()
    expect(page.locator("img.overlay")).to_have_count(0)
    site.connect()
    # It is not preselected for recording.
    expect(page.get_by_role("radio", name="Image only")).to_be_checked()
    expect(site.button("Sign and register")).to_be_visible()
    page.get_by_role("radio", name="Image and diagnosis, one signature").check()
    expect(site.preview("confidence")).to_have_text("None")
    site.sign()
    image_id = site.recorded()

    site.open(f"/records/{image_id}").expect_verified()
    summary = page.get_by_test_id("record-summary")
    expect(summary.get_by_test_id("outcome")).to_have_text("No answer")
    expect(page.get_by_text("AI-asserted")).to_have_count(0)
    for part in (summary, page.get_by_test_id("diagnosis")):
        expect(part).not_to_contain_text(re.compile("confidence", re.IGNORECASE))
    assert [d["status"] for d in site.product.get(f"/records/{image_id}")["diagnoses"]] == ["abstained"]

    queue = site.product.get("/reviews/queue", limit=100)["diagnoses"]
    assert image_id not in [diagnosis["imageId"] for diagnosis in queue]


def test_an_image_that_is_on_the_chain_already_says_by_whom_when_and_with_what_outcome(
    site: Site, wallet: InjectedWallet
) -> None:
    image = images.mri()
    image_id = site.record(image)
    outcome = site.product.get(f"/records/{image_id}")["diagnoses"][0]["labelText"]
    site.button("Record another image").click()
    site.pin_and_classify(image)
    known = site.page.get_by_test_id("known-records")
    expect(known).to_contain_text("on the chain already")
    expect(known).to_contain_text("recorded by")
    expect(known.locator("time")).to_have_attribute("datetime", re.compile(r"^\d{4}-"))
    known.get_by_role("link", name=outcome).click()
    expect(site.page).to_have_url(re.compile(f"/records/{image_id}$"))


def test_an_image_that_nobody_recorded_says_nothing_of_records(site: Site) -> None:
    site.open().pin_and_classify(images.mri())
    site.page.wait_for_load_state("networkidle")
    expect(site.page.get_by_test_id("known-records")).to_have_count(0)


def test_the_original_of_a_stripped_file_finds_its_record(site: Site, wallet: InjectedWallet) -> None:
    original = images.with_metadata(images.mri())
    site.open().pin_and_classify(original, name="slice.jpg", media_type="image/jpeg")
    site.connect()
    site.sign()
    image_id = site.recorded()
    file = {"name": "slice.jpg", "mimeType": "image/jpeg", "buffer": original}
    site.open("/records").page.get_by_label("Find the records of a file").set_input_files(file)
    expect(site.page.get_by_test_id("found-by-file")).to_contain_text("after its metadata (EXIF) is removed")
    expect(site.page.get_by_test_id("record")).to_have_count(1)
    expect(site.page.get_by_test_id("record").get_by_role("link")).to_have_attribute("href", f"/records/{image_id}")


def test_a_file_that_nobody_recorded_is_said_to_be_unknown(site: Site) -> None:
    file = {"name": "slice.png", "mimeType": "image/png", "buffer": images.mri()}
    site.open("/records").page.get_by_label("Find the records of a file").set_input_files(file)
    expect(site.page.get_by_test_id("found-by-file")).to_contain_text("Nobody has recorded it here.")


@pytest.mark.parametrize(
    ("path", "says"),
    [("/", "the image stays pinned"), ("/reviews", "Without one you can read everything here")],
    ids=["record", "reviews"],
)
def test_a_missing_wallet_is_explained_in_the_words_of_its_page(site: Site, path: str, says: str) -> None:
    site.open(path)
    if path == "/":
        site.pin_and_classify(images.mri())
    notice = site.notice("no-wallet")
    expect(notice).to_contain_text(says)
    other = "pinned" if path == "/reviews" else "review"
    expect(notice).not_to_contain_text(other)
