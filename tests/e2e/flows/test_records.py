"""Records after they were made: found, completed, and caught when something was changed."""

from __future__ import annotations

import re

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import expect

from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.records import make_record
from tests.e2e.support.site import MEAN_BRIGHTNESS, Site
from tests.e2e.wallet.wallet import InjectedWallet


def test_record_is_found(wallet: InjectedWallet, site: Site, alice: LocalAccount):
    image_id = site.record(images.mri())
    cid = site.product.get(f"/records/{image_id}")["cid"]
    link = site.page.get_by_test_id("record").locator(f"a[href='/records/{image_id}']")

    for known in (image_id, cid, alice.address, wallet.sent[0].hash):
        site.open("/records")
        site.page.get_by_role("searchbox", name="Search records").fill(known)
        site.button("Search").click()
        expect(link).to_be_visible()


def test_what_no_record_matches_is_said(site: Site):
    site.open("/records?q=0x" + "12" * 32)

    expect(site.page.get_by_text("No record matches")).to_be_visible()
    expect(site.page.get_by_role("searchbox", name="Search records")).to_have_value("0x" + "12" * 32)


def test_record_that_does_not_exist(site: Site, console: Console):
    console.tolerate("status of 404")
    site.open("/records/0x" + "12" * 32)

    expect(site.page.get_by_role("heading", level=1, name="No such record")).to_be_visible()


@pytest.fixture
def image_only(wallet: InjectedWallet, site: Site) -> Site:
    """On the provenance page of an image that alice registered without a diagnosis."""
    site.open().pin_and_classify(images.mri())
    site.connect()
    site.page.get_by_role("radio", name="Image only").check()
    expect(site.preview("function")).to_contain_text(re.compile("^registerImage$"))
    site.button("Sign and register").click()
    site.recorded()
    site.page.get_by_role("link", name="Open the provenance page").click()
    expect(site.page.get_by_text("No diagnosis has been recorded.")).to_be_visible()
    return site


def test_image_first_and_diagnosis_later(image_only: Site, wallet: InjectedWallet):
    image_only.expect_verified()

    image_only.button("Classify the image").click()
    expect(image_only.preview("function")).to_contain_text("recordDiagnosis")
    image_only.sign()

    expect(image_only.page.get_by_test_id("diagnosis")).to_have_count(1)
    expect(image_only.page.get_by_test_id("check").filter(has_text="Classifier signature")).to_be_visible()
    image_only.expect_verified()
    assert wallet.popups == ["connect", "transaction", "transaction"]


def test_pending_diagnosis_outlives_a_reload(image_only: Site, wallet: InjectedWallet, product: Product):
    image_only.button("Classify the image").click()
    expect(image_only.button("Sign and record")).to_be_enabled()
    product.chain.control("miner_stop", [])
    image_only.sign()
    expect(image_only.transaction("pending")).to_be_visible()

    image_only.page.reload()
    expect(image_only.transaction("pending")).to_be_visible()
    product.chain.control("miner_start", [])

    expect(image_only.page.get_by_test_id("diagnosis")).to_have_count(1)


def test_only_the_uploader_records_a_diagnosis(image_only: Site, wallet: InjectedWallet, bob: LocalAccount):
    wallet.tick(bob.address)
    image_only.page.get_by_test_id("account-menu").click()
    image_only.button("Change account").click()

    expect(image_only.notice("not-uploader")).to_contain_text(bob.address)
    expect(image_only.button("Classify the image")).to_have_count(0)


def test_changed_byte_is_caught(wallet: InjectedWallet, site: Site, console: Console):
    console.tolerate("status of 502")
    image_id = site.record(images.mri())
    flip_a_byte(site.product, site.product.get(f"/records/{image_id}")["cid"])

    site.open(f"/records/{image_id}")

    verification = site.page.get_by_test_id("verification")
    expect(verification).to_have_attribute("data-state", "failed")
    failed = site.page.locator("[data-testid=check][data-passed=false]")
    expect(failed.first).to_contain_text("Image bytes")


def test_a_sixteen_bit_image_is_shown_as_the_model_saw_it(wallet: InjectedWallet, site: Site):
    image_id, _ = make_record(site.product, images.deep_mri())

    site.open(f"/records/{image_id}")

    assert site.page.get_by_role("img", name="The recorded image").evaluate(MEAN_BRIGHTNESS) > 15


def flip_a_byte(product: Product, cid: str) -> None:
    (block,) = (product.var / "ipfs" / "blocks").rglob(cid)
    content = bytearray(block.read_bytes())
    content[len(content) // 2] ^= 1
    block.chmod(0o600)
    block.write_bytes(content)
