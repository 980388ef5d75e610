"""What a PACS sent waits on a page of its own, and is recorded or removed there."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
import requests
from eth_account.signers.local import LocalAccount
from PIL import Image
from playwright.sync_api import Locator, expect

from backend.api import multipart_related
from tests.backend.received import series
from tests.e2e.support import images
from tests.e2e.support.axe import serious_violations as violations
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

STUDY = "1.2.826.0.1.3680043.8.498.77"


def send(product: Product, count: int, name: str) -> None:
    """A series by STOW-RS, as a PACS sends it; ``name`` makes its UIDs."""
    pictures = [np.asarray(Image.open(io.BytesIO(images.phantom())).convert("L")) for _ in range(count)]
    files = series(count, study=f"{STUDY}.{name}", series=f"{STUDY}.{name}.1", pictures=pictures)
    answer = requests.post(
        f"{product.url}/dicomweb/studies",
        data=b"".join(multipart_related.write(files, "b")),
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


@pytest.fixture(autouse=True)
def emptied(product: Product) -> Iterator[None]:
    yield
    for each in product.get("/received")["series"]:
        requests.delete(f"{product.url}/api/v1/received/{each['seriesId']}", timeout=60).raise_for_status()


def waiting(site: Site) -> Locator:
    return site.page.get_by_test_id("received-series")


def test_a_series_is_recorded_with_one_signature(wallet: InjectedWallet, site: Site, alice: LocalAccount) -> None:
    send(site.product, 3, "1")
    site.open()
    link = site.page.get_by_role("link", name="Received 1")
    link.click()
    expect(site.heading("MR, 3 images")).to_be_visible()
    expect(waiting(site)).to_contain_text("a DICOMweb client")
    expect(waiting(site)).to_contain_text("unless it is recorded")
    assert violations(site.page) == []
    site.page.set_viewport_size({"width": 390, "height": 844})
    assert site.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    site.page.set_viewport_size({"width": 1440, "height": 900})

    site.button("Classify").click()
    expect(site.page.get_by_test_id("study-summary")).to_be_visible()
    expect(site.page.get_by_test_id("slice")).to_have_count(3)
    site.button("Pin and go on to sign").click()
    site.connect()
    site.sign()
    expect(site.heading("Recorded")).to_be_visible()
    assert wallet.popups == ["connect", "transaction"]
    site.page.get_by_role("link", name="Open the study").click()
    site.expect_verified()
    site.open("/received")
    expect(site.page.get_by_test_id("nothing-received")).to_be_visible()
    expect(site.page.get_by_role("link", name="Received", exact=True)).to_be_visible()


def test_a_single_image_is_recorded_as_one(wallet: InjectedWallet, site: Site) -> None:
    send(site.product, 1, "2")
    site.open("/received")
    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()
    site.connect()
    site.sign()
    site.recorded()
    site.open("/received")
    expect(site.page.get_by_test_id("nothing-received")).to_be_visible()


def test_a_series_is_removed_after_a_confirmation(site: Site) -> None:
    send(site.product, 2, "3")
    site.open("/received")
    site.press("Remove")
    expect(waiting(site)).to_contain_text("Remove these 2 images from this server?")
    assert violations(site.page) == []
    site.press("Keep")
    site.press("Remove")
    site.press("Remove for good")
    expect(site.page.get_by_test_id("nothing-received")).to_be_visible()
    assert site.product.get("/received")["series"] == []


def test_what_arrives_is_shown_without_a_reload(site: Site) -> None:
    site.open("/received")
    expect(site.page.get_by_test_id("nothing-received")).to_be_visible()
    assert violations(site.page) == []
    send(site.product, 1, "4")
    expect(site.heading("MR, 1 image")).to_be_visible()


def test_an_error_says_what_to_do(site: Site, console) -> None:
    console.tolerate("Failed to load resource")
    site.page.route("**/api/v1/received", lambda route: route.abort("connectionrefused"))
    site.open("/received")
    expect(site.page.get_by_test_id("notice")).to_be_visible()
    site.page.unroute("**/api/v1/received")
    site.button("Try again").click()
    expect(site.page.get_by_test_id("nothing-received")).to_be_visible()


def test_a_series_that_somebody_removed_is_a_notice(site: Site, console) -> None:
    console.tolerate("Failed to load resource")
    send(site.product, 2, "5")
    site.open("/received")
    expect(waiting(site)).to_have_count(1)
    site.page.route("**/api/v1/received", lambda route: route.abort("connectionrefused"))
    (found,) = site.product.get("/received")["series"]
    requests.delete(f"{site.product.url}/api/v1/received/{found['seriesId']}", timeout=60).raise_for_status()
    site.button("Classify").click()
    expect(site.page.get_by_test_id("notice")).to_contain_text("No received series")
    site.button("Cancel").click()
    expect(site.button("Classify")).to_be_visible()


def test_an_address_with_a_study_or_an_image_that_is_gone(site: Site, console) -> None:
    console.tolerate("Failed to load resource")
    site.open(f"/?study={'0' * 64}")
    expect(site.page.get_by_test_id("notice")).to_contain_text("an unfinished study is removed after a day")
    site.open("/?image=bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e")
    expect(site.page.get_by_test_id("notice")).to_be_visible()
    expect(site.page.get_by_label("Choose an image")).to_be_attached()
