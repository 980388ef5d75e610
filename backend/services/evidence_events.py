"""The events of an evidence file: their JSON, and the objects and roles that they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from backend.cids import raw_cid
from backend.domain import (
    MAX_IMAGE_BYTES,
    SEALED_LABEL,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    ModelRegisteredEvent,
    RecordEvent,
    TrainingAnchoredEvent,
    position,
)
from backend.ports import RegistryHistory
from backend.services.json_values import camel_case
from backend.services.manifests import MAX_MANIFEST_BYTES
from backend.services.model_verification import MAX_DOCUMENT_BYTES, models_of
from backend.services.statements import MAX_STATEMENT_BYTES


class Need(Enum):
    """IMAGE and REQUIRED: no verification without it; SEALED: only the uploader has it; DOCUMENT: included if it is
    published."""

    IMAGE = "image"
    REQUIRED = "required"
    SEALED = "sealed"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class NamedObject:
    cid: str
    max_bytes: int
    need: Need


def events_of_record(chain: RegistryHistory, image_id: str) -> list[Event]:
    """The events of the image, of the models of its diagnoses and those that these were trained from, and the reports
    of its classifiers' keys, in chain order. What else is in the same transactions is of others. Raises ChainError."""
    history = chain.events_of_image(image_id)
    models = [event for events in models_of(chain, history).values() for event in events]
    return sorted([*history, *models, *reports_about(chain, history)], key=position)


def reports_about(chain: RegistryHistory, history: Sequence[RecordEvent]) -> list[ClassifierCompromisedEvent]:
    """The reports of the keys that signed the diagnoses of an image. Raises ChainError."""
    classifiers = dict.fromkeys(event.classifier for event in history if isinstance(event, DiagnosisRecordedEvent))
    return [event for classifier in classifiers for event in chain.events_of_classifier(classifier)]


def named_objects(events: Sequence[Event]) -> Iterator[NamedObject]:
    """The objects that events name and that a verification reads: documents only of the diagnoses' models, and no
    statement of a sealed diagnosis, which is never published."""
    diagnoses = [event for event in events if isinstance(event, DiagnosisRecordedEvent)]
    models = {diagnosis.model_id for diagnosis in diagnoses}
    sealed = {diagnosis.diagnosis_id for diagnosis in diagnoses if diagnosis.label == SEALED_LABEL}
    for event in events:
        if isinstance(event, ImageRegisteredEvent):
            yield NamedObject(event.cid, MAX_IMAGE_BYTES, Need.IMAGE)
        elif isinstance(event, DiagnosisRecordedEvent):
            need = Need.SEALED if event.label == SEALED_LABEL else Need.REQUIRED
            yield NamedObject(raw_cid(event.manifest_hash), MAX_MANIFEST_BYTES, need)
        elif isinstance(event, DiagnosisReviewedEvent) and event.diagnosis_id not in sealed:
            yield NamedObject(raw_cid(event.reason_hash), MAX_STATEMENT_BYTES, Need.DOCUMENT)
        elif isinstance(event, ModelRegisteredEvent) and event.model_id in models:
            yield NamedObject(event.card_cid, MAX_DOCUMENT_BYTES, Need.DOCUMENT)
        elif isinstance(event, TrainingAnchoredEvent) and event.model_id in models:
            yield NamedObject(raw_cid(event.training_id), MAX_DOCUMENT_BYTES, Need.DOCUMENT)
            yield NamedObject(raw_cid(event.metrics_hash), MAX_DOCUMENT_BYTES, Need.DOCUMENT)


def described(event: Event) -> dict[str, object]:
    """The event's fields in camelCase, with the contract's name of the event; without the log index, which the node
    counts and nobody can prove, and without what a former contract does not say."""
    fields = {name: value for name, value in asdict(event).items() if value is not None}
    del fields["log_index"]
    name = type(event).__name__.removesuffix("Event")
    return {"event": name, **{camel_case(field): value for field, value in fields.items()}}
