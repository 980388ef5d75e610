"""Writes grey TIFF files of 16 bits, which the page decodes as Pillow does:
``python -m tests.ml.preprocessing.deep_tiffs``.

Each is deflated and in Base64, with the SHA-256 of its values in little endian.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

FILE = Path(__file__).resolve().parents[2] / "frontend" / "imaging" / "tiffs.json"
_PREDICTOR = 317


def pixels() -> np.ndarray:
    """Smooth, with noise in one half: codes of every length, and runs."""
    across = np.add.outer(np.arange(61) * 700, np.arange(83) * 13).astype(np.uint16)
    across[:, 40:] ^= np.random.default_rng(7).integers(0, 4096, (61, 43)).astype(np.uint16)
    across[20:30] = 4000
    return across


def files() -> dict[str, bytes]:
    def pillow(compression: str, **tags: int) -> bytes:
        output = io.BytesIO()
        options = {"tiffinfo": {_PREDICTOR: tags["predictor"]}} if tags else {}
        Image.fromarray(pixels()).save(output, "TIFF", compression=compression, **options)
        return output.getvalue()

    def laid_out(**options: object) -> bytes:
        output = io.BytesIO()
        tifffile.imwrite(output, pixels(), photometric="minisblack", metadata=None, **options)
        return output.getvalue()

    return {
        "plain": pillow("raw"),
        "LZW": pillow("tiff_lzw"),
        "LZW with differences": pillow("tiff_lzw", predictor=2),
        "Deflate": pillow("tiff_adobe_deflate"),
        "old Deflate with differences": pillow("tiff_deflate", predictor=2),
        "PackBits": pillow("packbits"),
        "tiles": laid_out(tile=(32, 48)),
        "strips": laid_out(rowsperstrip=7),
        "big endian": laid_out(byteorder=">", rowsperstrip=20),
    }


def text() -> str:
    found = {}
    for name, content in files().items():
        values = np.asarray(Image.open(io.BytesIO(content))).astype("<u2")
        assert np.array_equal(values, pixels()), name
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        found[name] = {
            "input": base64.b64encode(deflate.compress(content) + deflate.flush()).decode(),
            "values": hashlib.sha256(values.tobytes()).hexdigest(),
        }
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
