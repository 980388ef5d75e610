"""The main job in a browser: from an image file to a record that anybody can verify."""

from __future__ import annotations

import hashlib
import re

import pytest
import requests
from eth_account.signers.local import LocalAccount
from eth_utils import keccak
from playwright.sync_api import BrowserContext, expect

from tests.e2e.support import images
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

needs_samples = pytest.mark.skipif(
    not (images.DATA / "samples").is_dir(), reason=f"no sample images in {images.DATA}: set SCANPROOF_DATA"
)


@pytest.fixture
def new_wallet(context: BrowserContext, alice: LocalAccount, bob: LocalAccount) -> InjectedWallet:
    """As freshly installed: on mainnet, without ScanProof's chain."""
    return InjectedWallet(context, [alice, bob])


@pytest.mark.parametrize("make", [pytest.param(images.sample_mri, marks=needs_samples), images.phantom])
def test_from_file_to_verified_record(new_wallet: InjectedWallet, site: Site, alice: LocalAccount, make):
    config = site.product.get("/config")
    site.open().pin_and_classify(make())
    expect(site.page.get_by_test_id("not-for-diagnosis")).to_be_visible()
    cid = site.hash_in("cid")

    site.connect()
    expect(site.page.get_by_test_id("account")).to_contain_text(alice.address)
    expect(site.notice("wrong-chain")).to_be_visible()
    site.button(f"Switch to {config['chain']['name']}").click()

    expect(site.preview("function")).to_contain_text("registerWithDiagnosis")
    expect(site.preview("cid")).to_contain_text(cid)
    expect(site.preview("from")).to_contain_text(alice.address)
    expect(site.preview("contract")).to_contain_text(config["chain"]["contract"])
    expect(site.preview("classifier")).to_contain_text(config["classifier"])
    expect(site.preview("estimated-gas")).to_contain_text(re.compile(r"\d"))
    expect(site.preview("estimated-fee")).to_contain_text(config["chain"]["currency"]["symbol"])
    shown = site.page.get_by_test_id("wallet-shows")
    expect(shown).to_contain_text("What MetaMask will show")
    expect(shown).to_contain_text("that the registry is no contract")
    expect(shown).to_contain_text(site.product.chain.rpc_url)
    announced, summary = shown.inner_text(), site.page.get_by_test_id("signing-summary").inner_text()
    site.sign()
    image_id = site.recorded()

    assert new_wallet.popups == ["connect", "add", "transaction"]
    receipt = site.product.chain.call("eth_getTransactionReceipt", [new_wallet.sent[0].hash])
    assert (receipt["status"], len(receipt["logs"])) == ("0x1", 2)
    sent = new_wallet.sent[0].transaction
    assert sent["data"][:10] in announced
    assert sent["data"][:10] in summary
    assert "0x" + keccak(hexstr=sent["data"]).hex() in announced
    (estimate,) = [params[0] for method, params in new_wallet.requests if method == "eth_estimateGas"][:1]
    assert "gas" not in estimate
    assert int(receipt["gasUsed"], 16) * 1.15 < sent["gas"] < int(receipt["gasUsed"], 16) * 1.5
    site.page.get_by_role("link", name="Open the provenance page").click()
    expect(site.heading("Provenance record")).to_be_visible()
    for name, value in {"image-id": image_id, "cid": cid, "uploader": alice.address}.items():
        expect(site.page.get_by_test_id(f"record-{name}")).to_contain_text(value)
    expect(site.page.get_by_test_id("record-transaction")).to_contain_text(new_wallet.sent[0].hash)
    site.expect_verified()


@needs_samples
def test_result_is_explained(site: Site):
    site.open().pin_and_classify(images.sample_mri("mri_pituitary_1.jpg"))

    probabilities = site.page.get_by_test_id("probability")
    expect(probabilities).to_have_count(4)
    for text in probabilities.all_inner_texts():
        assert re.search(r"\d", text)
    expect(site.page.get_by_test_id("result-label")).to_contain_text(re.compile("pituitary", re.IGNORECASE))
    (model,) = [known for known in site.product.get("/models")["models"] if known["default"]]
    expect(site.page.get_by_test_id("model-hash")).to_contain_text(model["sha256"])
    site.page.get_by_label("Show the activation map").uncheck()
    site.page.get_by_label("Show the activation map").check()
    site.page.get_by_label("Opacity of the activation map").fill("20")


def test_metadata_is_taken_away_and_named(site: Site):
    site.open().pin_and_classify(images.with_metadata(images.mri()), name="slice.jpg", media_type="image/jpeg")

    expect(site.page.get_by_test_id("stripped")).to_contain_text("EXIF")
    pinned = _pinned(site.product, site.hash_in("cid"))
    assert b"Jane Doe" not in pinned


def _pinned(product: Product, cid: str) -> bytes:
    content = requests.get(f"{product.url}/api/v1/images/{cid}/content", timeout=20).content
    assert hashlib.sha256(content).hexdigest() == product.get(f"/images/{cid}")["sha256"]
    return content
