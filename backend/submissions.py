"""What is sent to the registry, where it stands, and what the registry holds of a model. Plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.domain import BlockRef, ModelFacts, Verdict


class ModelStatus(StrEnum):
    """Whether the registry takes diagnoses by a model, in the order of IModelRegistry.Status."""

    UNKNOWN = "unknown"
    IN_USE = "inUse"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """What the registry holds of a model now; ``training_id`` is None while its training is not anchored."""

    status: ModelStatus
    training_id: str | None


@dataclass(frozen=True, slots=True)
class Training:
    """IModelRegistry.Training, its hashes 0x-prefixed; ``parent_model_id`` is None for no model of the registry."""

    training_id: str
    model_id: str
    parent_model_id: str | None
    metrics_hash: str
    participants: int


@dataclass(frozen=True, slots=True)
class ModelPapers:
    """What is published of an installed model: its card, and as canonical JSON its training record and its figures."""

    facts: ModelFacts
    card: bytes
    training: bytes
    metrics: bytes


@dataclass(frozen=True, slots=True)
class Review:
    """IImageRegistry.Review: ``label`` is the class code that holds from now on."""

    supersedes: str
    reason_hash: str
    verdict: Verdict
    label: int


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """A mined transaction; ``name`` is the function that it called."""

    name: str
    hash: str
    gas_used: int
    block: int


class TransactionState(StrEnum):
    UNKNOWN = "unknown"
    PENDING = "pending"
    MINED = "mined"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """``confirmations`` counts the block of the transaction itself: 1 means just mined."""

    hash: str
    state: TransactionState
    confirmations: int = 0
    block: BlockRef | None = None
    gas_used: int | None = None
    sender: str | None = None
    nonce: int | None = None
    revert_reason: str | None = None
