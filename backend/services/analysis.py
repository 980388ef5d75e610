"""Analysing a pinned image step by step: only bytes that were fetched back by CID are analysed."""

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
"""A page asks for all pictures of an analysis at once; one analysis takes up to 5 MB."""


class AnalysisService:
    """Nothing is written anywhere; the last analyses stay in memory. Threads may share it."""

    def __init__(self, intake: IntakeService, analyse: Callable[[bytes], Analysis], *, kept: int = KEPT) -> None:
        self._intake = intake
        self._analyse = analyse
        self._kept: OrderedDict[str, Analysis] = OrderedDict()
        self._capacity = kept
        # A decoded image can take hundreds of MB: one at a time keeps the process small.
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
        """One step of it. Raises NotFound, also where there is no such step."""
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
