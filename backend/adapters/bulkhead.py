"""Keeps a slow dependency from taking every thread: few callers at once, and none while it is known to be down."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from backend.errors import ScanProofError

Part = TypeVar("Part")
WAIT_S = 1.0
FAILURES = 3
PAUSE_S = 5.0


class Bulkhead:
    """At most ``slots`` calls of a dependency at once, and a circuit breaker.

    A caller waits up to ``wait_s`` for a slot. After FAILURES calls in a row that raised ``failure``, calls are refused
    for ``pause_s``; then one is let through, whose outcome decides. A refusal is a ``failure`` too.
    """

    def __init__(
        self,
        name: str,
        *,
        slots: int,
        failure: type[ScanProofError],
        wait_s: float = WAIT_S,
        pause_s: float = PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._slots = threading.BoundedSemaphore(slots)
        self._failure = failure
        self._wait_s = wait_s
        self._pause_s = pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0
        self._reason = ""

    @contextmanager
    def entered(self) -> Iterator[None]:
        """One call. Raises ``failure`` when it is refused."""
        self._check_breaker()
        if not self._slots.acquire(timeout=self._wait_s):
            raise self._failure(f"{self._name} is slow, and other requests wait for it already: try again")
        try:
            yield
        except self._failure as error:
            self._count(error)
            raise
        else:
            with self._lock:
                self._failures = 0
        finally:
            self._slots.release()

    def _check_breaker(self) -> None:
        with self._lock:
            if self._failures < FAILURES:
                return
            now = self._clock()
            if now < self._closed_until:
                raise self._failure(f"{self._reason} (it is not asked again at once)")
            # One caller finds out; the others are refused until it knows.
            self._closed_until = now + self._pause_s

    def _count(self, error: ScanProofError) -> None:
        with self._lock:
            self._failures += 1
            self._reason = str(error)
            if self._failures >= FAILURES:
                self._closed_until = self._clock() + self._pause_s


def guarded(part: Part, bulkhead: Bulkhead, *, local: frozenset[str] = frozenset()) -> Part:
    """``part``, whose methods go through the bulkhead, except those named in ``local``."""
    return cast(Part, _Guarded(part, bulkhead, local))


class _Guarded:
    def __init__(self, part: object, bulkhead: Bulkhead, local: frozenset[str]) -> None:
        self._part = part
        self._bulkhead = bulkhead
        self._local = local

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name in self._local or not callable(found):
            return found

        @functools.wraps(found)
        def call(*arguments: Any, **options: Any) -> Any:
            with self._bulkhead.entered():
                return found(*arguments, **options)

        return call
