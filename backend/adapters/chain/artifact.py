"""The builds of the contract `ImageRegistry` that were ever deployed, found by the code on the chain.

The current one is ``contracts/artifacts/ImageRegistry.json``; each former one is below ``former/<code hash>/``. The
code hash is the keccak256 of the runtime code with zeros in the place of its immutables (contracts/README.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from eth_typing import ABI, HexStr
from eth_utils import keccak
from eth_utils.abi import event_abi_to_log_topic

from backend.settings import ROOT

_FOLDER = ROOT / "contracts" / "artifacts"
_NAME = "ImageRegistry.json"


@dataclass(frozen=True, eq=False)
class Artifact:
    """One build. ``bytecode`` deploys it; ``immutables`` are the (start, length) of its immutables in the runtime code
    of ``size`` bytes; ``storage_layout`` is solc's.
    """

    abi: ABI
    bytecode: HexStr
    code_hash: str
    size: int
    immutables: tuple[tuple[int, int], ...]
    storage_layout: dict[str, Any]
    former: bool

    def matches(self, code: bytes) -> bool:
        """Whether ``code`` is this build's runtime code; immutables may have any value."""
        if len(code) != self.size:
            return False
        masked = bytearray(code)
        for start, length in self.immutables:
            masked[start : start + length] = bytes(length)
        return "0x" + keccak(bytes(masked)).hex() == self.code_hash

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names of the contract's functions: what an account can call, and a reader ask."""
        return frozenset(entry["name"] for entry in self.abi if entry["type"] == "function")


@cache
def current() -> Artifact:
    """The build of the present sources, which a new deployment uses."""
    return _read(_FOLDER / _NAME, former=False)


@cache
def known() -> tuple[Artifact, ...]:
    """Every build, the current one first."""
    return current(), *(_read(path, former=True) for path in sorted(_FOLDER.glob(f"former/*/{_NAME}")))


def of(code: bytes) -> Artifact | None:
    """The build whose runtime code is ``code``, None for other code."""
    return next((build for build in known() if build.matches(code)), None)


def event_topics(name: str) -> dict[str, tuple[str, ...]]:
    """Topic 0 (0x-hex) of each form of an event that any build emits, with the names of its fields; the current one
    first, none for an event that does not exist."""
    return {
        "0x" + event_abi_to_log_topic(entry).hex(): tuple(field["name"] for field in entry["inputs"])
        for build in known()
        for entry in build.abi
        if entry["type"] == "event" and entry["name"] == name
    }


def _read(path: Path, *, former: bool) -> Artifact:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Artifact(
        abi=content["abi"],
        bytecode=content["bytecode"],
        code_hash=content["codeHash"],
        size=len(content["deployedBytecode"]) // 2 - 1,
        immutables=tuple((start, length) for start, length in content["immutables"]),
        storage_layout=content["storageLayout"],
        former=former,
    )
