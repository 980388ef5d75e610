"""The queue of received DICOM files, and those that left it for a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Select, delete, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.adapters.database.engine import Database
from backend.adapters.database.tables import DicomInstanceRow, ImageRow, ReceivedSeriesRow, SkippedDicomRow
from backend.dicom_tags import MODALITY
from backend.domain import DICOM_TYPE, DicomInstance, KnownFile, QueueLimits, ReceivedSeries, Source, SourceKind
from backend.errors import QueueFull, SeriesFull

_ROWS_AT_ONCE = 50
"""The attributes of one may take 64 KiB."""


class SqlReceived:
    """Port ReceivedRows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        series_id: str,
        instances: Sequence[DicomInstance],
        source: Source,
        now: int,
        limits: QueueLimits,
    ) -> bool:
        return self._database.upsert(lambda session: _add(session, series_id, instances, source, now, limits))

    def find(self, instance: str) -> KnownFile | None:
        with self._database.read() as session:
            row = session.get(DicomInstanceRow, instance)
            return _known(row) if row else None

    def size(self) -> int:
        with self._database.read() as session:
            return _bytes(session)

    def series(self, series_id: str | None = None) -> Sequence[ReceivedSeries]:
        counted = select(
            DicomInstanceRow.series_id,
            func.count(),
            func.sum(DicomInstanceRow.size),
            func.min(DicomInstanceRow.instance_uid),
        ).where(DicomInstanceRow.queued)
        listed = select(ReceivedSeriesRow).order_by(ReceivedSeriesRow.last_at.desc(), ReceivedSeriesRow.series_id)
        if series_id is not None:
            counted = counted.where(DicomInstanceRow.series_id == series_id)
            listed = listed.where(ReceivedSeriesRow.series_id == series_id)
        with self._database.read() as session:
            numbers = {
                name: (int(files), int(size), first)
                for name, files, size, first in session.execute(counted.group_by(DicomInstanceRow.series_id))
            }
            rows = session.scalars(listed)
            return [
                _series(row, session.get_one(DicomInstanceRow, first), files, size)
                for row in rows
                if row.series_id in numbers
                for files, size, first in [numbers[row.series_id]]
            ]

    def names(self) -> Mapping[tuple[str, str], str]:
        query = select(DicomInstanceRow.series_id, DicomInstanceRow.sha256, DicomInstanceRow.instance_uid)
        with self._database.read() as session:
            found = session.execute(query.where(DicomInstanceRow.queued))
            return {(series_id, sha256): instance for series_id, sha256, instance in found}

    def files(self, series_id: str, study_id: str | None = None) -> Sequence[DicomInstance]:
        query = _queued(series_id)
        with self._database.read() as session:
            return [_instance(row) for row in session.scalars(query) if study_id in (None, row.study_id)]

    def begin(self, series_id: str, instances: Sequence[str], study_id: str, cid: str | None) -> None:
        named = set(instances)
        with self._database.write() as session:
            if series := session.get(ReceivedSeriesRow, series_id):
                series.study_id, series.cid = study_id, cid
            for row in session.scalars(_queued(series_id)):
                row.study_id = study_id if row.instance_uid in named else None

    def forget(self, series_id: str) -> None:
        with self._database.write() as session:
            if series := session.get(ReceivedSeriesRow, series_id):
                series.study_id = series.cid = None
            for row in session.scalars(_queued(series_id)):
                row.study_id = None

    def leave(self, series_id: str, recorded: Mapping[str, str], removed: Sequence[str]) -> None:
        gone = set(removed)
        with self._database.write() as session:
            for row in session.scalars(_queued(series_id)).all():
                if row.instance_uid in recorded:
                    row.queued, row.cid = False, recorded[row.instance_uid]
                elif row.instance_uid in gone:
                    session.delete(row)
            # Pinned images that had to stand back for these are looked at again.
            session.execute(delete(SkippedDicomRow).where(SkippedDicomRow.instance_uid.in_(gone)))
            session.flush()
            series = session.get(ReceivedSeriesRow, series_id)
            if series and not _count(session, series_id):
                session.delete(series)
            elif series:
                series.study_id = series.cid = None

    def catalogue(self, study: str | None = None) -> Iterator[tuple[DicomInstance, int]]:
        place = (DicomInstanceRow.study_uid, DicomInstanceRow.series_uid)
        query = select(*place, func.min(DicomInstanceRow.instance_uid), func.count()).group_by(*place).order_by(*place)
        query = query.limit(_ROWS_AT_ONCE)
        if study is not None:
            query = query.where(DicomInstanceRow.study_uid == study)
        after = ("", "")
        while True:
            with self._database.read() as session:
                found = session.execute(query.where(tuple_(*place) > after)).all()
                rows = [(_instance(session.get_one(DicomInstanceRow, first)), int(files)) for *_, first, files in found]
            yield from rows
            if len(found) < _ROWS_AT_ONCE:
                return
            after = (found[-1][0], found[-1][1])

    def instances(self, study: str | None = None, series: str | None = None) -> Iterator[KnownFile]:
        place = (DicomInstanceRow.study_uid, DicomInstanceRow.series_uid, DicomInstanceRow.instance_uid)
        query = select(DicomInstanceRow).order_by(*place).limit(_ROWS_AT_ONCE)
        if study is not None:
            query = query.where(DicomInstanceRow.study_uid == study)
        if series is not None:
            query = query.where(DicomInstanceRow.series_uid == series)
        after = ("", "", "")
        while True:
            with self._database.read() as session:
                rows = [_known(row) for row in session.scalars(query.where(tuple_(*place) > after))]
            yield from rows
            if len(rows) < _ROWS_AT_ONCE:
                return
            last = rows[-1].instance
            after = (last.study, last.series, last.instance)

    def unseen(self, limit: int, after: str) -> Sequence[str]:
        query = select(ImageRow.cid).where(
            ImageRow.media_type == DICOM_TYPE,
            ImageRow.cid > after,
            ImageRow.cid.not_in(select(DicomInstanceRow.cid)),
            ImageRow.cid.not_in(select(SkippedDicomRow.cid)),
        )
        with self._database.read() as session:
            return list(session.scalars(query.order_by(ImageRow.cid).limit(limit)))

    def see(self, cid: str, instance: DicomInstance | None) -> None:
        with suppress(IntegrityError), self._database.write() as session:  # else another process was faster
            if instance and session.get(DicomInstanceRow, instance.instance) is None:
                session.add(_row(instance, queued=False))
            else:
                session.add(SkippedDicomRow(cid=cid, instance_uid=instance.instance if instance else None))


