"""A product that waits for three blocks, as on a public chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.support import images
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet


@pytest.fixture(scope="module")
def running_product(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"), SCANPROOF_CONFIRMATIONS="3")
    product.start()
    yield product
    product.stop()


def test_mined_is_not_yet_confirmed(wallet: InjectedWallet, site: Site):
    site.open().pin_and_classify(images.mri())
    site.connect()
    site.sign()
    expect(site.transaction("mined")).to_be_visible()
    expect(site.page.get_by_test_id("confirmations")).to_have_text("1 of 3")

    site.product.chain.control("evm_mine", [])
    expect(site.page.get_by_test_id("confirmations")).to_have_text("2 of 3")
    site.product.chain.control("evm_mine", [])

    site.recorded()
