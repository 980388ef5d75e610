"""The compiled contract `ImageRegistry`, as committed in ``contracts/artifacts``."""

from __future__ import annotations

import json
import re
from functools import cache

from backend.settings import ROOT

PATH = ROOT / "contracts" / "artifacts" / "ImageRegistry.json"
_IMMUTABLE = re.compile(b"\x7f" + b"\x00" * 32)
"""PUSH32 of zero: where the constructor writes an immutable. The optimizer never pushes zero so for another reason."""


@cache
def load() -> dict:
    """The artifact: ``abi``, ``bytecode`` and ``deployedBytecode`` (0x-hex), ``compiler``."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def matches(code: bytes) -> bool:
    """Whether ``code``, found at an address, is the artifact's runtime code; immutables may have any value."""
    expected = bytes.fromhex(load()["deployedBytecode"].removeprefix("0x"))
    if len(code) != len(expected):
        return False
    masked = bytearray(code)
    for immutable in _IMMUTABLE.finditer(expected):
        masked[immutable.start() + 1 : immutable.end()] = bytes(32)
    return bytes(masked) == expected
