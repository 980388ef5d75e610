"""A study of 300 slices of 512 by 512, from files to the preview before signing: seconds and memory of the server.

    python -m tests.benchmarks.study [--slices N] [--side N]

The server is gunicorn as in production, on an embedded chain and store; the client sends four slices at a time, as the
page does. The targets are 60 s on two cores and 600 MB of the server with its decoder processes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image

from tests.e2e.support.product import Product


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    files = [picture(number, options.side) for number in range(options.slices)]
    size = sum(map(len, files))
    print(f"{options.slices} slices of {options.side} by {options.side}, {size / 1e6:.0f} MB, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        product = Product(Path(folder), SCANPROOF_UPLOADS_PER_MINUTE="100000", SCANPROOF_SLICES_PER_MINUTE="100000")
        product.start()
        try:
            with peak_memory(product.process_id) as peak:
                measure(f"{product.url}/api/v1", files)
            print(f"most memory of the server and its decoders   {peak[0] / 1e6:6.0f} MB")
        finally:
            product.stop()


def measure(api: str, files: list[bytes]) -> None:
    started = time.perf_counter()

    def done(what: str) -> None:
        print(f"{what:<44} {time.perf_counter() - started:6.1f} s")

    named = [{"name": f"{n}.png", "sha256": hashlib.sha256(f).hexdigest(), "size": len(f)} for n, f in enumerate(files)]
    study = f"{api}/studies/{answer(requests.post(f'{api}/studies', json={'files': named}, timeout=60))['studyId']}"
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda content: answer(requests.post(f"{study}/slices", files={"file": content}, timeout=60)), files
            )
        )
    done("received")
    while not answer(requests.post(f"{study}/classifications", timeout=60))["classificationDone"]:
        pass
    done("classified")
    result = answer(requests.get(study, timeout=60))["result"]
    done("preview")
    while not answer(requests.post(f"{study}/pins", timeout=60))["signable"]:
        pass
    done("pinned, ready to sign")
    print(f"the study: {result['summary']['counts']}")


def answer(response: requests.Response) -> dict[str, Any]:
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


def picture(number: int, side: int) -> bytes:
    """A slice with the noise of a scanner, so that it packs as one does."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    inside = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    values = np.where(inside, 110 + 30 * np.sin(9 * x + number / 40) * np.cos(7 * y), 4) + rng.normal(0, 5, x.shape)
    output = io.BytesIO()
    Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).save(output, "PNG")
    return output.getvalue()


@contextmanager
def peak_memory(process: int) -> Iterator[list[int]]:
    """The most bytes that the process and its descendants had together (proportional set size), sampled; without Node,
    which is the chain."""
    peak, over = [0], threading.Event()

    def sample() -> None:
        while not over.wait(0.25):
            peak[0] = max(peak[0], sum(map(_memory, _family(process))))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _family(process: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, new = [], [process]
    while new:
        new = [each for each in new if _name(each) != "node"]
        found += new
        new = [child for each in new for child in children.get(each, [])]
    return found


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def _memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
