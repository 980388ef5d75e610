"""The status of C-STORE (PS3.4, table B.2-1), which STOW-RS uses as its reason of a failure too (PS3.18, I.2.2)."""

from __future__ import annotations

from backend.errors import (
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
    OtherContent,
    QueueFull,
    ScanProofError,
    ServerBusy,
    StorageError,
)

SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
DUPLICATE_INSTANCE = 0x0111
"""Another object has this SOP Instance UID (PS3.7, annex C)."""
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
COERCED = 0xB000
"""Attributes were changed: here, those that identified somebody."""
_BY_ERROR: tuple[tuple[type[ScanProofError], int], ...] = (
    (QueueFull, OUT_OF_RESOURCES),
    (ServerBusy, OUT_OF_RESOURCES),
    (StorageError, OUT_OF_RESOURCES),
    (DatabaseUnavailable, OUT_OF_RESOURCES),
    (ConfigurationError, OUT_OF_RESOURCES),
    (OtherContent, DUPLICATE_INSTANCE),
    (Conflict, DOES_NOT_MATCH),
    (InvalidInput, CANNOT_UNDERSTAND),
)


def status_of(error: Exception) -> int:
    """The status that tells a sender whether to try again (A700) or not."""
    return next((status for kind, status in _BY_ERROR if isinstance(error, kind)), PROCESSING_FAILURE)
