"""What the services need from the outside, as protocols. Adapters implement them; ``wiring.py`` chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from backend.domain import (
    BlockRef,
    Checkpoint,
    Classification,
    Diagnosis,
    DiagnosisRecordedEvent,
    DiagnosisStatus,
    Event,
    ImageFacts,
    LedgerEntry,
    ModelDescription,
    ModelDocuments,
    ModelEvent,
    ModelFacts,
    Outline,
    Recognition,
    Record,
    RecordEvent,
    RecordFilter,
    RegisteredState,
    Review,
    SealedManifest,
    SentTransaction,
    SignedDiagnosis,
    StoredObject,
    Training,
    TransactionStatus,
)

if TYPE_CHECKING:
    from ml.inference.prediction import Prediction


class ObjectReader(Protocol):
    """The reading half of an ObjectStore."""

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """The bytes of ``cid``, re-hashed before they are returned.

        Raises InvalidCid, NotFound, StorageUnavailable, StorageRefused, CidMismatch; ImageTooLarge past ``max_bytes``.
        """


class ObjectStore(ObjectReader, Protocol):
    """IPFS: content-addressed bytes. Every CID is CIDv1 base32 with the layout of ``backend.adapters.ipfs.unixfs``."""

    name: str
    public: bool
    """Whether anybody can read what is pinned, through any gateway of IPFS."""

    def put(self, content: bytes, *, name: str, media_type: str) -> StoredObject:
        """Pin ``content``; putting the same bytes twice gives the same CID and stores them once.

        Returns only after the bytes were read back and re-hashed.
        Raises StorageUnavailable, StorageRefused, CidMismatch.
        """

    def has(self, cid: str) -> bool:
        """Whether this store itself holds ``cid``."""

    def delete(self, stored: StoredObject) -> None:
        """Unpin; deleting what is not there is no error."""

    def check(self) -> None:
        """Cheap readiness probe. Raises StorageUnavailable or StorageRefused."""


class Classifier(Protocol):
    """The installed models that classify image bytes."""

    decoding: int
    """The version of the rules by which it makes pixels of an image's bytes."""

    def models(self) -> Sequence[ModelDescription]:
        """The models that a person may choose, the default first."""

    def known(self) -> Sequence[ModelDescription]:
        """Those, and the retired ones: every model whose records can be read here."""

    def describe(self, sha256: str) -> ModelDescription | None:
        """The model with this identity, also a retired one; None where it is not installed."""

    def resolve(self, name: str | None) -> ModelFacts:
        """The named model, or the default one. Raises NotFound, also for a model that does not classify;
        ClassificationFailed."""

    def gate(self) -> ModelFacts | None:
        """The model that recognises the modality of an image, None where there is none."""

    def recognise(self, gate: ModelFacts, image: bytes) -> str | None:
        """The modality of an image, None for one that no model is for.

        Raises UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """

    def for_modality(self, modality: str) -> ModelFacts:
        """The default model for a modality. Raises NotFound, ClassificationFailed."""

    def preprocessing(self, model: ModelFacts) -> dict[str, Any]:
        """``{"id", "temperature"}`` for the manifest."""

    def predict(self, model: ModelFacts, image: bytes) -> tuple[Prediction, bytes | None]:
        """The prediction, and the activation map as a small PNG to scale up over the image.

        Raises UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """


class ModelCatalogue(Protocol):
    """The installed models and what is published of them."""

    def identities(self) -> Mapping[str, str]:
        """SHA-256 of every installed bundle, by its name; not verified yet."""

    def documents(self, name: str) -> ModelDocuments:
        """What is published of that model, once its bundle is verified. Raises NotFound, ClassificationFailed."""


class Outliner(Protocol):
    """A registry of models that outline tumours."""

    def outline(self, modality: str, image: bytes) -> Outline | None:
        """What the model for that modality outlines, None where there is no such model; it is not told whether there is
        a tumour. Raises UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """


