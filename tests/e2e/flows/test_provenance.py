"""The provenance page: what became of a diagnosis, where its model comes from, and a sealed one opened."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.domain import Verdict
from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record, review
from tests.e2e.support.site import Site


@pytest.fixture
def record(product: Product) -> str:
    return make_record(product, images.mri())[0]


@pytest.fixture
def opened(site: Site, record: str) -> Site:
    return site.open(f"/records/{record}")


def status(page: Page) -> str | None:
    """What the badge at the top says."""
    return page.get_by_test_id("record-summary").get_by_test_id("status").get_attribute("data-status")


def codes(product: Product, image_id: str) -> tuple[int, int]:
    """The diagnosed class code, and another one of that model."""
    diagnosis = product.get(f"/records/{image_id}")["diagnoses"][0]
    models = product.get("/models")["models"]
    classes = next(m["classes"] for m in models if "0x" + m["sha256"] == diagnosis["modelId"])
    other = next(c["code"] for c in classes if c["code"] != diagnosis["labelCode"])
    return diagnosis["labelCode"], other


def test_an_asserted_diagnosis_has_outline_next_steps_and_lineage(opened: Site):
    page = opened.page

    expect(page.get_by_test_id("next-steps")).to_be_visible()
    expect(page.get_by_test_id("result-outline")).to_contain_text("utline")
    assert status(page) == "asserted"
    lineage = page.get_by_test_id("lineage")
    expect(lineage).to_have_attribute("data-status", "inUse")
    expect(lineage.get_by_test_id("training").first).to_be_visible()
    kinds = page.get_by_test_id("step").evaluate_all("steps => steps.map((step) => step.dataset.kind)")
    assert kinds == ["model", "image", "diagnosis"]
    opened.expect_verified()


def test_an_override_shows_the_label_that_holds_and_what_the_model_said(product: Product, record: str, site: Site):
    diagnosed, other = codes(product, record)
    review(product, record, Verdict.CONFIRMED, diagnosed, "It looks like one.")
    review(product, record, Verdict.OVERRIDDEN, other, "The next slice <b>shows</b> more.")
    before, after = product.get(f"/records/{record}")["diagnoses"][0], site.open(f"/records/{record}").page

    expect(after.get_by_test_id("step").filter(has_text="The next slice <b>shows</b> more.")).to_be_visible()
    assert status(after) == "overridden"
    texts = {c["code"]: c["text"] for m in product.get("/models")["models"] for c in m["classes"] if m["default"]}
    diagnosis = after.get_by_test_id("diagnosis")
    expect(diagnosis.locator(".label")).to_contain_text(texts[other])
    expect(diagnosis).to_contain_text(f"The model said {before['labelText']}")
    expect(after.get_by_test_id("step").filter(has_text="Confirmed by a clinician")).to_contain_text(
        "It looks like one."
    )
    expect(after.get_by_test_id("result-outline")).to_have_count(0)
    site.expect_verified()


def test_a_withdrawal_is_seen_at_once(product: Product, record: str, site: Site):
    review(product, record, Verdict.WITHDRAWN, 0, "Not this patient's study.")
    page = site.open(f"/records/{record}").page

    expect(page.get_by_test_id("flag")).to_have_text("Diagnosis withdrawn")
    assert status(page) == "withdrawn"
    expect(page.get_by_test_id("diagnosis").locator(".label s")).to_be_visible()
    expect(page.get_by_test_id("next-steps")).to_have_count(0)
    row = site.open(f"/records?q={record}").page.get_by_test_id("record")
    expect(row).to_contain_text("Withdrawn diagnosis")
    expect(row.get_by_test_id("status")).to_have_attribute("data-status", "withdrawn")


def test_a_withdrawal_reaches_a_page_that_is_open(product: Product, record: str, site: Site):
    site.page.clock.install()
    page = site.open(f"/records/{record}").page
    expect(page.get_by_test_id("verification")).to_have_attribute("data-state", "passed")
    assert status(page) == "asserted"

    review(product, record, Verdict.WITHDRAWN, 0, "A mistake.")
    page.clock.fast_forward(10_000)

    expect(page.get_by_test_id("flag")).to_be_visible()
    assert status(page) == "withdrawn"
    expect(page.get_by_test_id("check").filter(has_text="Reviewer role passed")).to_be_visible()


def test_a_step_tells_how_to_check_it(opened: Site, record: str):
    step = opened.page.get_by_test_id("step").filter(has_text="Image registered")
    step.get_by_text("Hashes, and how to check this step").click()

    expect(step).to_contain_text(record)
    expect(step).to_contain_text("imageIdOf(uploader, cid)")


@pytest.fixture
def sealed(product: Product) -> tuple[str, str]:
    return make_record(product, images.mri(), sealed=True)


def choose(site: Site, content: str) -> None:
    file = {"name": "opening.json", "mimeType": "application/json", "buffer": content.encode()}
    site.page.get_by_label("Open it with a file").set_input_files(file)


def test_a_sealed_diagnosis_opens_in_the_browser_alone(site: Site, sealed: tuple[str, str]):
    image_id, opening = sealed
    page = site.open(f"/records/{image_id}").page
    diagnosis = page.get_by_test_id("diagnosis")
    expect(diagnosis.locator(".label")).to_contain_text("Sealed")
    expect(page.get_by_test_id("lineage")).to_be_visible()
    site.expect_verified()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    choose(site, opening)

    expect(page.get_by_test_id("opened").get_by_test_id("probability").first).to_be_visible()
    expect(diagnosis).to_contain_text(re.compile("The model (said|did not answer)"))
    expect(page.get_by_role("heading", name="Opened in this browser")).to_be_focused()
    assert asked == []


def test_a_changed_opening_is_refused_and_the_true_one_still_opens(site: Site, sealed: tuple[str, str]):
    image_id, opening = sealed
    site.open(f"/records/{image_id}")

    choose(site, opening.replace('"confidence":0', '"confidence":1'))
    expect(site.notice("opening-refused")).to_contain_text("It belongs to another diagnosis, or was changed.")
    expect(site.page.get_by_test_id("opened")).to_have_count(0)
    choose(site, opening)

    expect(site.page.get_by_test_id("opened")).to_be_visible()
    expect(site.notice("opening-refused")).to_have_count(0)


def test_evidence_is_downloaded(opened: Site, record: str):
    with opened.page.expect_download() as download:
        opened.page.get_by_role("link", name="Download the evidence").click()

    assert Path(download.value.path()).read_bytes().startswith(b"PK\x03\x04")


def test_a_record_is_exported_as_a_file_of_a_standard(opened: Site):
    page = opened.page
    exports = page.get_by_test_id("exports")

    with page.expect_download() as download:
        exports.get_by_role("button", name="DICOM structured report").click()

    assert re.fullmatch(r"scanproof-[0-9a-f]{8}-sr\.dcm", download.value.suggested_filename)
    assert Path(download.value.path()).read_bytes()[128:132] == b"DICM"
    expect(page.get_by_test_id("export-status")).to_have_text(f"Saved as {download.value.suggested_filename}")
    expect(page.locator("sp-exports")).to_contain_text("scanproof export --map")


def test_an_export_that_cannot_be_made_says_why(product: Product, site: Site, console: Console):
    console.tolerate("status of 409")
    record = make_record(product, images.noise())[0]
    page = site.open(f"/records/{record}").page

    page.get_by_test_id("exports").get_by_role("button", name="DICOM segmentation").press("Enter")

    expect(site.notice("problem")).to_contain_text("Nothing is outlined on this record: the classifier gave no answer.")
    expect(page.get_by_test_id("export-status")).to_have_text("")
