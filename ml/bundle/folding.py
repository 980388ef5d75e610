"""A network as its difference from the weights that it was made of, so that an archive need not hold both.

The export to LiteRT multiplies the kernel of each convolution by what the batch normalisation behind it does
("folding", Jacob et al. 2018, section 3.2) and rounds to float16. So nearly all bits of ``model.tflite`` follow from
``weights.npz``; the difference takes a tenth of the room. The arithmetic is that of IEEE 754, the same on every
processor. Whether the bytes are right is for the bundle's hashes to say.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

EPSILON = np.float32(1e-3)
"""Of Keras's batch normalisation."""
_COMPARED = 64
_NEAR = 2
"""Units in the last place by which a value may differ from the one that is folded here."""


class Place(NamedTuple):
    """Where the network has a folded kernel: the offset of its first byte, the names of kernel and normalisation."""

    offset: int
    kernel: str
    norm: str


def find_places(model: bytes, weights: bytes) -> list[Place]:
    """The folded kernels of ``weights``, an ``npz`` archive, that are in ``model``."""
    values = np.frombuffer(model, np.float16, len(model) // 2)
    bits = values.view(np.uint16).astype(np.int32)
    found = []
    with np.load(io.BytesIO(weights), allow_pickle=False) as arrays:
        for kernel, norm in _pairs(arrays.files):
            folded = _folded(arrays, kernel, norm).view(np.uint16).astype(np.int32)
            start = folded[:_COMPARED]
            for at in np.flatnonzero(abs(bits[: len(bits) - len(folded) + 1] - folded[0]) <= _NEAR):
                near = abs(bits[at : at + len(start)] - start) <= _NEAR
                if near.mean() > 0.9:
                    found.append(Place(2 * int(at), kernel, norm))
                    break
    return found


def subtract(model: bytes, weights: bytes, places: Sequence[Place]) -> bytes:
    """``model`` with the difference from ``weights`` in place of each kernel."""
    return _changed(model, weights, places, -1)


def add(difference: bytes, weights: bytes, places: Sequence[Place]) -> bytes:
    """The model that ``subtract`` changed. Raises ValueError, KeyError or zipfile.BadZipFile where these do not fit."""
    return _changed(difference, weights, places, 1)


def _changed(model: bytes, weights: bytes, places: Sequence[Place], sign: int) -> bytes:
    changed = bytearray(model)
    with np.load(io.BytesIO(weights), allow_pickle=False) as arrays:
        for offset, kernel, norm in places:
            folded = _folded(arrays, kernel, norm).view(np.uint16)
            part = np.frombuffer(changed, np.uint16, len(folded), offset)
            part[:] = part + folded if sign > 0 else part - folded  # modulo 2^16
    return bytes(changed)


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each kernel with the normalisation behind it."""
    kernel = None
    for name in names:
        layer, _, what = name.rpartition("/")
        if what == "kernel":
            kernel = name
        elif what == "gamma" and kernel:
            yield kernel, layer
            kernel = None


def _folded(arrays: Mapping[str, np.ndarray], kernel: str, norm: str) -> np.ndarray:
    """float16, flat, in LiteRT's order: output, height, width, input; of a depthwise kernel height, width, channel."""
    found = arrays[kernel].astype(np.float32)
    deviation = np.sqrt(arrays[f"{norm}/moving_variance"].astype(np.float32) + EPSILON)
    scale = arrays[f"{norm}/gamma"].astype(np.float32) / deviation
    if found.shape[-1] == 1 and found.shape[-2] == len(scale):
        folded = found[..., 0] * scale
    else:
        folded = (found * scale).transpose(3, 0, 1, 2)
    return np.ascontiguousarray(folded, np.float16).ravel()
