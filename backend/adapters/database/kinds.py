"""The kinds of images and studies, and the features of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.adapters.database.engine import Database
from backend.adapters.database.tables import FeatureRow, ImageRow, KindRow
from backend.domain import ImageKind, KindFilter, KindSource, KindValue


class SqlKinds:
    """Port Kinds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, cids: Sequence[str]) -> Mapping[str, ImageKind]:
        with self._database.read() as session:
            rows = session.scalars(select(KindRow).where(KindRow.cid.in_(cids)))
            return {row.cid: _kind(row) for row in rows}

    def save(self, kinds: Sequence[ImageKind]) -> None:
        def save(session: Session) -> None:
            for kind in kinds:
                put_kind(session, kind)

        self._database.upsert(save)

    def matching(self, wanted: KindFilter, limit: int) -> Sequence[ImageKind]:
        query = select(KindRow).where(*are_of_kind(KindRow.cid, wanted)).order_by(KindRow.cid).limit(limit)
        with self._database.read() as session:
            return [_kind(row) for row in session.scalars(query)]

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


def put_kind(session: Session, kind: ImageKind) -> None:
    """Write the row of an image, in place of an older one."""
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
            found.append(cid.in_(select(KindRow.cid).where(column == value)))
    return found


def _column(name: str) -> ColumnElement[str | None]:
    column: ColumnElement[str | None] = getattr(KindRow, name)
    return column


def _kind(row: KindRow) -> ImageKind:
    def value(name: str) -> KindValue:
        source = KindSource(getattr(row, f"{name}_source"))
        return KindValue(getattr(row, name), source, row.recogniser if source is KindSource.RECOGNISED else None)

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
