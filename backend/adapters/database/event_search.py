"""Reads records from the copies of the chain's events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from backend.adapters.database.event_rows import event_of
from backend.adapters.database.event_tables import (
    CompromiseRow,
    DiagnosisRow,
    ModelRegistrationRow,
    ModelRetirementRow,
    RegistrationRow,
    ReviewRow,
    TrainingRow,
)
from backend.adapters.database.kinds import are_of_kind, is_of_patient
from backend.domain import (
    ABSTAINED_LABEL,
    ClassifierCompromisedEvent,
    DiagnosisStatus,
    LabelCode,
    ModelEvent,
    Record,
    RecordFilter,
    Verdict,
    position,
)

_NEWEST = aliased(ReviewRow)
_LATER = aliased(ReviewRow)
_PLACE = (RegistrationRow.block_number, RegistrationRow.log_index)
_DIAGNOSIS_PLACE = (DiagnosisRow.block_number, DiagnosisRow.log_index)
M = TypeVar("M", ModelRegistrationRow, ModelRetirementRow, TrainingRow)
R = TypeVar("R", DiagnosisRow, ReviewRow, CompromiseRow)
Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])


def record_of(session: Session, ledger: int, image_id: str) -> Record | None:
    found = session.scalars(select(RegistrationRow).filter_by(ledger_id=ledger, image_id=image_id)).all()
    return _records(session, ledger, found)[0] if found else None


def events_of_model(session: Session, ledger: int, model_id: str) -> list[ModelEvent]:
    """As ``EventStore.events_of_model``."""

    def of(table: type[M]) -> list[ModelEvent]:
        rows = session.scalars(select(table).where(table.ledger_id == ledger, table.model_id == model_id))
        return [event_of(row) for row in rows]

    return sorted([*of(ModelRegistrationRow), *of(ModelRetirementRow), *of(TrainingRow)], key=position)


def search(
    session: Session, ledger: int, wanted: RecordFilter, limit: int, before: tuple[int, int] | None
) -> list[Record]:
    """As ``EventStore.search``."""
    query = select(RegistrationRow).where(RegistrationRow.ledger_id == ledger, *_conditions(ledger, wanted))
    if before is not None:
        query = query.where(tuple_(*_PLACE) < before)
    query = query.order_by(*(column.desc() for column in _PLACE)).limit(limit)
    return _records(session, ledger, session.scalars(query).all())


def queue(
    session: Session, ledger: int, status: DiagnosisStatus, limit: int, after: tuple[int, int] | None
) -> list[Record]:
    """As ``EventStore.queue``."""
    registered = and_(RegistrationRow.ledger_id == ledger, RegistrationRow.image_id == DiagnosisRow.image_id)
    query = _with_newest_review(select(DiagnosisRow, RegistrationRow)).join(RegistrationRow, registered)
    query = query.where(DiagnosisRow.ledger_id == ledger, _has_status(status))
    if after is not None:
        query = query.where(tuple_(*_DIAGNOSIS_PLACE) > after)
    found = session.execute(query.order_by(*_DIAGNOSIS_PLACE).limit(limit)).all()
    reviews = _grouped(session, ReviewRow, ReviewRow.diagnosis_id, ledger, [row.diagnosis_id for row, _ in found])
    reports = _reports(session, ledger, [diagnosis for diagnosis, _ in found])
    return [
        Record(
            image=event_of(image),
            diagnoses=(event_of(diagnosis),),
            reviews=tuple(map(event_of, reviews.get(diagnosis.diagnosis_id, ()))),
            reports=_reports_of([diagnosis], reports),
        )
        for diagnosis, image in found
    ]


def _conditions(ledger: int, wanted: RecordFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.text is not None:
        found.append(_matches(ledger, wanted))
    of_diagnosis: list[ColumnElement[bool]] = []
    if wanted.models is not None:
        of_diagnosis.append(DiagnosisRow.model_id.in_(wanted.models))
    if wanted.labels is not None:
        of_diagnosis.append(_has_label(wanted.labels))
    if wanted.status is not None:
        of_diagnosis.append(_has_status(wanted.status))
    if of_diagnosis:
        found.append(_diagnosed(ledger, *of_diagnosis))
    if wanted.first_time is not None:
        found.append(RegistrationRow.block_timestamp >= wanted.first_time)
    if wanted.last_time is not None:
        found.append(RegistrationRow.block_timestamp <= wanted.last_time)
    if wanted.cids is not None:
        found.append(RegistrationRow.cid.in_(wanted.cids))
    if wanted.patient is not None:
        found.append(is_of_patient(RegistrationRow.cid, wanted.patient))
    found += are_of_kind(RegistrationRow.cid, wanted.kind)
    return found


def _matches(ledger: int, wanted: RecordFilter) -> ColumnElement[bool]:
    """Each alternative has an index, except for the label: that one is used only for a text that is a label's name."""
    text = wanted.text
    reviewed = select(ReviewRow.image_id).filter_by(ledger_id=ledger, transaction_hash=text)
    recorded = select(DiagnosisRow.image_id).filter_by(ledger_id=ledger, transaction_hash=text)
    models = (text, *wanted.text_models)
    by_model = select(DiagnosisRow.image_id).filter_by(ledger_id=ledger).where(DiagnosisRow.model_id.in_(models))
    alternatives: list[ColumnElement[bool]] = [
        RegistrationRow.image_id == text,
        RegistrationRow.cid == text,
        RegistrationRow.uploader == text,
        RegistrationRow.transaction_hash == text,
        *(RegistrationRow.image_id.in_(found) for found in (recorded, reviewed, by_model)),
    ]
    if wanted.text_labels:
        alternatives.append(_diagnosed(ledger, _has_label(wanted.text_labels)))
    return or_(*alternatives)


