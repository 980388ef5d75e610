"""Writes the golden vectors that the page's own de-identification is held against:
``python -m tests.backend.adapters.dicom.vectors``.

Each has a file of the corpus, deflated and in Base64, the SHA-256 of what becomes of it, and how much was removed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

from backend.adapters.dicom.deidentification import deidentify
from tests.backend.adapters.dicom.corpus import corpus

FILE = Path(__file__).resolve().parents[3] / "frontend" / "dicom" / "vectors.json"
KEY = bytes(range(32))


def vectors() -> dict[str, Any]:
    return {"key": KEY.hex(), "files": [_vector(content, planted) for content, planted in corpus()]}


def _vector(content: bytes, planted: list[str]) -> dict[str, Any]:
    made = deidentify(content, KEY)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return {
        "input": base64.b64encode(deflate.compress(content) + deflate.flush()).decode(),
        "planted": planted,
        "output": hashlib.sha256(made.content).hexdigest(),
        "report": {kind: sum(counts.values()) for kind, counts in made.report.counts().items()},
    }


def text() -> str:
    found = vectors()
    files = ",\n".join(f"  {json.dumps(vector, separators=(',', ':'))}" for vector in found["files"])
    return f'{{"key": "{found["key"]}", "files": [\n{files}\n]}}\n'


if __name__ == "__main__":
    FILE.write_text(text())
