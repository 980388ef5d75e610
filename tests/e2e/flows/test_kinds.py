"""The kind of an image on the page: said at the upload, shown, searched; similar cases, and the area over time."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.dicoms import deidentified, dicom
from tests.e2e.support import images
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record, make_study
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet


def test_the_uploader_says_the_magnification_and_finds_the_record_by_it(wallet: InjectedWallet, site: Site) -> None:
    site.open().choose(images.mri())
    page = site.page
    page.get_by_label("Magnification, of histology only").select_option("200X")
    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()
    expect(page.get_by_test_id("kind-magnification")).to_have_text("200X (said by the uploader)")
    expect(page.get_by_test_id("kind-sequence")).to_have_text("Unknown")
    site.connect()
    site.sign()
    site.open(f"/records/{site.recorded()}")
    expect(page.get_by_test_id("kind-magnification")).to_have_text("200X (said by the uploader)")
    site.open("/records")
    page.get_by_text("Kind of image", exact=True).first.click()
    kind = page.get_by_role("group", name="Kind of image")
    kind.get_by_label("Magnification").select_option("200X")
    kind.get_by_label("Modality").select_option("MR: magnetic resonance")
    site.button("Search").click()
    expect(page.get_by_test_id("record")).to_have_count(1)
    assert page.url.endswith("/records?modality=MR&magnification=200")
    kind.get_by_label("Magnification").select_option("40X")
    site.button("Search").click()
    expect(page.get_by_test_id("record")).to_have_count(0)


def test_statements_that_differ_are_shown_side_by_side_until_one_is_corrected(site: Site) -> None:
    own = images.mri()
    page = site.page

    def say(magnification: str) -> None:
        site.choose(own)
        page.get_by_label("Magnification, of histology only").select_option(magnification)

    def pin_and_classify() -> None:
        site.button("Pin and classify").click()
        expect(site.heading("Result")).to_be_visible()

    site.open()
    for magnification in ("200X", "100X"):
        say(magnification)
        pin_and_classify()
        shown = page.get_by_test_id("kind-magnification").inner_text()
        site.button("Start again with another image").click()
    assert shown == "Sources differ: 200X (said by the uploader); 100X (said by the uploader)"
    say("40X")
    page.get_by_label("It takes the place of what was said of this image before").check()
    pin_and_classify()
    expect(page.get_by_test_id("kind-magnification")).to_have_text("40X (said by the uploader)")


@pytest.mark.parametrize("recorded", [False, True])
def test_cases_like_this_one_are_shown_with_their_outcomes(site: Site, product: Product, recorded: bool) -> None:
    make_record(product, images.mri())
    own = images.mri()
    if recorded:
        site.open(f"/records/{make_record(product, own)[0]}")
    else:
        site.open().pin_and_classify(own)
    # The chain of all these tests has many slices that are as similar.
    case = site.page.get_by_test_id("similar").get_by_test_id("similar-case").first
    expect(case.get_by_role("link")).to_have_attribute("href", re.compile("^/records/0x[0-9a-f]{64}$"))
    expect(case.get_by_test_id("status")).to_be_visible()
    expect(case).to_contain_text(re.compile("Distance [0-9.]+|The same image, another copy"))


def test_a_sealed_result_is_compared_with_nothing(site: Site) -> None:
    site.open().choose(images.mri())
    site.page.get_by_label("Seal").check()
    site.button("Pin and classify").click()
    expect(site.page.get_by_test_id("result-sealed")).to_be_visible()
    expect(site.page.get_by_test_id("similar")).to_have_count(0)


def test_the_area_of_one_patient_over_time_leads_side_by_side(site: Site, product: Product) -> None:
    first, second = (make_record(product, slice_of(date))[0] for date in ("20200101", "20200401"))
    site.open(f"/records/{second}")
    rows = site.page.get_by_test_id("course-entry")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("This record")
    rows.nth(0).get_by_role("link", name="Side by side").click()
    expect(site.page.get_by_test_id("compared")).to_have_count(2)
    assert site.page.url.endswith(f"/records/{second}?with={first}")


def test_two_studies_of_one_patient_are_compared(site: Site, product: Product) -> None:
    first, second = (make_study(product, [slice_of(date), slice_of(date)]) for date in ("20210101", "20210401"))
    site.open(f"/records/{second}")
    rows = site.page.get_by_test_id("course-entry")
    expect(rows).to_have_count(2)
    rows.nth(0).get_by_role("link", name="Side by side").click()
    compared = site.page.get_by_test_id("compared")
    expect(compared).to_have_count(2)
    places = compared.get_by_test_id("stack-place")
    expect(places).to_have_text(["Slice 2 of 2", "Slice 2 of 2"])
    compared.first.get_by_role("button", name="Previous slice").click()
    expect(places).to_have_text(["Slice 1 of 2", "Slice 1 of 2"])
    site.page.get_by_label("Move both together").uncheck()
    compared.first.get_by_role("button", name="Next slice").click()
    expect(places).to_have_text(["Slice 2 of 2", "Slice 1 of 2"])
    assert f"with={first}" in site.page.url


def slice_of(date: str) -> bytes:
    """A slice of one patient as a DICOM file."""
    pixels = np.asarray(Image.open(io.BytesIO(images.mri())).convert("L")).astype(np.uint16)
    series = {"StudyInstanceUID": f"1.2.{date}", "SeriesInstanceUID": f"1.2.{date}.1", "SOPInstanceUID": generate_uid()}
    patient = {"PatientID": "E2E", "StudyDate": date, **series}
    made = dicom(pixels, **patient, PixelSpacing=[0.5, 0.5], WindowCenter=128, WindowWidth=255)
    return deidentified(made)
