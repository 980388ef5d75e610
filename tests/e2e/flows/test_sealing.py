"""A sealed result: what becomes public is said first, the opening is saved first, and nothing else tells the result."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import requests
from playwright.sync_api import expect

from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

SEALED_LABEL = 65_535


def test_what_becomes_public_is_said_before_anything_is_sent(site: Site):
    site.open().choose(images.mri())
    public = site.page.get_by_test_id("public-data")
    expect(public).to_contain_text("the manifest with the label, the confidence, all probabilities and the model")
    expect(public).to_contain_text("its label and confidence")

    site.page.get_by_label("Sealed result").check()

    expect(public).to_contain_text("No part of the result.")
    expect(public).to_contain_text("32 random bytes")
    expect(public).to_contain_text("the image is public, so anybody can run the same model on it")


def test_a_sealed_result_is_recorded_and_only_its_file_tells_it(wallet: InjectedWallet, site: Site):
    seal(site)
    expect(site.page.get_by_test_id("result-sealed")).to_be_visible()
    manifest_hash = manifest_hash_of(site)
    site.connect()
    expect(site.preview("result")).to_have_text(f"Sealed (code {SEALED_LABEL})")
    expect(site.preview("confidence")).to_have_text("Sealed (0)")
    expect(site.page.get_by_test_id("save-first")).to_be_visible()
    expect(site.button("Sign and record")).to_have_count(0)

    opening = save(site)
    site.sign()
    image_id = site.recorded()

    assert "0x" + hashlib.sha256(opening).hexdigest() == manifest_hash
    label = json.loads(opening)["label"]
    (diagnosis,) = site.product.get(f"/records/{image_id}")["diagnoses"]
    assert (diagnosis["sealed"], diagnosis["labelCode"], diagnosis["confidence"]) == (True, SEALED_LABEL, None)
    assert diagnosis["manifestHash"] == manifest_hash
    assert requests.get(f"{site.product.url}/api/v1/manifests/{manifest_hash}", timeout=20).status_code == 404
    kept = [path for path in site.product.var.rglob("*") if path.is_file() and manifest_hash[2:] in path.name]
    assert kept == []
    assert label not in site.product.log
    assert save(site, "Save the opening again") == opening


def test_the_opening_outlives_a_reload(wallet: InjectedWallet, site: Site):
    seal(site)
    manifest_hash = manifest_hash_of(site)

    site.page.reload()

    expect(site.page.get_by_test_id("result-sealed")).to_be_visible()
    assert manifest_hash_of(site) == manifest_hash
    assert "0x" + hashlib.sha256(save(site)).hexdigest() == manifest_hash


def test_a_public_result_can_still_be_sealed_and_the_page_says_what_stays(wallet: InjectedWallet, site: Site):
    site.open().pin_and_classify(images.mri())
    public = manifest_hash_of(site)
    expect(site.page.get_by_text("is already public and stays public")).to_be_visible()

    site.page.get_by_label("Sealed result").check()

    expect(site.page.get_by_test_id("result-sealed")).to_be_visible()
    assert manifest_hash_of(site) != public


def test_what_was_published_already_is_said_even_where_the_image_alone_is_signed(wallet: InjectedWallet, site: Site):
    site.open().pin_and_classify(images.mri())

    site.page.get_by_label("Image only").check()

    public = site.page.get_by_test_id("public-data").locator("li")
    expect(public.first).to_contain_text("the manifest with the label")
    expect(public.last).to_contain_text("No part of the result.")


def test_each_sealed_run_commits_to_something_else(site: Site):
    image = images.mri()
    hashes = set()
    for _ in range(2):
        site.open()
        seal(site, image)
        hashes.add(manifest_hash_of(site))
        site.button("Start again with another image").click()
    assert len(hashes) == 2


def test_an_opening_that_says_something_else_is_not_signed(wallet: InjectedWallet, site: Site, console: Console):
    def lie(route):
        answer = route.fetch().json()
        route.fulfill(json={**answer, "opening": answer["opening"].replace('"salt":"', '"salt":"0')})

    site.page.route("**/classifications", lie)
    seal(site)
    site.connect()

    expect(site.notice("attestation-mismatch")).to_contain_text("the opening's hash")
    assert wallet.popups == ["connect"]


def seal(site: Site, image: bytes | None = None) -> None:
    site.open().choose(image or images.mri())
    site.page.get_by_label("Sealed result").check()
    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()


def save(site: Site, name: str = "Save the opening") -> bytes:
    with site.page.expect_download() as download:
        site.button(name).click()
    return Path(download.value.path()).read_bytes()


def manifest_hash_of(site: Site) -> str:
    return site.hash_in("manifest-hash")
