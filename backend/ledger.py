"""What the contract wrote, one event after another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.domain import BlockRef, Verdict


class LedgerKind(StrEnum):
    """The contract's events, by their names."""

    IMAGE_REGISTERED = "imageRegistered"
    DIAGNOSIS_RECORDED = "diagnosisRecorded"
    DIAGNOSIS_REVIEWED = "diagnosisReviewed"
    MODEL_REGISTERED = "modelRegistered"
    MODEL_RETIRED = "modelRetired"
    TRAINING_ANCHORED = "trainingAnchored"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One event in few words. ``who`` is the account that acted, of a diagnosis its classifier.

    ``image_id`` is None where the event is of no image, ``model_id`` for a registered image; that of a review is the
    reviewed diagnosis'. ``label``, ``confidence`` (basis points) and ``verdict`` are None where the event has none.
    """

    kind: LedgerKind
    who: str
    image_id: str | None
    model_id: str | None
    label: int | None
    confidence: int | None
    verdict: Verdict | None
    transaction_hash: str
    log_index: int
    block: BlockRef
