"""Analyses a pinned image step by step. Only bytes that were fetched by CID are analysed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.errors import NotFound
from backend.services.intake import IntakeService

if TYPE_CHECKING:
    from ml.analysis.steps import Analysis, Step

KEPT = 4
"""The page requests all pictures of an analysis at once. An analysis takes up to 5 MB."""


class AnalysisService:
    """Keeps the last analyses in memory and stores nothing. Thread-safe."""

    def __init__(self, intake: IntakeService, analyse: Callable[[bytes], Analysis], *, kept: int = KEPT) -> None:
        self._intake = intake
        self._analyse = analyse
        self._kept: OrderedDict[str, Analysis] = OrderedDict()
        self._capacity = kept
        # One at a time: a decoded image can take hundreds of MB.
        self._analysing = threading.Lock()

    def analyse(self, cid: str) -> Analysis:
        """The analysis of a known image. Raises InvalidCid, NotFound, StorageError, UnsupportedImage, ImageTooLarge."""
        with self._analysing:
            found = self._recall(cid)
        if found:
            return found
        _, content = self._intake.content(cid)
        with self._analysing:
            return self._recall(cid) or self._keep(cid, self._analyse(content))

    def step(self, cid: str, name: str) -> Step:
        """One step of the analysis. Raises as ``analyse``; NotFound also for an unknown step."""
        steps = {step.name: step for step in self.analyse(cid).steps}
        if name not in steps:
            raise NotFound(f"expected one of the steps {', '.join(steps)}, found {name[:80]!r}")
        return steps[name]

    def _recall(self, cid: str) -> Analysis | None:
        if cid in self._kept:
            self._kept.move_to_end(cid)
        return self._kept.get(cid)

    def _keep(self, cid: str, analysis: Analysis) -> Analysis:
        self._kept[cid] = analysis
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return analysis
