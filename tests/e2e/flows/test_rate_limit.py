"""A product that takes one upload a minute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site


@pytest.fixture(scope="module")
def running_product(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"), SCANPROOF_UPLOADS_PER_MINUTE="1")
    product.start()
    yield product
    product.stop()


def test_too_many_uploads(site: Site, console: Console):
    console.tolerate("status of 429")
    site.open().pin_and_classify(images.mri())
    site.button("Start again with another image").click()
    site.choose(images.mri())
    site.button("Pin and classify").click()

    expect(site.notice("rate-limited")).to_contain_text("Too many requests")
    expect(site.notice("rate-limited")).to_contain_text("second")
    expect(site.button("Try again")).to_be_disabled()
