"""A lock for each slide that is being worked on, with an end to every wait."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from backend.errors import ServerBusy

WAIT_S = 20.0


class NamedLocks:
    """``busy`` is what is said to whoever waited WAIT_S in vain. Thread-safe."""

    def __init__(self, busy: str) -> None:
        self._busy = busy
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._users: Counter[str] = Counter()

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Raises ServerBusy."""
        with self._lock:
            self._users[name] += 1
            lock = self._locks.setdefault(name, threading.Lock())
        try:
            if not lock.acquire(timeout=WAIT_S):
                raise ServerBusy(self._busy)
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._lock:
                self._users[name] -= 1
                if not self._users[name]:
                    del self._users[name], self._locks[name]
