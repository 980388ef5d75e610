"""Classification over HTTP, on a running server whose model is warm, beside the same inference in one process.

    uv run python -m tests.benchmarks.classify_http [--json] [--images N]

``scanproof up`` runs in a process of its own with an embedded chain and store; the page must be built. Each image is a
new one: it is uploaded, classified over HTTP, classified once more, which the database answers, and predicted in this
process. The least and the median of all images are compared.

An upload decodes the image and asks the gate, and the request finds both made. So what it infers is the model's answer
and the activation map, of decoded pixels: the row ``model and map``. It also pins the manifest and stores the result.
``predictor`` is ``Predictor.predict`` of the file, which decodes it and draws no map. ``gate, model and map`` is all
that upload and request infer together, of the file.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.processes import free_port
from ml.datasets.phantom import phantom_png
from ml.inference.overlay import activation_overlay
from ml.inference.registry import Registry
from ml.preprocessing.images import decode_image

TARGET = 2.0
WARM_UP = 3
API = "/api/v1/images"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--images", type=int, default=40, help="measured images")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as port:
        result = measure(port, options.images)
    print(json.dumps(result) if options.json else table(result))


def measure(port: int, images: int) -> dict[str, Any]:
    """Milliseconds, least and median, and the ratios of the request to them."""
    registry = Registry()
    gate, predictor = registry.gate(), registry.get("brain-mri")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken: dict[str, list[float]] = defaultdict(list)
    for seed in range(WARM_UP + images):
        content = _photo_of_a_phantom(seed)
        cid = _upload(connection, content)
        path, pixels = f"{API}/{cid}/classifications", decode_image(content)

        def whole(content: bytes = content) -> None:
            image = decode_image(content)
            gate.predict(image)
            activation_overlay(predictor.predict(image))

        milliseconds = {
            "request": _timed(lambda path=path: _post(connection, path, b"{}", "application/json", 201)),
            "repeated request": _timed(lambda path=path: _post(connection, path, b"{}", "application/json", 200)),
            "predictor": _timed(lambda content=content: predictor.predict(content)),
            "model and map": _timed(lambda pixels=pixels: activation_overlay(predictor.predict(pixels))),
            "gate, model and map": _timed(whole),
        }
        for name, value in milliseconds.items() if seed >= WARM_UP else ():
            taken[name].append(value)
    least = {name: min(values) for name, values in taken.items()}
    median = {name: statistics.median(values) for name, values in taken.items()}
    return {
        what: {
            "milliseconds": {name: round(value, 2) for name, value in values.items()},
            "ratios": {name: round(values["request"] / value, 2) for name, value in values.items()},
        }
        for what, values in (("least", least), ("median", median))
    } | {"images": images}


def table(result: dict[str, Any]) -> str:
    lines = [f"{'':<20}{'least ms':>10}{'request':>9}{'median ms':>11}{'request':>9}"]
    least, median = result["least"], result["median"]
    for name in least["milliseconds"]:
        times = (least["milliseconds"][name], least["ratios"][name], median["milliseconds"][name])
        lines.append("{:<20}{:>10.2f}{:>8.2f}x{:>11.2f}".format(name, *times) + f"{median['ratios'][name]:>8.2f}x")
    lines.append(f"target for a request: {TARGET} times the predictor")
    return "\n".join(lines)


@contextmanager
def running_server(folder: Path) -> Iterator[int]:
    """The port of ``scanproof up`` with its data in ``folder``."""
    port = free_port()
    environment = {
        "SCANPROOF_VAR": str(folder),
        "SCANPROOF_CHAIN": "anvil",
        "SCANPROOF_CHAIN_PORT": str(free_port()),
        "SCANPROOF_STORAGE": "embedded",
        "SCANPROOF_UPLOADS_PER_MINUTE": "100000",
    }
    command = [sys.executable, "-m", "backend.cli", "up", "--port", str(port), "--json"]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            if not server.stdout.readline():
                raise ChildProcessError(server.stderr.read())
            yield port
        finally:
            server.terminate()


def _photo_of_a_phantom(seed: int) -> bytes:
    """A 512 x 512 JPEG, as the public scans are."""
    file = io.BytesIO()
    decode_image(phantom_png(512, seed)).save(file, "JPEG", quality=90)
    return file.getvalue()


def _upload(connection: http.client.HTTPConnection, content: bytes) -> str:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="scan.jpg"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return str(_post(connection, API, body, f"multipart/form-data; boundary={boundary}", 201)["cid"])


def _post(
    connection: http.client.HTTPConnection, path: str, body: bytes, media_type: str, expected: int
) -> dict[str, Any]:
    connection.request("POST", path, body, {"Content-Type": media_type})
    answer = connection.getresponse()
    content: dict[str, Any] = json.loads(answer.read())
    if answer.status != expected:
        raise AssertionError(f"expected status {expected} of {path}, found {answer.status}: {content}")
    return content


def _timed(run: Any) -> float:
    started = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
