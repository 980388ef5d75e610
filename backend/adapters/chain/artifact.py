"""The compiled contract `ImageRegistry`, committed in ``contracts/artifacts``."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TypedDict

from eth_typing import ABI, HexStr

from backend.settings import ROOT

PATH = ROOT / "contracts" / "artifacts" / "ImageRegistry.json"
_IMMUTABLE = re.compile(b"\x7f" + b"\x00" * 32)
"""PUSH32 of zero: the place of an immutable. The optimizer uses PUSH32 of zero for nothing else."""


class Artifact(TypedDict):
    """The part of the artifact that is read; bytecodes are 0x-hex."""

    abi: ABI
    bytecode: HexStr
    deployedBytecode: str


@cache
def load() -> Artifact:
    artifact: Artifact = json.loads(PATH.read_text(encoding="utf-8"))
    return artifact


def matches(code: bytes) -> bool:
    """Whether ``code`` is the artifact's runtime code; immutables may have any value."""
    expected = bytes.fromhex(load()["deployedBytecode"].removeprefix("0x"))
    if len(code) != len(expected):
        return False
    masked = bytearray(code)
    for immutable in _IMMUTABLE.finditer(expected):
        masked[immutable.start() + 1 : immutable.end()] = bytes(32)
    return bytes(masked) == expected
