"""The search of the records: filters that the address holds, what they find, and the export of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from backend.domain import Verdict
from tests.e2e.support import images
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record, review
from tests.e2e.support.site import Site


@pytest.fixture
def withdrawn(product: Product) -> str:
    image_id, _ = make_record(product, images.mri())
    review(product, image_id, Verdict.WITHDRAWN, 0, "A mistake.")
    return image_id


@pytest.fixture
def asserted(product: Product) -> str:
    return make_record(product, images.mri())[0]


def row(site: Site, image_id: str) -> Locator:
    return site.page.get_by_test_id("record").locator(f"a[href='/records/{image_id}']")


def test_filters_find_and_the_address_keeps_them(site: Site, withdrawn: str, asserted: str):
    page = site.open("/records").page
    expect(row(site, asserted)).to_be_visible()

    page.get_by_label("Status").select_option("Withdrawn")
    page.get_by_label("To", exact=True).fill("2999-12-31")
    site.button("Search").click()
    expect(row(site, asserted)).to_have_count(0)
    expect(row(site, withdrawn)).to_be_visible()
    assert page.url.endswith("/records?status=withdrawn&to=2999-12-31")

    page.reload()
    expect(row(site, withdrawn)).to_be_visible()
    expect(page.get_by_label("Status")).to_have_value("withdrawn")
    site.button("Clear").click()
    expect(row(site, asserted)).to_be_visible()
    expect(page.get_by_label("Status")).to_have_value("")
    page.go_back()
    expect(row(site, asserted)).to_have_count(0)
    expect(page.get_by_label("Status")).to_have_value("withdrawn")


def test_days_are_included_and_others_are_not(site: Site, asserted: str):
    timestamp = site.product.get(f"/records/{asserted}")["block"]["timestamp"]
    day = site.page.evaluate("seconds => new Date(seconds * 1000).toISOString().slice(0, 10)", timestamp)

    site.open(f"/records?from={day}&to={day}")
    expect(row(site, asserted)).to_be_visible()
    site.open("/records?to=2001-01-01")
    expect(site.page.get_by_text("No record matches all of these filters.")).to_be_visible()


def test_result_and_model_are_chosen_by_their_names(site: Site, asserted: str):
    diagnosis = site.product.get(f"/records/{asserted}")["diagnoses"][0]
    page = site.open("/records").page

    page.get_by_label("Result").select_option(label=diagnosis["labelText"])
    page.get_by_label("Model").select_option(diagnosis["model"]["name"])
    site.button("Search").click()

    expect(row(site, asserted)).to_be_visible()


def test_what_the_server_refuses_is_said(site: Site, console):
    console.tolerate("status of 4")
    site.open("/records?from=yesterday")

    expect(site.notice("problem")).to_contain_text("yesterday")


def test_the_search_is_exported(site: Site, withdrawn: str, asserted: str):
    site.open("/records?status=withdrawn")
    expect(row(site, withdrawn)).to_be_visible()

    rows = list(csv.DictReader(exported(site, "CSV").read_text().splitlines()))
    records = json.loads(exported(site, "JSON").read_text())

    assert withdrawn in {row["imageId"] for row in rows} and asserted not in {row["imageId"] for row in rows}
    assert withdrawn in {record["imageId"] for record in records["records"]}


def exported(site: Site, name: str) -> Path:
    with site.page.expect_download() as download:
        site.page.get_by_role("link", name=f"Export as {name}").click()
    assert download.value.suggested_filename.endswith(name.lower())
    return Path(download.value.path())
