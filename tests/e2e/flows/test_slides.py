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
from tests.e2e.support.site import Site
from tests.e2e.support.viewer import Viewer
from tests.e2e.wallet.wallet import InjectedWallet

_PHONE = {"width": 390, "height": 844}


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    """As a scanner writes it, with the patient's name in its label and its texts."""
    return makers.aperio(tmp_path / "DOE^JANE.svs", makers.tissue(2400, 1800))


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
    expect(page.get_by_text("2,400 × 1,800 pixels in 2 levels")).to_be_visible()

    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()
    pinned = requests.get(f"{site.product.url}/api/v1/images/{site.hash_in('cid')}/content", timeout=20).content
    assert len(pinned) == slide.stat().st_size
    assert [secret for secret in makers.SECRETS if secret in pinned] == []

    expect(viewer.stage).to_have_attribute("data-state", "drawn")
    assert viewer.colours().std() > 20, "tissue is drawn"
    expect(page.get_by_test_id("scale")).to_contain_text("µm")
    whole = viewer.zoom()
    viewer.stage.press("+")
    page.wait_for_function(
        "([shown, whole]) => parseFloat(shown.innerText) > whole", arg=[viewer.shown.element_handle(), whole]
    )
    viewer.stage.press("0")
    expect(viewer.shown).to_contain_text(re.compile(rf"^{whole:.0f}"))

    fields.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(fields.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.get_by_test_id("announcer")).to_contain_text("Field 2: ")
    expect(page.get_by_test_id("drawn-fields").locator("g.current")).to_have_count(1)
    expect(viewer.stage).to_have_attribute("data-state", "drawn")
    page.screenshot(path=folder / "slide-result.png", full_page=True)
    read = fields.count()

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
