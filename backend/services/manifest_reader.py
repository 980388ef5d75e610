"""Reading a manifest that may come from anybody: its hash was checked, its content was not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from backend.cids import hash_of
from backend.services.manifests import SCHEMA

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """The part of a manifest that a verification compares. Confidence and probabilities are in [0, 1].

    ``salt`` is 64 hex digits in the manifest of a sealed diagnosis, else None.
    """

    image_cid: str
    image_sha256: str
    model_sha256: str
    label: str
    label_code: int
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    salt: str | None


def read(content: bytes) -> ReadManifest | None:
    """None when ``content`` is no manifest of this schema."""
    try:
        values = json.loads(content)
        manifest = ReadManifest(
            image_cid=_printable(values["image"]["cid"]),
            image_sha256=_printable(values["image"]["sha256"]),
            model_sha256=_printable(values["model"]["sha256"]),
            label=_printable(values["label"]),
            label_code=_typed(values["labelCode"], int),
            confidence=_probability(values["confidence"]),
            probabilities={label: _probability(p) for label, p in _typed(values["probabilities"], dict).items()},
            abstained=_typed(values["abstained"], bool),
            salt=_salt(values.get("salt")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if values.get("schema") == SCHEMA else None


def by_hash(manifests: Iterable[bytes]) -> dict[str, bytes]:
    """Manifests by their SHA-256 in hex with 0x, as the chain names them."""
    return {hash_of(manifest): manifest for manifest in manifests}


def _typed(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError
    return value


def _printable(value: object) -> str:
    """Text that goes to terminals: no control characters, and no surrogates, which no encoding takes."""
    if not _typed(value, str).isprintable():
        raise ValueError
    return value


def _probability(value: object) -> float:
    # RFC 8785 writes 1.0 as 1. The comparison is false for NaN, and exact for integers that no float can hold.
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise TypeError
    return float(value)


def _salt(value: object) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9a-f]{64}", _typed(value, str)):
        raise ValueError
    return value
