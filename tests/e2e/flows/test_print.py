"""The record on paper: what a browser prints, read back from its PDF."""

from __future__ import annotations

import io

from playwright.sync_api import expect
from pypdf import PdfReader

from tests.e2e.support import images
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record
from tests.e2e.support.site import Site


def test_a_record_prints_its_picture_result_and_address_without_controls(product: Product, site: Site):
    record = make_record(product, images.mri())[0]
    site.open(f"/records/{record}")
    site.expect_verified()
    page = site.page
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(page.get_by_test_id("printed-address")).to_be_hidden()
    outcome = page.get_by_test_id("outcome").inner_text()

    page.emulate_media(media="print")

    expect(page.get_by_test_id("printed-address")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.locator("sp-analysis")).to_be_hidden()
    expect(page.locator("sp-viewer canvas")).to_be_visible()
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"

    first, *_ = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True))).pages

    text = " ".join(first.extract_text().split())
    assert f"/records/{record}" in text.replace(" ", "")
    assert outcome in text
    assert "It is not for diagnosis." in text
    assert "Skip to content" not in text
    assert len(first.images) > 0
