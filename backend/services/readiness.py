"""Checks whether everything that a request may need is available."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from backend.errors import ScanProofError

_log = logging.getLogger(__name__)
OK = "ok"
PATIENCE_S = 1.2
"""How long one check waits for all parts together: well below the two seconds that a supervisor allows."""
FRESH_S = 1.0


class ReadinessService:
    """Each of ``probes`` raises when its part is not available. ``damage`` lists what is broken in the stored data.

    A probe runs in a thread of its own, and never twice at once: one that hangs holds up neither the caller nor the
    other probes. An outcome is used again for FRESH_S, so that many callers cost no more than one.
    """

    def __init__(
        self,
        probes: Mapping[str, Callable[[], object]],
        *,
        damage: Callable[[], Sequence[str]] = tuple,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._probes = [_Probe(name, probe) for name, probe in probes.items()]
        self._damage = damage
        self._patience_s = patience_s

    def check(self) -> dict[str, str]:
        """For each part "ok" or the reason for its failure. Takes ``patience_s`` at most."""
        for probe in self._probes:
            probe.start()
        return {probe.name: probe.outcome(self._patience_s) for probe in self._probes}

    def damage(self) -> Sequence[str]:
        """What the scrub found damaged and could not repair, in a sentence each."""
        return self._damage()


class _Probe:
    def __init__(self, name: str, probe: Callable[[], object]) -> None:
        self.name = name
        self._probe = probe
        self._changed = threading.Condition()
        self._started_at: float | None = None
        self._outcome: tuple[float, str] = (float("-inf"), "")

    def start(self) -> None:
        """Unless it runs already, or has just run."""
        with self._changed:
            now = time.monotonic()
            if self._started_at is not None or now - self._outcome[0] < FRESH_S:
                return
            self._started_at = now
        threading.Thread(target=self._run, name=f"probe-{self.name}", daemon=True).start()

    def outcome(self, patience_s: float) -> str:
        """Waits until ``patience_s`` after the probe's start: for one that has hung longer, not at all."""
        with self._changed:
            left = 0.0 if self._started_at is None else self._started_at + patience_s - time.monotonic()
            self._changed.wait_for(lambda: self._started_at is None, max(0.0, left))
            if self._started_at is None:
                return self._outcome[1]
            return f"has not answered for {time.monotonic() - self._started_at:.0f} s"

    def _run(self) -> None:
        outcome = self._ask()
        with self._changed:
            self._outcome = (time.monotonic(), outcome)
            self._started_at = None
            self._changed.notify_all()

    def _ask(self) -> str:
        try:
            self._probe()
        except ScanProofError as error:
            return str(error)
        except Exception:
            _log.exception("the readiness probe of %s failed", self.name)
            return "failed for an unexpected reason; the server's log has it"
        return OK
