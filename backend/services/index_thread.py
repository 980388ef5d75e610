"""Updates the index of the chain's events in the background."""

from __future__ import annotations

import logging
import threading

from backend.services.event_index import EventIndex

_log = logging.getLogger(__name__)


class IndexThread(threading.Thread):
    """Syncs every ``interval_s`` seconds until ``stop``. Logs when an error appears and when it is gone."""

    def __init__(self, index: EventIndex, *, interval_s: float) -> None:
        super().__init__(name="event-index", daemon=True)
        self._index = index
        self._interval_s = interval_s
        self._stopped = threading.Event()

    def run(self) -> None:
        trouble: str | None = None
        while not self._stopped.is_set():
            trouble = self._step(trouble)
            self._stopped.wait(self._interval_s)

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _step(self, trouble: str | None) -> str | None:
        try:
            self._index.sync()
        except Exception as error:  # the thread must survive every error and try again
            found = f"{type(error).__name__}: {error}"
            if found != trouble:
                _log.warning("the index of the chain cannot be updated: %s", found)
            return found
        if trouble:
            _log.warning("the index of the chain is updated again")
        return None
