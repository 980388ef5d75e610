"""Classification in the browser beside Python's: how many answers agree, and how long the first and later ones take.

    python -m tests.benchmarks.device [--images N] [--megabits N]

The images are those of the data folder, N of each of its parts spread evenly, and some of them in every format that
the page takes. An answer agrees if model, label, words of an abstention and, to 1e-4, all probabilities do. The first
answer is measured from the click, with an empty cache and the network at so many megabits a second; the target is 5 s,
and 100 ms for later ones.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ml.inference.prediction import Prediction
from ml.inference.registry import Registry
from tests.dicoms import dicom
from tests.e2e.conftest import ARGUMENTS, chromium
from tests.e2e.support.device import LABEL, answer_of
from tests.e2e.support.images import DATA
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site

_TOLERANCE = 1e-4
_REPEATS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--megabits", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        product = Product(Path(folder))
        product.start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            first(browser, product, options.megabits)
            page = Site(browser.new_page(), product).open().page
            later(page)
            for name, images in parts(options.images).items():
                compare(page, name, images)
        finally:
            browser.close()
            product.stop()


def first(browser: Browser, product: Product, megabits: float) -> None:
    site = Site(browser.new_page(), product)
    rate = megabits * 1e6 / 8
    conditions = {"offline": False, "latency": 20, "downloadThroughput": rate, "uploadThroughput": rate}
    site.page.context.new_cdp_session(site.page).send("Network.emulateNetworkConditions", conditions)
    site.open().choose(sample())
    received: list[int] = []
    site.page.context.on("response", lambda answer: received.append(int(answer.headers.get("content-length", 0))))
    started = time.perf_counter()
    site.button("Classify on this device").click()
    expect(site.page.get_by_test_id(LABEL)).to_be_visible(timeout=60_000)
    seconds = time.perf_counter() - started
    print(f"first answer at {megabits:g} Mbit/s: {seconds:.2f} s, {sum(received) / 1e6:.1f} MB")
    site.page.close()


def later(page: Page) -> None:
    image = sample()
    answer_of(page, image)
    took = sorted(answer_of(page, image)["milliseconds"] for _ in range(_REPEATS))
    print(f"later answers: median {statistics.median(took):.0f} ms, the slowest of {_REPEATS} {took[-1]:.0f} ms")


def sample() -> bytes:
    return (DATA / "samples" / "mri_glioma_1.jpg").read_bytes()


def compare(page: Page, part: str, images: list[tuple[str, bytes]]) -> None:
    agreed, worst = 0, 0.0
    for name, content in images:
        expected, found = of_python(content), answer_of(page, content)
        if "problem" in found:
            print(f"    {part} {name}: {found['problem']}")
            continue
        both = [
            expected.probabilities[label] - found["probabilities"].get(label, 9) for label in expected.probabilities
        ]
        difference = max(map(abs, both))
        same = (expected.label, expected.reason) == (found["label"], found["reason"])
        worst = max(worst, difference)
        agreed += same and difference <= _TOLERANCE
        if not same or difference > _TOLERANCE:
            print(
                f"    {part} {name}: {expected.label} {expected.reason} {expected.confidence}, in the browser {found}"
            )
    print(f"{part}: {agreed} of {len(images)} agree, largest difference of a probability {worst:.1e}")


_registry = Registry()


def of_python(content: bytes) -> Prediction:
    found: Prediction = _registry.for_image(content).predict(content)
    return found


def parts(count: int) -> dict[str, list[tuple[str, bytes]]]:
    found = {
        name: list(read(DATA / name, count)) for name in ("samples", "brain-mri/test", "healthy-heads", "other-images")
    }
    return found | {"formats": [each for file in found["samples"][4:8] for each in formats(*file)]}


def read(folder: Path, count: int) -> Iterator[tuple[str, bytes]]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png"))
    for path in files[:: max(1, len(files) // count)][:count]:
        yield path.name, path.read_bytes()


def formats(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The image in other formats and modes."""
    image = Image.open(io.BytesIO(content)).convert("L")
    grey = np.asarray(image)
    turned = Image.Exif()
    turned[0x0112] = 6
    veil = Image.fromarray(np.broadcast_to(np.linspace(60, 255, grey.shape[1]).astype(np.uint8), grey.shape))
    rgba = image.convert("RGB")
    rgba.putalpha(veil)
    made: list[tuple[str, Image.Image, str, dict[str, Any]]] = [
        ("grey PNG", image, "PNG", {}),
        ("palette PNG", image.convert("RGB").quantize(64), "PNG", {}),
        ("transparent PNG", rgba, "PNG", {}),
        ("1-bit PNG", image.convert("1"), "PNG", {}),
        ("16-bit PNG", Image.fromarray(grey.astype(np.uint16) << 4), "PNG", {}),
        ("turned JPEG", image, "JPEG", {"exif": turned, "quality": 90}),
        ("colour JPEG, 4:2:0", image.convert("RGB"), "JPEG", {"quality": 80}),
        ("progressive JPEG", image, "JPEG", {"progressive": True}),
        ("CMYK JPEG", image.convert("CMYK"), "JPEG", {"quality": 95}),
        ("BMP", image, "BMP", {}),
        ("WebP", image.convert("RGB"), "WEBP", {"quality": 80}),
        ("lossless WebP", image.convert("RGB"), "WEBP", {"lossless": True}),
        ("TIFF", image, "TIFF", {}),
    ]
    for kind, picture, form, options in made:
        out = io.BytesIO()
        picture.save(out, form, **options)
        yield f"{name} as {kind}", out.getvalue()
    yield f"{name} as DICOM", dicom(grey.astype(np.uint16) * 8)


if __name__ == "__main__":
    main()
