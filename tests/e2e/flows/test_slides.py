"""A whole slide from the scanner's file to a record: cleaned in the page, sent, shown deeply, classified, signed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.backend.adapters.slides import makers
from tests.e2e.support.axe import serious_violations
from tests.e2e.support.console import Console
from tests.e2e.support.review_queue import opened
from tests.e2e.support.site import Site
from tests.e2e.support.viewer import Viewer
from tests.e2e.wallet.wallet import InjectedWallet

_MIDDLE = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(canvas.width / 2 - 8, canvas.height / 2 - 8, 16, 16);
  const mean = (channel) => data.filter((_, index) => index % 4 === channel).reduce((sum, value) => sum + value) / 256;
  return [0, 1, 2].map(mean);
}"""
"""Red, green and blue of the middle of what is drawn."""
_PHONE = {"width": 390, "height": 844}


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    """As a scanner writes it, with the patient's name in its label and its texts."""
    return makers.aperio(tmp_path / "DOE^JANE.svs", makers.tissue(1500, 1200))


def test_a_slide_is_cleaned_in_the_page_shown_classified_and_recorded(
    wallet: InjectedWallet, site: Site, viewer: Viewer, slide: Path, console: Console, pytestconfig: pytest.Config
):
    page, folder = site.page, Path(pytestconfig.getoption("--output"))
    fields = page.get_by_test_id("fields").get_by_role("button")
    site.open()
    page.get_by_label("Choose an image").set_input_files(slide)
    removed = page.get_by_test_id("removed")
    expect(removed).to_contain_text("label picture")
    expect(page.get_by_role("img", name="Preview of the chosen slide")).to_be_visible()
    expect(page.get_by_text(re.compile("1,500 . 1,200 pixels in 2 levels"))).to_be_visible()

    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()
    cid = site.hash_in("cid")
    pinned = requests.get(f"{site.product.url}/api/v1/images/{cid}/content", timeout=20).content
    assert len(pinned) == slide.stat().st_size
    assert [secret for secret in makers.SECRETS if secret in pinned] == []

    expect(viewer.stage).to_have_attribute("data-state", "drawn")
    assert viewer.canvas.evaluate(_MIDDLE) == pytest.approx([214, 130, 178], abs=40), "tissue is drawn"
    expect(page.get_by_test_id("scale")).to_contain_text("µm")
    whole = viewer.shown.inner_text()
    viewer.stage.press("+")
    expect(viewer.shown).not_to_have_text(whole)
    viewer.stage.press("0")
    expect(viewer.shown).to_have_text(whole)

    fields.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(fields.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.get_by_test_id("announcer")).to_contain_text("Field 2: ")
    expect(page.get_by_test_id("drawn-fields").locator("g.current")).to_have_count(1)
    expect(viewer.stage).to_have_attribute("data-state", "drawn")
    page.screenshot(path=folder / "slide-result.png", full_page=True)
    read = fields.count()

    # Drawn tissue is no answer to the model, which can be recorded as well.
    page.get_by_label("Image and diagnosis, one signature").check()
    site.connect()
    site.sign()
    image_id = site.recorded()
    console.tolerate("Failed to load resource", "failed to load")
    page.route("**/tiles/**", lambda route: route.fulfill(status=503))
    page.set_viewport_size(_PHONE)
    site.open(f"/records/{image_id}")
    expect(page.get_by_test_id("tiles-failed")).to_be_visible()
    expect(fields).to_have_count(read)
    page.unroute("**/tiles/**")
    site.button("Load again").click()
    expect(viewer.stage).to_have_attribute("data-state", "drawn")
    expect(page.get_by_test_id("tiles-failed")).to_have_count(0)
    page.screenshot(path=folder / "slide-record-phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    assert serious_violations(page) == []
    site.open("/reviews").page.get_by_label("Show", exact=True).select_option("abstained")
    item = opened(site, image_id)
    expect(item.get_by_role("group", name="Viewer: The slide to be reviewed")).to_have_attribute("data-state", "drawn")
    expect(item.get_by_test_id("drawn-fields").locator("g")).to_have_count(read)
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if request.method == "POST" else None)
    site.open("/records").page.get_by_label("Find the records of a file").set_input_files(slide)
    expect(page.get_by_test_id("found-by-file")).to_contain_text(cid)
    expect(page.locator(f"a[href='/records/{image_id}']").first).to_be_visible()
    assert uploads == [], "a slide is found without being sent"