class ImageInspector(Protocol):
    """``max_bytes``, ``max_pixels`` and ``media_types`` are the limits that ``accept`` checks."""

    max_bytes: int
    max_pixels: int
    media_types: Sequence[str]

    def accept(self, content: bytes) -> tuple[bytes, ImageFacts]:
        """Sniff the true type, check the limits, strip metadata. Returns the bytes to pin and their facts.

        Raises UnsupportedImage, ImageTooLarge.
        """


class DiagnosisSigner(Protocol):
    """Holds the classifier's key; the key itself never leaves it."""

    address: str

    def sign(self, diagnosis: Diagnosis, *, chain_id: int, contract: str) -> SignedDiagnosis:
        """EIP-712 signature."""


class Chain(Protocol):
    """Read access to one registry contract on one chain."""

    chain_id: int
    contract: str
    start_block: int
    development: bool
    """Whether the chain is a single node's, for development: what that node does not have does not exist."""

    def image_id(self, uploader: str, cid: str) -> str:
        """keccak256(abi.encode(uploader, cid)), computed locally."""

    def head(self) -> BlockRef:
        """The newest block. Raises ChainUnavailable."""

    def block(self, number: int) -> BlockRef | None:
        """The block of that number on the chain as the node sees it now, or None past its head."""

    def events(self, first: int, last: int) -> Sequence[Event]:
        """Events of the blocks ``first`` to ``last`` (both included) in chain order. Raises ChainUnavailable."""

    def events_of_image(self, image_id: str) -> Sequence[RecordEvent]:
        """All events of one image, in chain order. Raises ChainUnavailable."""

    def events_of_model(self, model_id: str) -> Sequence[ModelEvent]:
        """When a model was registered, retired and anchored, in chain order. Raises ChainUnavailable."""

    def model_states(self, model_ids: Sequence[str]) -> Sequence[RegisteredState]:
        """What the registry holds of each model (0x and SHA-256) now. Raises ChainUnavailable."""

    def events_of_transaction(self, hash_: str) -> Sequence[Event]:
        """The registry's events in one mined, successful transaction; empty if there is none such."""

    def transaction(
        self, hash_: str, *, confirmations: int, sender: str | None = None, nonce: int | None = None
    ) -> TransactionStatus:
        """Where a transaction stands; ``confirmed`` from ``confirmations`` blocks on.

        With ``sender`` and ``nonce``, a hash unknown to the node whose nonce is used up is ``replaced``.
        """

    def roles(self, role: str, address: str) -> Sequence[tuple[int, int, bool]]:
        """History of a role for ``address``: (block number, log index, granted) in chain order.

        ``role``: "CLASSIFIER_ROLE", "CLINICIAN_ROLE" or "MODEL_ADMIN_ROLE".
        """


class ModelAdmin(Protocol):
    """An account that registers models. Each method waits until its transaction is mined, and raises Conflict with the
    contract's reason, WrongChain, ChainUnavailable."""

    address: str

    def register_model(self, model_id: str, card_cid: str) -> SentTransaction: ...

    def retire_model(self, model_id: str) -> SentTransaction: ...

    def anchor_training(self, training: Training) -> SentTransaction: ...


class Reviewer(Protocol):
    """An account that reviews diagnoses."""

    address: str

    def review(self, diagnosis: DiagnosisRecordedEvent, review: Review) -> SentTransaction:
        """Wait until it is mined. Raises Conflict with the contract's reason, WrongChain, ChainUnavailable."""


class StatementFiles(Protocol):
    """Statements of the reviews that are made on this machine; files by their paths. Raise ConfigurationError."""

    def of(self, diagnosis_id: str) -> Sequence[tuple[str, bytes]]:
        """File and content of each statement about a diagnosis."""

    def save(self, diagnosis_id: str, content: bytes) -> str:
        """Write a new file, on disk when this returns; its path."""

    def remove(self, file: str) -> None: ...


