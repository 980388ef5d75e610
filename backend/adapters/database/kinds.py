"""The kinds of images and studies, and the features of images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.adapters.database.engine import Database
from backend.adapters.database.tables import FeatureRow, ImageRow, KindRow, KindStatementRow
from backend.domain import ImageKind, KindFilter, KindSource, KindValue


class SqlKinds:
    """Port Kinds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, cids: Sequence[str]) -> Mapping[str, ImageKind]:
        with self._database.read() as session:
            found = _kinds(session, select(KindRow).where(KindRow.cid.in_(cids)))
        return {kind.cid: kind for kind in found}

    def save(self, kinds: Sequence[ImageKind]) -> None:
        def save(session: Session) -> None:
            for kind in kinds:
                put_kind(session, kind)

        self._database.upsert(save)

    def change(self, absent: ImageKind, change: Callable[[ImageKind], ImageKind]) -> ImageKind:
        def save(session: Session) -> ImageKind:
            changed = change(stored_kind(session, absent.cid) or absent)
            put_kind(session, changed)
            return changed

        return self._database.upsert(save)

    def matching(self, wanted: KindFilter, limit: int) -> Sequence[ImageKind]:
        query = select(KindRow).where(*are_of_kind(KindRow.cid, wanted)).order_by(KindRow.cid).limit(limit)
        with self._database.read() as session:
            return _kinds(session, query)

    def without_kind(self, limit: int, after: str) -> Sequence[str]:
        known = select(KindRow.cid)
        query = select(ImageRow.cid).where(ImageRow.cid > after, ImageRow.cid.not_in(known)).order_by(ImageRow.cid)
        with self._database.read() as session:
            return list(session.scalars(query.limit(limit)))

    def features(self, cid: str, decoding: int, model_sha256: str) -> bytes | None:
        with self._database.read() as session:
            row = session.get(FeatureRow, (cid, decoding, model_sha256))
            return row.features if row else None

    def add_features(self, cid: str, decoding: int, model_sha256: str, features: bytes) -> None:
        self._database.insert(FeatureRow(cid=cid, decoding=decoding, model_sha256=model_sha256, features=features))

    def all_features(self, decoding: int, model_sha256: str, limit: int) -> Sequence[tuple[str, bytes]]:
        query = select(FeatureRow).filter_by(decoding=decoding, model_sha256=model_sha256)
        with self._database.read() as session:
            return [(row.cid, row.features) for row in session.scalars(query.order_by(FeatureRow.cid).limit(limit))]


def stored_kind(session: Session, cid: str) -> ImageKind | None:
    """The kind of an image, which nobody else changes until the transaction ends."""
    found = _kinds(session, select(KindRow).where(KindRow.cid == cid).with_for_update())
    return found[0] if found else None


def put_kind(session: Session, kind: ImageKind) -> None:
    """Write the rows of an image, in place of older ones."""
    statements = {
        (kind.cid, name, other.value, other.source.value): other
        for name in ImageKind.VALUES
        for other in getattr(kind, name).others
    }
    for old in session.scalars(select(KindStatementRow).filter_by(cid=kind.cid)).all():
        key = (old.cid, old.name, old.value, old.source)
        if key in statements:
            old.recogniser = statements.pop(key).by
        else:
            session.delete(old)
    for (cid, name, value, source), other in statements.items():
        session.add(KindStatementRow(cid=cid, name=name, value=value, source=source, recogniser=other.by))
    values, row = _row_values(kind), session.get(KindRow, kind.cid, with_for_update=True)
    if row is None:
        session.add(KindRow(**values))
    for name, value in values.items() if row else ():
        setattr(row, name, value)


def is_of_patient(cid: InstrumentedAttribute[str], patient: str) -> ColumnElement[bool]:
    """The condition for rows whose column ``cid`` names an image or study of that pseudonym, with a study date."""
    return cid.in_(select(KindRow.cid).where(KindRow.patient == patient, KindRow.study_date.is_not(None)))


def are_of_kind(cid: InstrumentedAttribute[str], wanted: KindFilter) -> list[ColumnElement[bool]]:
    """The conditions for rows whose column ``cid`` names an image or study of that kind."""
    found: list[ColumnElement[bool]] = []
    for name in ImageKind.VALUES:
        value, column = getattr(wanted, name), _column(name)
        if value == KindFilter.UNKNOWN:
            found.append(cid.not_in(select(KindRow.cid).where(column.is_not(None))))
        elif value is not None:
            beside = select(KindStatementRow.cid).where(KindStatementRow.name == name, KindStatementRow.value == value)
            found.append(or_(cid.in_(select(KindRow.cid).where(column == value)), cid.in_(beside)))
    return found


def _column(name: str) -> ColumnElement[str | None]:
    column: ColumnElement[str | None] = getattr(KindRow, name)
    return column


def _kinds(session: Session, query: Select[KindRow]) -> list[ImageKind]:
    rows = session.scalars(query).all()
    beside = select(KindStatementRow).where(KindStatementRow.cid.in_([row.cid for row in rows]))
    others: dict[tuple[str, str], list[KindValue]] = defaultdict(list)
    for each in session.scalars(beside.order_by(KindStatementRow.source, KindStatementRow.value)):
        others[each.cid, each.name].append(KindValue(each.value, KindSource(each.source), each.recogniser))
    return [_kind(row, others) for row in rows]


def _kind(row: KindRow, others: Mapping[tuple[str, str], Sequence[KindValue]]) -> ImageKind:
    def value(name: str) -> KindValue:
        source = KindSource(getattr(row, f"{name}_source"))
        by = row.recogniser if source is KindSource.RECOGNISED else None
        return KindValue(getattr(row, name), source, by, tuple(others.get((row.cid, name), ())))

    spacing = (row.row_spacing, row.column_spacing)
    return ImageKind(
        row.cid,
        **{name: value(name) for name in ImageKind.VALUES},
        patient=row.patient,
        study_date=row.study_date,
        spacing=None if spacing[0] is None or spacing[1] is None else (spacing[0], spacing[1]),
    )


def _row_values(kind: ImageKind) -> dict[str, object]:
    values: dict[str, object] = {"cid": kind.cid, "patient": kind.patient, "study_date": kind.study_date}
    values["row_spacing"], values["column_spacing"] = kind.spacing or (None, None)
    values["recogniser"] = None
    for name in ImageKind.VALUES:
        value: KindValue = getattr(kind, name)
        values[name], values[f"{name}_source"] = value.value, value.source.value
        values["recogniser"] = values["recogniser"] or value.by
    return values
