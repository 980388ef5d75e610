"""The files that the page's decoder is held against have the values that Pillow reads."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib

import numpy as np
from PIL import Image

from tests.ml.preprocessing.deep_tiffs import FILE, files


def test_the_values_are_those_that_pillow_reads() -> None:
    found = json.loads(FILE.read_text())
    assert found.keys() == files().keys()
    for name, each in found.items():
        content = zlib.decompress(base64.b64decode(each["input"]), -zlib.MAX_WBITS)
        values = np.asarray(Image.open(io.BytesIO(content))).astype("<u2")
        assert hashlib.sha256(values.tobytes()).hexdigest() == each["values"], name
