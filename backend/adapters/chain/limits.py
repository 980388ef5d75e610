"""What a node accepts in one request. Nodes do not tell it beforehand: it is learnt from their refusals."""

from __future__ import annotations

import re
from functools import lru_cache

BATCH = 100
"""The most requests in one batch."""
_NODES = 64
_PATIENCE_AFTER_NAMED = 1000
_LONGEST_PATIENCE = 100_000


class Width:
    """How many blocks, or how many requests, a node takes at once.

    A refused width is halved, or becomes the number that the refusal names. Refusals can pass, such as time-outs, so a
    width that is accepted again and again is doubled: at first at once, and after each doubling that was refused only
    after twice as many successes.
    """

    def __init__(self) -> None:
        self._limit: int | None = None
        self._patience = 1
        self._successes = 0
        self._doubled = False

    @property
    def limit(self) -> int | None:
        """The largest width that may pass, None while nothing was refused."""
        return self._limit

    def of(self, wanted: int) -> int:
        """The width to ask for, at least 1."""
        return wanted if self._limit is None else max(1, min(wanted, self._limit))

    def refused(self, width: int, *, named: int | None = None) -> None:
        if named is not None and 0 < named < width:
            self._limit = named
            self._patience = max(self._patience, _PATIENCE_AFTER_NAMED)
        else:
            self._limit = max(1, width // 2)
        if self._doubled:
            self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
        self._successes, self._doubled = 0, False

    def accepted(self, width: int) -> None:
        if self._limit is None or width < self._limit:
            return
        self._successes += 1
        if self._successes >= self._patience:
            self._limit, self._successes, self._doubled = 2 * self._limit, 0, True


class NodeLimits:
    """The limits of one node. ``headers``: whether it gives headers without transactions, None while unknown;
    ``receipts``: whether it gives all receipts of a block at once."""

    def __init__(self) -> None:
        self.blocks = Width()
        self.batch = Width()
        self.headers: bool | None = None
        self.receipts = True


@lru_cache(_NODES)
def limits_of(_url: str) -> NodeLimits:
    """The limits of the node at that URL, as far as this process learnt them."""
    return NodeLimits()


_NUMBER = r"(0x[0-9a-f]+|\d[\d,_']*)\s*(k\b)?"
_SUGGESTED = re.compile(r"\[\s*(0x[0-9a-f]+|\d+)\s*(?:,|-|to)\s*(0x[0-9a-f]+|\d+)\s*\]")
_LARGEST = re.compile(rf"(?:max\w*|limit\w*|up to|at most|exceed\w*|over|than|within|allow\w*|>)\D{{0,60}}?{_NUMBER}")
_OF_BLOCKS = re.compile(rf"{_NUMBER}[- ]?blocks?\b")


def named_blocks(message: str, *, first: int, last: int) -> int | None:
    """The number of blocks that a refusal of the blocks ``first`` to ``last`` allows; None if it names none.

    Numbers that the refusal repeats from the request are no limit.
    """
    text = message.lower()
    if "block" not in text and "range" not in text:
        return None
    asked = last - first + 1
    repeated = {first, last, asked, asked - 1}
    for low, high in _SUGGESTED.findall(text):
        width = _value(high) - _value(low) + 1
        if 0 < width < asked:
            return width
    for pattern in (_OF_BLOCKS, _LARGEST):
        for digits, thousand in pattern.findall(text):
            found = _value(digits) * (1000 if thousand else 1)
            if 0 < found < asked and found not in repeated:
                return found
    return None


def _value(digits: str) -> int:
    return int(digits, 16) if digits.startswith("0x") else int(re.sub(r"\D", "", digits))
