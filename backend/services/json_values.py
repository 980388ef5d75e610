"""Reads JSON from untrusted sources, and names its fields. Manifests, studies and evidence files share these checks."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import rfc8785

from backend.errors import InvalidInput

T = TypeVar("T")


def read_canonical(content: bytes, what: str, error: type[InvalidInput]) -> Any:
    """The value whose canonical JSON (RFC 8785) ``content`` is. Raises ``error``, which names ``what`` was expected."""
    try:
        value = json.loads(content)
        again = rfc8785.dumps(value)
    except (ValueError, RecursionError, rfc8785.CanonicalizationError):
        raise error(f"expected {what} to be JSON") from None
    if again != content:
        raise error(f"expected {what} in canonical form (RFC 8785)")
    return value


def typed(value: object, kind: type[T]) -> T:
    """``value``, if it is of this very type: a bool is no int. Raises TypeError."""
    if type(value) is not kind:
        raise TypeError
    return value


def printable_text(value: object) -> str:
    """Text that is safe for terminals: no control characters, and no surrogates, which cannot be encoded. Raises
    TypeError, ValueError."""
    text = typed(value, str)
    if not text.isprintable():
        raise ValueError
    return text


def probability(value: object) -> float:
    """A number in [0, 1]. Raises TypeError."""
    # RFC 8785 writes 1.0 as 1. The comparison is false for NaN, and exact for integers beyond the range of floats.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TypeError
    return float(value)


def camel_case(name: str) -> str:
    """The name of a JSON field for one in snake_case."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
