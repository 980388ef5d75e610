"""What ScanProof talks about: images, manifests, diagnoses, records. Plain frozen values; no I/O, no third party."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

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
class Classification:
    """A model's answer for one image, with its canonical manifest.

    ``label_code`` is 0 when the model abstained. ``confidence`` and all probabilities are in [0, 1].
    ``manifest`` is the canonical JSON (RFC 8785), ``manifest_hash`` its SHA-256 in lower-case hex and
    ``manifest_cid`` the CIDv1 (raw) of the same bytes. ``activation_map`` is a PNG with transparency, or None.
    """

    cid: str
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
