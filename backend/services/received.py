"""The queue of DICOM files that arrive without a browser, until a person records or removes them.

A file is de-identified before it is written anywhere. Only the clean file is kept, unpinned, by its new UIDs; of a file
of several frames, one for each.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.domain import CleanDicom, CleanFile, DicomInstance, QueueLimits, ReceivedSeries, Source, SourceKind
from backend.errors import InvalidInput, NotFound, OtherContent, QueueFull, ScanProofError
from backend.ports import DicomCleaner, ReceivedFiles, ReceivedRows
from backend.services.study_documents import MAX_SLICES

DAY_S = 86_400
MAX_FILES = 100_000
"""Of the queue, however small they are."""
_NO_LIMITS = QueueLimits(sys.maxsize, sys.maxsize, sys.maxsize)
_UNFINISHED_S = 60.0
"""Files without a row that are older were left by a crash."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReceivedService:
    """``most_bytes`` limits all files in the queue, ``kept_days`` how long a series waits after its last file.

    Thread-safe; several processes may use the same files and rows.
    """

    rows: ReceivedRows
    files: ReceivedFiles
    cleaner: DicomCleaner
    most_bytes: int
    kept_days: int
    clock: Callable[[], float] = time.time

    def receive(self, content: bytes, source: Source) -> None:
        """``clean``, then ``keep``."""
        self.keep(self.clean(content), source)

    def clean(self, content: bytes) -> CleanDicom:
        """De-identify a file in memory. Raises UnsupportedImage, ImageTooLarge, ServerBusy; QueueFull before that work
        is done: a sender tries again and again."""
        if self.rows.size() >= self.most_bytes:
            raise QueueFull(f"received images take all of the {self.most_bytes:,} bytes that they may take here")
        return self.cleaner.clean(content)

    def keep(self, clean: CleanDicom, source: Source) -> None:
        """Keep the files of an object, all or none; what is known with the same bytes changes nothing. When this
        returns, all are on the disk.

        Raises OtherContent where one of their SOP Instance UIDs is known with other bytes: those stay. QueueFull,
        StorageUnavailable, DatabaseUnavailable.
        """
        lacking = [each for each in clean.files if not self._is_kept(each)]
        if not lacking:
            return
        series_id = clean.first.series_id
        added = False
        try:
            self.files.write(series_id, {each.instance.sha256: each.content for each in lacking})
            limits = QueueLimits(self.most_bytes, MAX_FILES, MAX_SLICES)
            added = self._add(series_id, [each.instance for each in lacking], source, limits)
        finally:
            if not added:
                for each in lacking:
                    self._withdraw(series_id, each.instance)
        if not added:
            raise OtherContent

    def _is_kept(self, file: CleanFile) -> bool:
        """Whether the same file is here. One that the disk lost is not."""
        known = self.rows.find(file.instance.instance)
        if known is None:
            return False
        if known.instance.sha256 != file.instance.sha256:
            raise OtherContent
        return not known.queued or self.files.read(known.instance.series_id, known.instance.sha256) is not None

    def _add(self, series_id: str, instances: Sequence[DicomInstance], source: Source, limits: QueueLimits) -> bool:
        return self.rows.add(series_id, instances, source, int(self.clock()), limits)

    def _withdraw(self, series_id: str, instance: DicomInstance) -> None:
        """Remove a file that has no row. Another process may have been faster with the same bytes."""
        with contextlib.suppress(ScanProofError):
            known = self.rows.find(instance.instance)
            if known is None or known.instance.sha256 != instance.sha256:
                self.files.remove(series_id, instance.sha256)

    def list(self) -> Sequence[ReceivedSeries]:
        """The queue, the last arrival first."""
        return self.rows.series()

    def find(self, series_id: str) -> ReceivedSeries:
        """Raises NotFound."""
        for each in self.rows.series(series_id):
            return each
        raise NotFound(f"no received series {series_id} is in the queue")

    def removed_at(self, series: ReceivedSeries) -> int:
        """When a series is removed unless a person goes on with it; in Unix seconds."""
        return series.last_at + self.kept_days * DAY_S

    def content(self, series_id: str, instance: DicomInstance) -> bytes:
        """The file of ``instance``, which is in the queue. Raises NotFound where the disk lost or changed it."""
        content = self.files.read(series_id, instance.sha256)
        if content is None:
            raise NotFound(f"the file of the received object {instance.instance} is gone or damaged")
        return content

    def remove(self, series_id: str) -> None:
        """Remove a series with its files. Raises NotFound."""
        self.find(series_id)
        # The files first: rows without files are removed at the next sweep, files without rows would come back.
        instances = self.rows.files(series_id)
        for instance in instances:
            self.files.remove(series_id, instance.sha256)
        self.rows.leave(series_id, {}, [instance.instance for instance in instances])

    def sweep(self) -> None:
        """Remove what has waited too long, and make files and rows agree after a crash or a loss of the database."""
        now = self.clock()
        for series in self.rows.series():
            if self.removed_at(series) <= now:
                with contextlib.suppress(NotFound):
                    self.remove(series.series_id)
        self._compare()

    def _compare(self) -> None:
        self.files.clear_drafts(older_than_s=_UNFINISHED_S)
        # Rows before names: a file is there before its row is.
        known = self.rows.names()
        written = self.files.names()
        lost: dict[str, list[str]] = defaultdict(list)
        for (series_id, sha256), instance in known.items():
            if (series_id, sha256) not in written:
                lost[series_id].append(instance)
        for series_id, instances in lost.items():
            _log.warning("%d files of the received series %s are gone", len(instances), series_id)
            self.rows.leave(series_id, {}, instances)
        for (series_id, sha256), at in written.items():
            # The row of a younger one is perhaps being written.
            if (series_id, sha256) not in known and at < self.clock() - _UNFINISHED_S:
                self._adopt(series_id, sha256)

    def _adopt(self, series_id: str, sha256: str) -> None:
        """Add the row of a file that has none. What is no part of the queue any more is removed."""
        content = self.files.read(series_id, sha256)
        try:
            instance = None if content is None else self.cleaner.describe(content)
        except InvalidInput:
            instance = None
        if instance is None or instance.series_id != series_id or self.rows.find(instance.instance):
            self.files.remove(series_id, sha256)
        else:
            # It was accepted before, whatever the limit is now.
            self._add(series_id, [instance], Source(SourceKind.RECOVERED), _NO_LIMITS)


class ReceivedThread(threading.Thread):
    """Sweeps the queue at once and then every ``interval_s`` seconds, until ``stop``."""

    def __init__(self, steps: Sequence[Callable[[], object]], *, interval_s: float) -> None:
        super().__init__(name="received", daemon=True)
        self._steps = steps
        self._interval_s = interval_s
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            for step in self._steps:
                try:
                    step()
                except Exception:  # the thread must survive every error and try again
                    _log.exception("the queue of received images could not be checked")
            self._stopped.wait(self._interval_s)

    def stop(self) -> None:
        self._stopped.set()
        self.join()