def _queued(series_id: str) -> Select[DicomInstanceRow]:
    return select(DicomInstanceRow).filter_by(series_id=series_id, queued=True).order_by(DicomInstanceRow.instance_uid)


def _add(
    session: Session,
    series_id: str,
    instances: Sequence[DicomInstance],
    source: Source,
    now: int,
    limits: QueueLimits,
) -> bool:
    known = {each.instance: session.get(DicomInstanceRow, each.instance) for each in instances}
    if any(row and row.sha256 != each.sha256 for each in instances for row in [known[each.instance]]):
        return False
    new = [each for each in instances if known[each.instance] is None]
    if _bytes(session) + sum(each.size for each in new) > limits.bytes:
        raise QueueFull(f"received images may take {limits.bytes:,} bytes here until they are recorded")
    if _count(session) + len(new) > limits.files:
        raise QueueFull(f"at most {limits.files:,} files may wait here until they are recorded")
    if _count(session, series_id) + len(new) > limits.files_of_series:
        raise SeriesFull(f"a series may have {limits.files_of_series:,} files in the queue")
    if new:
        _note_arrival(session, series_id, source, now)
    for instance in new:
        session.add(_row(instance, queued=True))
    return True


def _bytes(session: Session) -> int:
    return int(session.scalar(select(func.sum(DicomInstanceRow.size)).where(DicomInstanceRow.queued)) or 0)


def _count(session: Session, series_id: str | None = None) -> int:
    """Of the queue, or of one of its series."""
    query = select(func.count()).select_from(DicomInstanceRow).filter_by(queued=True)
    return int(session.scalar(query if series_id is None else query.filter_by(series_id=series_id)) or 0)


def _note_arrival(session: Session, series_id: str, source: Source, now: int) -> None:
    if series := session.get(ReceivedSeriesRow, series_id):
        series.last_at = now
        return
    session.add(
        ReceivedSeriesRow(
            series_id=series_id,
            source_kind=source.kind.value,
            source_name=source.name,
            first_at=now,
            last_at=now,
            study_id=None,
            cid=None,
        )
    )


def _instance(row: DicomInstanceRow) -> DicomInstance:
    return DicomInstance(
        row.instance_uid, row.study_uid, row.series_uid, row.sha256, row.size, row.cid, dict(row.attributes)
    )


def _row(instance: DicomInstance, *, queued: bool) -> DicomInstanceRow:
    return DicomInstanceRow(
        instance_uid=instance.instance,
        series_id=instance.series_id,
        study_uid=instance.study,
        series_uid=instance.series,
        queued=queued,
        study_id=None,
        sha256=instance.sha256,
        size=instance.size,
        cid=instance.cid,
        attributes=dict(instance.attributes),
    )


def _known(row: DicomInstanceRow) -> KnownFile:
    return KnownFile(_instance(row), row.queued)


def _series(row: ReceivedSeriesRow, first: DicomInstanceRow, files: int, size: int) -> ReceivedSeries:
    return ReceivedSeries(
        series_id=row.series_id,
        study=first.study_uid,
        series=first.series_uid,
        modality=_instance(first).value(MODALITY),
        source=Source(SourceKind(row.source_kind), row.source_name),
        files=files,
        size=size,
        first_at=row.first_at,
        last_at=row.last_at,
        study_id=row.study_id,
        cid=row.cid,
    )
