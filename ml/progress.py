"""How far a long computation has come, as lines of the logger ``ml.progress`` for whoever listens."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

LOGGER = "ml.progress"
EVERY_S = 1.0
"""The least time between two lines of one count."""

_log = logging.getLogger(LOGGER)
T = TypeVar("T")


def report(text: str) -> None:
    """Tell what begins now."""
    _log.info(text)


def counted(items: Sequence[T], what: str) -> Iterator[T]:
    """The items one by one, with a line now and then that says how many are done."""
    due = time.monotonic() + EVERY_S
    for done, item in enumerate(items):
        if time.monotonic() >= due:
            _log.info("%s: %s of %s", what, f"{done:,}", f"{len(items):,}")
            due = time.monotonic() + EVERY_S
        yield item
