"""What ScanProof talks about: images, manifests, diagnoses, records. Plain frozen values; no I/O, no third party."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
    image_id: str
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


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verification: what was expected, what was found."""

    name: str
    passed: bool
    expected: str
    found: str


Event = ImageRegisteredEvent | DiagnosisRecordedEvent


@dataclass(frozen=True, slots=True)
class Record:
    """An image on the chain with its diagnoses, oldest first."""

    image: ImageRegisteredEvent
    diagnoses: tuple[DiagnosisRecordedEvent, ...]


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
