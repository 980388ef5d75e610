"""A study of 300 slices of 512 by 512, from files to the preview before signing: seconds and memory of the server.

    python -m tests.benchmarks.study [--slices N] [--side N] [--dicom]

The server is gunicorn as in production, on an embedded chain and store; the client sends two slices at a time, as the
page does. Where the data is, each slice is a head with other noise, which the models answer. The targets are 60 s on
two cores and 600 MB of the server with its decoder processes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image

from tests.dicoms import deidentified, dicom
from tests.e2e.support.images import DATA
from tests.e2e.support.product import Product


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--dicom", action="store_true", help="16-bit DICOM files instead of 8-bit PNG")
    options = parser.parse_args()
    files = [picture(number, options.side, as_dicom=options.dicom) for number in range(options.slices)]
    size = sum(map(len, files))
    print(f"{options.slices} slices of {options.side} by {options.side}, {size / 1e6:.0f} MB, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        product = Product(Path(folder), SCANPROOF_UPLOADS_PER_MINUTE="100000", SCANPROOF_SLICES_PER_MINUTE="100000")
        product.start()
        try:
            with peak_memory(lambda: family(product.process_id, without="node")) as peak:
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
    with ThreadPoolExecutor(2) as pool:
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
    while not answer(requests.post(f"{study}/pins", json={"text": "keep"}, timeout=60))["signable"]:
        pass
    done("pinned, ready to sign")
    print(f"the study: {result['summary']['counts']}")


def answer(response: requests.Response) -> dict[str, Any]:
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


@cache
def head(side: int) -> np.ndarray:
    """A real slice where the data is, else a drawing. Brightness 0 to 255, (side, side)."""
    sample = DATA / "samples" / "mri_notumor_1.jpg"
    if sample.is_file():
        return np.asarray(Image.open(sample).convert("L").resize((side, side)), np.float64)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    drawing: np.ndarray = np.where((x / 0.7) ** 2 + (y / 0.85) ** 2 < 1, 110 + 30 * np.sin(9 * x) * np.cos(7 * y), 4)
    return drawing


def picture(number: int, side: int, *, as_dicom: bool = False) -> bytes:
    """A slice with a little of a scanner's noise, so that it packs as one does."""
    if as_dicom:
        place = {"ImagePositionPatient": [0, 0, number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        return deidentified(named_dicom(deep_pixels(number, side), InstanceNumber=number, **place))
    output = io.BytesIO()
    Image.fromarray(np.clip(noisy_head(number, side), 0, 255).astype(np.uint8)).save(output, "PNG")
    return output.getvalue()


def noisy_head(number: int, side: int) -> np.ndarray:
    values: np.ndarray = head(side) + np.random.default_rng(number).normal(0, 2, (side, side))
    return values


def deep_pixels(number: int, side: int) -> np.ndarray:
    """Twelve bits, (side, side)."""
    return np.clip(16 * noisy_head(number, side), 0, 4095).astype(np.uint16)


def named_dicom(pixels: np.ndarray, **values: Any) -> bytes:
    """A file with identifiers, of one series."""
    uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "PatientID": "one", "PatientName": "Doe^Jane"}
    return dicom(pixels, WindowCenter=2048, WindowWidth=4096, **uids, **values)


@contextmanager
def peak_memory(processes: Callable[[], Iterable[int]]) -> Iterator[list[int]]:
    """The most bytes that the processes had together (proportional set size), sampled."""
    peak, over = [0], threading.Event()

    def sample() -> None:
        while not over.wait(0.25):
            peak[0] = max(peak[0], sum(map(_memory, processes())))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def family(process: int, *, without: str | None = None) -> list[int]:
    """A process and its descendants, without those of a name, such as Node, which is the chain, and theirs."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, new = [], [process]
    while new:
        new = [each for each in new if _name(each) != without]
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
