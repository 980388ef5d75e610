"""A study of 300 slices of 512 by 512 in the page, from dropped files to the preview: seconds, and memory of the tab.

    python -m tests.benchmarks.study_page [--slices N] [--side N] [--frames]

The files are 16-bit DICOM with identifiers, which the page removes. The memory is that of Chromium's renderer processes
(proportional set size), sampled; the target is 500 MB. Then every slice is shown once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from tests.benchmarks.study import deep_pixels, family, named_dicom, peak_memory
from tests.e2e.conftest import ARGUMENTS, chromium
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site

_WAIT_MS = 600_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--frames", action="store_true", help="one file of so many frames")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        files = write_files(Path(folder) / "series", options.slices, options.side, as_frames=options.frames)
        print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB, {os.cpu_count()} cores")
        product = Product(Path(folder), SCANPROOF_UPLOADS_PER_MINUTE="100000", SCANPROOF_SLICES_PER_MINUTE="100000")
        product.start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            site = Site(browser.new_page(viewport={"width": 1440, "height": 900}), product)
            measure(site.open().page, files, options.slices)
        finally:
            browser.close()
            product.stop()


def write_files(folder: Path, slices: int, side: int, *, as_frames: bool) -> list[Path]:
    folder.mkdir()
    if as_frames:
        pixels = np.stack([deep_pixels(number, side) for number in range(slices)])
        (folder / "frames.dcm").write_bytes(named_dicom(pixels))
    else:
        for number in range(slices):
            (folder / f"{number}.dcm").write_bytes(named_dicom(deep_pixels(number, side), InstanceNumber=number))
    return sorted(folder.iterdir())


def measure(page: Page, files: list[Path], slices: int) -> None:
    started = time.perf_counter()
    with peak_memory(renderers) as peak:
        empty = peak_now()
        page.get_by_label("Choose an image").set_input_files(files)
        if len(files) == 1:
            page.get_by_role("button", name="Go on as a study").click()
        page.get_by_role("button", name="Go on without a map").click(timeout=_WAIT_MS)
        expect(page.get_by_test_id("study-summary")).to_be_visible(timeout=_WAIT_MS)
    print(f"preview          {time.perf_counter() - started:6.1f} s, most memory of the tab {peak[0] / 1e6:5.0f} MB")
    print(f"before the files {empty / 1e6:5.0f} MB")
    with peak_memory(renderers) as peak:
        for number in range(slices):
            page.get_by_role("button", name=f"Show slice {number + 1}", exact=True).click()
    print(f"every slice shown: most memory of the tab {peak[0] / 1e6:5.0f} MB")


def peak_now() -> int:
    with peak_memory(renderers) as peak:
        time.sleep(1)
    return peak[0]


def renderers() -> list[int]:
    """Chromium's processes of pages, of which this program has one."""
    return [each for each in family(os.getpid()) if b"--type=renderer" in _command(each)]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    main()
