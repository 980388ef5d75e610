"""The events of an evidence bundle: as a reader finds them in its JSON, and what else they make necessary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from backend.cids import raw_cid
from backend.domain import (
    MAX_IMAGE_BYTES,
    SEALED_LABEL,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    ModelRegisteredEvent,
    TrainingAnchoredEvent,
)
from backend.services.manifests import MAX_MANIFEST_BYTES
from backend.services.model_verification import MAX_DOCUMENT_BYTES
from backend.services.statements import MAX_STATEMENT_BYTES


class Need(Enum):
    """REQUIRED: the record cannot be checked without it; SEALED: only its holder has it; PAPER: if it is published."""

    REQUIRED = "required"
    SEALED = "sealed"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class NamedObject:
    cid: str
    max_bytes: int
    need: Need


def named_objects(events: Sequence[Event]) -> Iterator[NamedObject]:
    """The objects that events name and checks read: of models only those of the diagnoses, and no statement of a sealed
    diagnosis, which is never published."""
    diagnoses = [event for event in events if isinstance(event, DiagnosisRecordedEvent)]
    models = {diagnosis.model_id for diagnosis in diagnoses}
    sealed = {diagnosis.diagnosis_id for diagnosis in diagnoses if diagnosis.label == SEALED_LABEL}
    for event in events:
        if isinstance(event, ImageRegisteredEvent):
            yield NamedObject(event.cid, MAX_IMAGE_BYTES, Need.REQUIRED)
        elif isinstance(event, DiagnosisRecordedEvent):
            need = Need.SEALED if event.label == SEALED_LABEL else Need.REQUIRED
            yield NamedObject(raw_cid(event.manifest_hash), MAX_MANIFEST_BYTES, need)
        elif isinstance(event, DiagnosisReviewedEvent) and event.diagnosis_id not in sealed:
            yield NamedObject(raw_cid(event.reason_hash), MAX_STATEMENT_BYTES, Need.PAPER)
        elif isinstance(event, ModelRegisteredEvent) and event.model_id in models:
            yield NamedObject(event.card_cid, MAX_DOCUMENT_BYTES, Need.PAPER)
        elif isinstance(event, TrainingAnchoredEvent) and event.model_id in models:
            yield NamedObject(raw_cid(event.training_id), MAX_DOCUMENT_BYTES, Need.PAPER)
            yield NamedObject(raw_cid(event.metrics_hash), MAX_DOCUMENT_BYTES, Need.PAPER)


def role_holders(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Role and account of everybody who signed a diagnosis or reviewed one."""
    classifiers = {("CLASSIFIER_ROLE", e.classifier) for e in events if isinstance(e, DiagnosisRecordedEvent)}
    return sorted(
        classifiers | {("CLINICIAN_ROLE", e.reviewer) for e in events if isinstance(e, DiagnosisReviewedEvent)}
    )


def described(event: Event) -> dict:
    """The event's fields in camelCase, with its name as the contract has it; without the log index, which is the
    node's own count and cannot be proven."""
    fields = asdict(event)
    del fields["log_index"]
    name = type(event).__name__.removesuffix("Event")
    return {"event": name, **{camel_case(field): value for field, value in fields.items()}}


def camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