class Images(Protocol):
    """The uploads that were pinned, and the bytes kept for each client address."""

    def find(self, cid: str) -> ImageFacts | None: ...

    def known(self, cids: Sequence[str]) -> frozenset[str]:
        """Those of ``cids`` that ``find`` would find."""

    def reserve(self, client: str, size: int, limit: int) -> bool:
        """Count ``size`` bytes for ``client`` unless that would pass ``limit``; atomic over threads and processes."""

    def release(self, client: str, size: int) -> None:
        """Take a reservation back; never below nothing."""

    def add(self, facts: ImageFacts, pin_id: str | None, client: str) -> bool:
        """Keep a pinned image; False when it was known already."""

    def recount(self) -> None:
        """Set every client's bytes to what is kept: heals reservations of a process that was killed."""


class Classifications(Protocol):
    """One public classification for each image, decoding and model, the modality that a gate recognised in each image,
    the sealed manifests that were made here, and the newest attestation of each."""

    def find(self, cid: str, decoding: int, model_sha256: str) -> Classification | None: ...

    def of_manifest(self, manifest_hash: str) -> Classification | None: ...

    def add(self, classification: Classification) -> bool:
        """False when this image, decoding and model have one already."""

    def recognition(self, cid: str, decoding: int, gate_sha256: str) -> Recognition | None:
        """What the gate said of that image; None where it was not asked."""

    def add_recognition(self, recognition: Recognition) -> None:
        """The same one again changes nothing."""

    def add_sealed(self, sealed: SealedManifest) -> None:
        """Remember that this sealed manifest was made here. Its hash is new, as its salt is."""

    def sealed(self, manifest_hash: str) -> SealedManifest | None: ...

    def attestation(self, manifest_hash: str, image_id: str, chain_id: int, contract: str) -> SignedDiagnosis | None:
        """The newest attestation of that manifest for that image id, chain and contract."""

    def save_attestation(self, signed: SignedDiagnosis) -> None:
        """Keep it in place of an older one."""


class Statements(Protocol):
    """Copies of the published statements of reviews, by their SHA-256 (0x-hex, lower case)."""

    def find(self, reason_hash: str) -> bytes | None: ...

    def add(self, reason_hash: str, content: bytes) -> bool:
        """False when it is here already."""


class EventStore(Protocol):
    """Copies of the chain's events. A ledger is one contract on one chain."""

    def ledger(self, chain_id: int, contract: str) -> int:
        """The id of that ledger, made if it is new."""

    def checkpoints(self, ledger: int) -> Sequence[Checkpoint]:
        """Newest first."""

    def advance(self, ledger: int, previous: Checkpoint | None, upto: Checkpoint, events: Sequence[Event]) -> bool:
        """Add the events between two checkpoints in one transaction.

        False, and nothing is changed, when ``previous`` is not the newest checkpoint: somebody else was faster.
        """

    def rewind(self, ledger: int, newest: Checkpoint, ancestor: Checkpoint | None) -> bool:
        """Drop everything above ``ancestor``; False as in ``advance`` when ``newest`` is not the newest checkpoint."""

    def find(self, ledger: int, image_id: str) -> Record | None: ...

    def find_review(self, ledger: int, review_id: str) -> Record | None:
        """The record that holds that review."""

    def events_of_model(self, ledger: int, model_id: str) -> Sequence[ModelEvent]:
        """When a model was registered, retired and anchored, in chain order."""

    def entries(self, ledger: int, limit: int, before: tuple[int, int] | None) -> Sequence[LedgerEntry]:
        """Events of all kinds, newest first, after the position ``before`` (block number, log index).

        A review of a diagnosis that was never recorded is left out.
        """

    def search(self, ledger: int, wanted: RecordFilter, limit: int, before: tuple[int, int] | None) -> Sequence[Record]:
        """Records by newest registration first, after the position ``before`` (block number, log index)."""

    def queue(
        self, ledger: int, status: DiagnosisStatus, limit: int, after: tuple[int, int] | None
    ) -> Sequence[Record]:
        """Diagnoses of that status, oldest first, after the position ``after``: of each a record with it alone."""
