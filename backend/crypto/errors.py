"""What is refused. ``reason`` is a word of the specification, the same in TypeScript; the text is for people."""

from __future__ import annotations


class CryptoRefused(Exception):
    """Bytes or keys that are not what they must be."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class EnvelopeRefused(CryptoRefused):
    """An envelope that is damaged, cut, altered, or for another key."""


class OpeningRefused(CryptoRefused):
    """An opening that is not of the form, or does not fit the commitment."""


class WrapRefused(CryptoRefused):
    """A wrapped key that this key, password or phrase does not open, or whose parameters are out of bounds."""


class SharesRefused(CryptoRefused):
    """Shares that are altered, of several sets, or too few. ``indexes`` are those that are to blame."""

    def __init__(self, reason: str, message: str, indexes: tuple[int, ...] = ()) -> None:
        super().__init__(reason, message)
        self.indexes = indexes
