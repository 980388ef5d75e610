"""What ScanProof talks about: images, manifests, diagnoses, records. Plain frozen values; no I/O, no third party."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

SEALED_LABEL = 65_535
"""On-chain label code of a sealed diagnosis (IImageRegistry.SEALED): label and confidence are in its manifest alone."""

MAX_IMAGE_BYTES = 25 * 1024 * 1024
"""Of an upload, and of what is pinned of it."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A pinned object. ``pin_id`` is the store's own id for it (Pinata's file id), needed to delete it."""

    cid: str
    size: int
    pin_id: str | None = None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An accepted upload after sniffing and stripping. ``sha256`` is lower-case hex of the bytes that are pinned."""

    cid: str
    sha256: str
    size: int
    width: int
    height: int
    media_type: str
    stripped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The identity of a model. ``sha256`` is the bundle's SHA-256 in lower-case hex: the on-chain ``modelId``."""

    name: str
    version: str
    sha256: str
    modality: str


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """``label`` is the name and ``code`` the number of a class, ``text`` what people read."""

    label: str
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What the page shows of a model. ``weak``: why not to rely on it, where there is reason to say so.

    ``metrics`` are the figures of the bundle, ready for JSON; ``card`` is Markdown.
    """

    facts: ModelFacts
    kind: str
    architecture: str
    weak: str | None
    classes: tuple[ModelLabel, ...]
    metrics: Mapping[str, Any]
    card: str

    def to_json(self) -> dict[str, Any]:
        """The description with the model's identity on the same level, as the API and the command line give it."""
        return {
            **asdict(self.facts),
            "kind": self.kind,
            "architecture": self.architecture,
            "weak": self.weak,
            "classes": [asdict(each) for each in self.classes],
            "metrics": self.metrics,
            "card": self.card,
        }


@dataclass(frozen=True, slots=True)
class Classification:
    """A model's answer for one image, with its canonical manifest.

    ``label_code`` is 0 when the model abstained. ``confidence`` and all probabilities are in [0, 1].
    ``manifest`` is the canonical JSON (RFC 8785), ``manifest_hash`` its SHA-256 in lower-case hex and
    ``manifest_cid`` the CIDv1 (raw) of the same bytes. ``activation_map`` is a small PNG with transparency in the
    proportions of the image, or None. ``decoding`` is the version of the rules that made pixels of the image's bytes.
    """

    cid: str
    decoding: int
    model: ModelFacts
    label: str
    label_code: int
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    reason: str | None
    manifest: bytes
    manifest_hash: str
    manifest_cid: str
    activation_map: bytes | None


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a gate said of an image; ``modality`` is None where it recognised none that a model is for."""

    cid: str
    decoding: int
    gate_sha256: str
    modality: str | None


@dataclass(frozen=True, slots=True)
class SealedManifest:
    """All that is kept of a sealed classification: what it is of, and nothing of what was found."""

    manifest_hash: str
    cid: str
    model_sha256: str


@dataclass(frozen=True, slots=True)
class Outline:
    """Where ``model`` sees a tumour on an image, or the ``reason`` why nothing is outlined; None: no model was asked.

    ``contours`` are closed polygons of (x, y) in pixels of the original; what an odd number of them encloses belongs to
    the tumour. ``pixels`` is its area in pixels of the original, ``share`` that of the head's area in [0, 1],
    ``probability`` the model's mean inside it. ``overlay`` is a PNG with transparency.
    """

    model: ModelFacts | None
    reason: str | None
    contours: tuple[tuple[tuple[float, float], ...], ...] = ()
    pixels: int = 0
    share: float = 0.0
    probability: float = 0.0
    overlay: bytes | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The EIP-712 struct that the classifier signs (see IImageRegistry.Diagnosis).

    ``image_id``, ``model_id``, ``manifest_hash``: 0x-prefixed 32 bytes; ``confidence`` in basis points (0 to 10,000);
    ``issued_at`` in Unix seconds.
    """

    image_id: str
    model_id: str
    label: int
    confidence: int
    manifest_hash: str
    issued_at: int


@dataclass(frozen=True, slots=True)
class SignedDiagnosis:
    """``signature`` is 65 bytes as 0x-hex, made by ``classifier`` for ``chain_id`` and ``contract``."""

    diagnosis: Diagnosis
    signature: str
    classifier: str
    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True)
class BlockRef:
    """``timestamp`` in Unix seconds; ``hash`` 0x-prefixed."""

    number: int
    hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class ImageRegisteredEvent:
    image_id: str
    uploader: str
    cid: str
    commitment: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class DiagnosisRecordedEvent:
    """``diagnosis_id`` is the EIP-712 digest that the classifier signed, computed from the other fields."""

    image_id: str
    diagnosis_id: str
    model_id: str
    classifier: str
    label: int
    confidence: int
    manifest_hash: str
    issued_at: int
    signature: str
    transaction_hash: str
    log_index: int
    block: BlockRef


