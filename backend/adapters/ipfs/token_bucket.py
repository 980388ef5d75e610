"""Limits the rate of requests to a service. Thread-safe."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """The time source of everything that waits; tests use one that does not wait."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class TokenBucket:
    """At most 95 % of ``per_minute`` (at least 1) in any minute: a fifth at once, the rest spread evenly."""

    def __init__(self, per_minute: int, clock: Clock = time) -> None:
        self._clock = clock
        self._capacity = max(1.0, per_minute * 0.2)
        self._rate = per_minute * 0.75 / 60
        self._tokens = self._capacity
        self._updated = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, patience: float) -> bool:
        """Wait until a request is allowed; False, at once, if that takes longer than ``patience`` seconds."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._capacity, self._tokens + (now - self._updated) * self._rate)
            self._updated = now
            wait = max(0.0, (1 - self._tokens) / self._rate)
            if wait > patience:
                return False
            # A negative count is the number of threads that wait already.
            self._tokens -= 1
        if wait:
            self._clock.sleep(wait)
        return True
