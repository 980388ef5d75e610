"""What a person does on the page, by the names that a screen reader gives."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.support.product import Product

MEAN_BRIGHTNESS = """async (image) => {
  while (image.dataset.state !== "drawn") await new Promise(requestAnimationFrame);
  const canvas = new OffscreenCanvas(64, 64).getContext("2d");
  canvas.drawImage(image, 0, 0, 64, 64);
  const { data } = canvas.getImageData(0, 0, 64, 64);
  return data.filter((_, index) => index % 4 === 0).reduce((sum, red) => sum + red, 0) / (64 * 64);
}"""
"""Of the viewer's canvas as the browser shows it, 0 to 255."""


class Site:
    """One tab with ScanProof open."""

    def __init__(self, page: Page, product: Product) -> None:
        self.page = page
        self.product = product

    def open(self, path: str = "/") -> Site:
        self.page.goto(self.product.url + path)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        return self

    def choose(self, image: bytes, name: str = "slice.png", media_type: str = "image/png") -> None:
        file = {"name": name, "mimeType": media_type, "buffer": image}
        self.page.get_by_label("Choose an image").set_input_files(file)

    def pin_and_classify(self, image: bytes, **file: str) -> None:
        """From the open page to the result."""
        self.choose(image, **file)
        self.button("Pin and classify").click()
        expect(self.heading("Result")).to_be_visible()

    def connect(self, wallet: str = "MetaMask") -> None:
        self.button(f"Connect {wallet}").click()

    def sign(self) -> None:
        self.button("Sign and record").click()

    def record(self, image: bytes) -> str:
        """The whole flow with a wallet that is on the right chain; the image id."""
        self.open().pin_and_classify(image)
        self.connect()
        self.sign()
        return self.recorded()

    def recorded(self) -> str:
        """Wait until the flow has ended well; the image id."""
        expect(self.heading("Recorded")).to_be_visible()
        link = self.page.get_by_role("link", name="Open the provenance page")
        return link.get_attribute("href").rpartition("/")[2]

    def press(self, name: str, role: str = "button", key: str = "Enter") -> None:
        """Tab to the control of this name and press ``key``; fail when it cannot be reached. ``any``: by its label."""
        target = self.page.get_by_label(name) if role == "any" else self.page.get_by_role(role, name=name, exact=True)
        expect(target).to_be_visible()
        for _ in range(60):
            if target.evaluate("element => element.getRootNode().activeElement === element"):
                self.page.keyboard.press(key)
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"the {role} {name!r} cannot be reached with the Tab key")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def heading(self, name: str) -> Locator:
        return self.page.get_by_role("heading", name=name, exact=True)

    def notice(self, kind: str) -> Locator:
        return self.page.locator(f"[data-testid=notice][data-kind={kind}]")

    def preview(self, term: str) -> Locator:
        return self.page.get_by_test_id(f"preview-{term}")

    def hash_in(self, testid: str) -> str:
        """The CID, hash or address shown there, in full."""
        return self.page.get_by_test_id(testid).locator("code").inner_text()

    def transaction(self, state: str) -> Locator:
        return self.page.locator(f"[data-testid=transaction][data-state={state}]")

    def expect_verified(self) -> None:
        """On a provenance page: all checks passed, and there are some."""
        verification = self.page.get_by_test_id("verification")
        expect(verification).to_have_attribute("data-state", re.compile("passed|failed|error"))
        read = "checks => checks.map((check) => `${check.dataset.passed}: ${check.innerText}`)"
        lines = self.page.get_by_test_id("check").evaluate_all(read)
        assert lines and all(line.startswith("true") for line in lines), "\n".join(lines)
        expect(verification).to_have_attribute("data-state", "passed")
