"""Takes the README's screenshot anew: ``python -m tests.e2e.screenshots IMAGE``, into ``frontend/screenshots``.

IMAGE must be free to publish: it is shown whole.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import ARGUMENTS, chromium, development_account
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

FOLDER = Path(__file__).resolve().parents[2] / "frontend" / "screenshots"
HEIGHT = 2400
"""What a reader looks at, in pixels; the rest of a long page is details."""


def main(image: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        product = Product(Path(folder))
        product.start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            context = browser.new_context(viewport={"width": 1200, "height": 800}, reduced_motion="reduce")
            chain = product.chain
            InjectedWallet(context, [development_account(1)], (chain,), chain_id=chain.chain_id)
            _flow(Site(context.new_page(), product), image.read_bytes())
        finally:
            browser.close()
            product.stop()


def _flow(site: Site, image: bytes) -> None:
    site.open().pin_and_classify(image)
    site.connect()
    site.button("Sign and record").wait_for()
    _take(site.page, "result-light")


def _take(page: Page, name: str) -> None:
    page.emulate_media(color_scheme="light")
    page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0); }")
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    taken = taken.crop((0, 0, taken.width, min(taken.height, HEIGHT)))
    # With 256 colours the files are a third as large, and look the same; as WebP a fifth.
    few = taken.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")
    few.save(FOLDER / f"{name}.webp", lossless=True, quality=100, method=6)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument, the image to show: python -m tests.e2e.screenshots IMAGE")
    main(Path(sys.argv[1]))