def _diagnosed(ledger: int, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one diagnosis of the image meets all conditions. Evaluated image by image until the page is full."""
    of_image = and_(DiagnosisRow.ledger_id == ledger, DiagnosisRow.image_id == RegistrationRow.image_id)
    query = _with_newest_review(select(DiagnosisRow.diagnosis_id)).where(of_image, *conditions)
    return query.correlate(RegistrationRow).exists()


def _with_newest_review(query: Query) -> Query:
    superseded = exists().where(_LATER.ledger_id == _NEWEST.ledger_id, _LATER.supersedes == _NEWEST.review_id)
    newest = and_(
        _NEWEST.ledger_id == DiagnosisRow.ledger_id, _NEWEST.diagnosis_id == DiagnosisRow.diagnosis_id, ~superseded
    )
    return query.outerjoin_from(DiagnosisRow, _NEWEST, newest)


def _has_label(labels: Sequence[LabelCode]) -> ColumnElement[bool]:
    holds = [
        and_(
            DiagnosisRow.model_id == model,
            or_(DiagnosisRow.label == code, and_(_NEWEST.verdict == Verdict.OVERRIDDEN.value, _NEWEST.label == code)),
        )
        for model, code in labels
    ]
    return or_(false(), *holds)


def _has_status(status: DiagnosisStatus) -> ColumnElement[bool]:
    if status is DiagnosisStatus.ASSERTED:
        return and_(_NEWEST.verdict.is_(None), DiagnosisRow.label != ABSTAINED_LABEL)
    if status is DiagnosisStatus.ABSTAINED:
        return and_(_NEWEST.verdict.is_(None), DiagnosisRow.label == ABSTAINED_LABEL)
    return _NEWEST.verdict == status.value


def _records(session: Session, ledger: int, images: Sequence[RegistrationRow]) -> list[Record]:
    ids = [image.image_id for image in images]
    diagnoses = _grouped(session, DiagnosisRow, DiagnosisRow.image_id, ledger, ids)
    reviews = _grouped(session, ReviewRow, ReviewRow.image_id, ledger, ids)
    reports = _reports(session, ledger, [row for rows in diagnoses.values() for row in rows])
    return [
        Record(
            image=event_of(image),
            diagnoses=tuple(map(event_of, diagnoses.get(image.image_id, ()))),
            reviews=tuple(map(event_of, reviews.get(image.image_id, ()))),
            reports=_reports_of(diagnoses.get(image.image_id, ()), reports),
        )
        for image in images
    ]


def _reports(session: Session, ledger: int, diagnoses: Sequence[DiagnosisRow]) -> dict[str, list[CompromiseRow]]:
    """The reports of the diagnoses' classifiers, by classifier."""
    classifiers = sorted({diagnosis.classifier for diagnosis in diagnoses})
    return _grouped(session, CompromiseRow, CompromiseRow.classifier, ledger, classifiers)


def _reports_of(
    diagnoses: Sequence[DiagnosisRow], reports: Mapping[str, Sequence[CompromiseRow]]
) -> tuple[ClassifierCompromisedEvent, ...]:
    classifiers = dict.fromkeys(diagnosis.classifier for diagnosis in diagnoses)
    return tuple(event_of(row) for classifier in classifiers for row in reports.get(classifier, ()))


def _grouped(
    session: Session, table: type[R], key: InstrumentedAttribute[str], ledger: int, keys: Sequence[str]
) -> dict[str, list[R]]:
    """The rows of a table by one of its columns, each group in chain order."""
    query = select(table).where(table.ledger_id == ledger, key.in_(keys))
    rows = session.scalars(query.order_by(key, table.block_number, table.log_index))
    return {value: list(group) for value, group in groupby(rows, attrgetter(key.key))}
