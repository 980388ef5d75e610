"""A time limit for whatever runs within a block of code, however many calls and waits it consists of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Code in this block has ``seconds`` in all. It is the adapters that look at ``remaining``; an inner limit cannot
    extend an outer one."""
    outer = _deadline.get()
    ours = time.monotonic() + seconds
    token = _deadline.set(ours if outer is None else min(ours, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining() -> float | None:
    """Seconds left, zero or less when the time is up; None without a limit."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - time.monotonic()
