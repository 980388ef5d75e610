"""The results of `scanproof compare` behind the port Results."""

from __future__ import annotations

from pathlib import Path

from backend.errors import ResultsUnreadable
from ml.compare.overview import overview
from ml.compare.results import RESULTS, read_results
from ml.errors import ResultInvalid


class ResultFiles:
    """Read when first asked for, and again when a file has changed."""

    def __init__(self, folder: Path = RESULTS) -> None:
        self._folder = folder
        self._read: tuple[list, dict] | None = None

    def overview(self) -> dict:
        files = sorted(self._folder.glob("*.json"))
        stamps = [(path.name, path.stat().st_mtime_ns) for path in files]
        if self._read is None or self._read[0] != stamps:
            try:
                self._read = stamps, overview(read_results(self._folder))
            except ResultInvalid as exc:
                raise ResultsUnreadable(str(exc)) from exc
        return self._read[1]
