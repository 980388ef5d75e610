"""Checks whether everything that a request may need is available."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from backend.errors import ScanProofError

_log = logging.getLogger(__name__)
OK = "ok"


class ReadinessService:
    """Each of ``probes`` raises when its part is not available."""

    def __init__(self, probes: Mapping[str, Callable[[], object]]) -> None:
        self._probes = probes

    def check(self) -> dict[str, str]:
        """For each part "ok" or the reason for its failure."""
        return {name: self._run(name, probe) for name, probe in self._probes.items()}

    @staticmethod
    def _run(name: str, probe: Callable[[], object]) -> str:
        try:
            probe()
        except ScanProofError as error:
            return str(error)
        except Exception:
            _log.exception("the readiness probe of %s failed", name)
            return "failed for an unexpected reason; the server's log has it"
        return OK
