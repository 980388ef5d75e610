"""Text that is part of a picture, such as a name that a scanner drew into it.

The networks are PP-OCRv4's, with the weights that the package ``rapidocr-onnxruntime`` holds (Apache-2.0). Hostile
pixels are read here: run it in a process of its own, see ``decoder_process``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import Image

from backend.domain import TextBox

if TYPE_CHECKING:
    from rapidocr_onnxruntime import RapidOCR

MAX_SIDE = 1280
"""Larger pictures are scaled down to this: text that a person reads at full screen is still large enough."""
LEAST_CONTRAST = 24
"""Levels of grey between the darkest and the brightest pixel; with fewer, nobody can read a text."""
LEAST_SIDE = 16
"""Of a picture, in pixels: a smaller one has no room for a text."""
LEAST_SCORE = 0.6
LEAST_CHARACTERS = 3
"""Fewer letters and digits identify nobody: L and R are the sides of the patient, and noise is often read as one."""
_MARGIN = 0.2
"""Of the height of a text, added on each side of its box."""


def find(image: Image.Image) -> list[TextBox]:
    """The places of texts in a picture of mode L or RGB, in its pixels. What they say is not returned."""
    import numpy as np

    if min(image.size) < LEAST_SIDE or np.ptp(np.asarray(image.convert("L"))) < LEAST_CONTRAST:
        return []
    scale = max(image.size) / MAX_SIDE
    small = image.convert("RGB")
    if scale > 1:
        small = small.resize((max(1, round(image.width / scale)), max(1, round(image.height / scale))))
    found, _ = _reader()(np.asarray(small)[:, :, ::-1], use_cls=False)
    factor = max(scale, 1)
    return [
        _box(corners, factor, image.size)
        for corners, text, score in found or []
        if float(score) >= LEAST_SCORE and sum(map(str.isalnum, text)) >= LEAST_CHARACTERS
    ]


@cache
def _reader() -> RapidOCR:
    # Imported here: it takes half a second, and most processes never look for text.
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)


def _box(corners: Any, factor: float, size: tuple[int, int]) -> TextBox:
    """The upright box around four corners, with a margin, within the picture."""
    across, down = ([float(corner[axis]) * factor for corner in corners] for axis in (0, 1))
    margin = _MARGIN * (max(down) - min(down))
    left, top = max(0, int(min(across) - margin)), max(0, int(min(down) - margin))
    right, bottom = min(size[0], int(max(across) + margin) + 1), min(size[1], int(max(down) + margin) + 1)
    return TextBox(left, top, max(1, right - left), max(1, bottom - top))
