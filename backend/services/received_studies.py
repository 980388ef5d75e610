"""Makes a study, or one image, of a received series, and takes the series out of the queue once it is recorded."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from backend.dicom_tags import FRAME_OFFSET, INSTANCE_NUMBER
from backend.domain import DicomInstance, ReceivedSeries, StudyFile
from backend.errors import ChainError, Conflict, NotFound
from backend.ports import Images
from backend.services.intake import Intake, IntakeService
from backend.services.received import ReceivedService
from backend.services.screening import Answers
from backend.services.studies import StudyProgress, StudyService


class ReceivedStudyService:
    """``recorded`` says of a CID whether it is on the chain. Thread-safe."""

    def __init__(
        self,
        *,
        queue: ReceivedService,
        studies: StudyService,
        intake: IntakeService,
        images: Images,
        recorded: Callable[[str], bool],
    ) -> None:
        self._queue = queue
        self._studies = studies
        self._intake = intake
        self._images = images
        self._recorded = recorded

    def list(self) -> Sequence[ReceivedSeries]:
        """The queue without what is recorded meanwhile, the last arrival first."""
        self.settle()
        return self._queue.list()

    def study(self, series_id: str, model: str | None, *, seconds: float) -> StudyProgress:
        """The study of a received series, for which files are taken over for about ``seconds``: ask until none is
        missing. From then on it is a study like any other.

        Raises NotFound; InvalidStudy, LimitExceeded, ServerBusy, StorageError.
        """
        end = time.monotonic() + seconds
        series = self._queue.find(series_id)
        files = {each.sha256: each for each in self._queue.rows.files(series_id)}
        named = [StudyFile(_name(each), each.sha256, each.size) for each in _in_order(list(files.values()))]
        progress, _ = self._studies.begin(named, model)
        if series.study_id != progress.study_id:
            self._queue.rows.begin(series_id, [each.instance for each in files.values()], progress.study_id, None)
        for sha256 in progress.missing:
            progress = self._studies.add(progress.study_id, self._queue.content(series_id, files[sha256]))
            if time.monotonic() > end:
                break
        return progress

    def image(self, series_id: str, client: str, answers: Answers) -> Intake:
        """Pin the only image of a received series: the rule for studies gives no result for a single slice.

        Raises NotFound; Conflict for a series of several files; what ``IntakeService.accept`` raises.
        """
        self._queue.find(series_id)
        files = self._queue.rows.files(series_id)
        if len(files) != 1:
            raise Conflict(f"expected a series of one image, found one of {len(files)}: it is recorded as a study")
        intake = self._intake.accept(self._queue.content(series_id, files[0]), client=client, answers=answers)
        self._queue.rows.begin(series_id, [files[0].instance], "", intake.facts.cid)
        return intake

    def view(self, series_id: str) -> tuple[str, bytes]:
        """Media type and bytes of the middle image of a series as the models see it. Raises NotFound, StorageError, and
        the inspector's errors."""
        self._queue.find(series_id)
        files = _in_order(self._queue.rows.files(series_id))
        content = self._queue.content(series_id, files[len(files) // 2])
        return self._intake.view_of(self._intake.identify(content), content)

    def settle(self) -> None:
        """Take each series out of the queue whose record is on the chain. While that cannot be asked, all stay."""
        for series in self._queue.list():
            if series.study_id is None:
                continue
            cid = series.cid or self._cid(series)
            with contextlib.suppress(ChainError):
                if cid and self._recorded(cid):
                    self._leave(series, cid)

    def _cid(self, series: ReceivedSeries) -> str | None:
        """What the study of a series is recorded as, noted once it is known: the study itself is removed in time."""
        study_id = series.study_id or ""
        try:
            documents = self._studies.progress(study_id).documents
        except NotFound:
            self._queue.rows.forget(series.series_id)
            return None
        if documents is None:
            return None
        files = self._queue.rows.files(series.series_id, study_id)
        self._queue.rows.begin(series.series_id, [each.instance for each in files], study_id, documents.manifest.cid)
        return documents.manifest.cid

    def _leave(self, series: ReceivedSeries, cid: str) -> None:
        files = self._queue.rows.files(series.series_id, series.study_id)
        if series.study_id:
            pinned = self._images.known([each.cid for each in files])
            recorded = {each.instance: each.cid for each in files if each.cid in pinned}
        else:
            recorded = {each.instance: cid for each in files}
        self._queue.rows.leave(series.series_id, recorded, [each.instance for each in files])
        for each in files:
            self._queue.files.remove(series.series_id, each.sha256)


def _in_order(files: Sequence[DicomInstance]) -> Sequence[DicomInstance]:
    """By instance number and frame; a study sorts them by their positions where it can."""
    return sorted(files, key=lambda each: (_number(each, INSTANCE_NUMBER), _number(each, FRAME_OFFSET), each.instance))


def _number(instance: DicomInstance, tag: str) -> int:
    text = instance.value(tag)
    return int(text) if text.removeprefix("-").isdecimal() else 0


def _name(instance: DicomInstance) -> str:
    return f"{instance.instance}.dcm"