class Verdict(StrEnum):
    """What a review says, in the order of IImageRegistry.Verdict."""

    CONFIRMED = "confirmed"
    OVERRIDDEN = "overridden"
    WITHDRAWN = "withdrawn"


class DiagnosisStatus(StrEnum):
    """Where a diagnosis stands: without review it is what the classifier asserts, else what its newest review says."""

    ASSERTED = "asserted"
    CONFIRMED = "confirmed"
    OVERRIDDEN = "overridden"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class DiagnosisReviewedEvent:
    """``supersedes`` is the review before, or ``diagnosis_id`` for the first one. ``label`` holds from now on."""

    image_id: str
    diagnosis_id: str
    reviewer: str
    review_id: str
    supersedes: str
    reason_hash: str
    verdict: Verdict
    label: int
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class ModelRegisteredEvent:
    model_id: str
    admin: str
    card_cid: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class ModelRetiredEvent:
    model_id: str
    admin: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class TrainingAnchoredEvent:
    """``parent_model_id`` is what the training began from, 32 zero bytes for no model of the registry."""

    training_id: str
    model_id: str
    parent_model_id: str
    metrics_hash: str
    participants: int
    admin: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verification: what was expected, what was found."""

    name: str
    passed: bool
    expected: str
    found: str


RecordEvent = ImageRegisteredEvent | DiagnosisRecordedEvent | DiagnosisReviewedEvent
ModelEvent = ModelRegisteredEvent | ModelRetiredEvent | TrainingAnchoredEvent
Event = RecordEvent | ModelEvent


def position(event: Event) -> tuple[int, int]:
    """Where it stands on the chain: block number, and index of its log in that block."""
    return event.block.number, event.log_index


@dataclass(frozen=True, slots=True)
class Record:
    """An image on the chain with its diagnoses and their reviews, oldest first.

    ``reviews`` may hold some of a diagnosis that was never recorded, which the contract cannot refuse; they count for
    nothing.
    """

    image: ImageRegisteredEvent
    diagnoses: tuple[DiagnosisRecordedEvent, ...]
    reviews: tuple[DiagnosisReviewedEvent, ...] = ()

    @classmethod
    def of(cls, events: Sequence[RecordEvent]) -> Record | None:
        """The events of one image in chain order as its record; None when it was not registered."""
        kinds = (ImageRegisteredEvent, DiagnosisRecordedEvent, DiagnosisReviewedEvent)
        images, *steps = (tuple(event for event in events if isinstance(event, kind)) for kind in kinds)
        return cls(images[0], *steps) if images else None

    def reviews_of(self, diagnosis: DiagnosisRecordedEvent) -> tuple[DiagnosisReviewedEvent, ...]:
        """The reviews of one diagnosis, oldest first; each supersedes the one before."""
        return tuple(review for review in self.reviews if review.diagnosis_id == diagnosis.diagnosis_id)

    def status_of(self, diagnosis: DiagnosisRecordedEvent) -> DiagnosisStatus:
        reviews = self.reviews_of(diagnosis)
        return DiagnosisStatus(reviews[-1].verdict) if reviews else DiagnosisStatus.ASSERTED

    def label_of(self, diagnosis: DiagnosisRecordedEvent) -> int | None:
        """The label code that holds now, None when the diagnosis was withdrawn."""
        reviews = self.reviews_of(diagnosis)
        if reviews and reviews[-1].verdict is Verdict.WITHDRAWN:
            return None
        return reviews[-1].label if reviews else diagnosis.label


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block up to which events were read; its hash tells later whether the chain was reorganised."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """``block`` is the newest block that was read, ``head`` the chain's newest; None when not known yet."""

    block: int | None
    head: int | None
    synced: bool


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


LabelCode = tuple[str, int]
"""A model id and a label code within that model."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Everything that is given must hold; ``models``, ``labels`` and ``status`` for one and the same diagnosis.

    ``text``, in lower case, is an image id, CID, uploader, model id or the hash of any transaction of the record; or a
    name, which stands for ``text_models`` or ``text_labels``. A label is found as the classifier gave it and as it
    holds now. The times are those of the registration's block in Unix seconds, both included.
    """

    text: str | None = None
    text_models: tuple[str, ...] = ()
    text_labels: tuple[LabelCode, ...] = ()
    models: tuple[str, ...] | None = None
    labels: tuple[LabelCode, ...] | None = None
    status: DiagnosisStatus | None = None
    first_time: int | None = None
    last_time: int | None = None


class ModelStatus(StrEnum):
    """Whether the registry takes diagnoses by a model, in the order of IModelRegistry.Status."""

    UNKNOWN = "unknown"
    IN_USE = "inUse"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class RegisteredState:
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
class ModelDocuments:
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
