"""What the services need from the outside, as protocols. Adapters implement them; ``wiring.py`` chooses.

An adapter does not inherit from its protocol: mypy compares the two wherever ``wiring.py`` hands the adapter over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from backend.account_keys import AccountKey, KeyLogEntry, KeyWrap
from backend.accounts import (
    Account,
    AccountEvent,
    CodeGenerator,
    EventKind,
    Failures,
    LinkedWallet,
    Passkey,
    Purpose,
    Registration,
    RelyingParty,
    Session,
)
from backend.ancestry import Ancestry
from backend.domain import (
    BlockRange,
    BlockRef,
    Checkpoint,
    Classification,
    ClassifierCompromisedEvent,
    CleanDicom,
    DamagedRow,
    Diagnosis,
    DiagnosisRecordedEvent,
    DiagnosisStatus,
    DicomInstance,
    DicomReference,
    Event,
    GateOpinion,
    ImageFacts,
    ImageKind,
    IndexedEvent,
    KindFilter,
    KnownFile,
    LedgerEntry,
    LocalSlide,
    ModelDescription,
    ModelDocuments,
    ModelEvent,
    ModelFacts,
    Outline,
    PixelBytes,
    Preprocessing,
    QueueLimits,
    ReceivedSeries,
    Recognition,
    Record,
    RecordEvent,
    RecordFilter,
    Region,
    RegisteredState,
    RegistryState,
    Rendering,
    Review,
    RoleChange,
    SealedManifest,
    SentTransaction,
    SignedDiagnosis,
    SignedTransaction,
    Source,
    StateKeys,
    StoredImage,
    StoredObject,
    TextBox,
    Training,
    TransactionStatus,
)

if TYPE_CHECKING:
    from ml.inference.prediction import Prediction


class ObjectReader(Protocol):
    """Reads content-addressed objects."""

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """The bytes of ``cid``, re-hashed before they are returned.

        Raises InvalidCid, NotFound, StorageUnavailable, StorageRefused, CidMismatch; ObjectDamaged for one that is
        stored but lacks a block; ImageTooLarge past ``max_bytes``.
        """

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        """Write those bytes to ``target``, a new file that can be read and written, without having them in memory. What
        ``target`` has after an error is not to be used. Raises as ``get``.
        """


class ObjectStore(ObjectReader, Protocol):
    """IPFS: content-addressed bytes. Every CID is CIDv1 base32 with the layout of ``backend.adapters.ipfs.unixfs``."""

    name: str
    public: bool
    """Whether anybody can read pinned objects through any IPFS gateway."""

    def put(self, content: bytes, *, name: str, media_type: str) -> StoredObject:
        """Pin ``content``; putting the same bytes twice gives the same CID and stores them once.

        Returns only after the bytes were read back and re-hashed.
        Raises StorageUnavailable, StorageRefused, CidMismatch.
        """

    def put_file(self, file: BinaryIO, *, name: str, media_type: str) -> StoredObject:
        """As ``put`` for the whole of an open file, without having it in memory."""

    def has(self, cid: str) -> bool:
        """Whether ``cid`` is pinned in this store."""

    def delete(self, stored: StoredObject) -> None:
        """Unpin. Does nothing when it is not pinned."""

    def check(self) -> None:
        """Cheap readiness probe. Raises StorageUnavailable or StorageRefused."""


class BlockAudit(Protocol):
    """What a scrub does with a store of blocks. Every method raises StorageUnavailable."""

    def objects(self) -> Sequence[str]:
        """The CIDs of the pinned files."""

    def damage(self, cid: str) -> Sequence[str]:
        """A sentence for each missing or damaged block of a file, as far as whole blocks lead to them."""

    def adopt(self, cid: str) -> None:
        """Pin a file whose blocks are all there."""

    def collect(self, kept: Collection[str], *, older_than_s: float, dry_run: bool) -> tuple[int, int]:
        """Remove blocks that belong to no pinned file and to none of ``kept``: how many, and their bytes.

        Blocks that are younger, or that are being written, stay. With ``dry_run`` nothing is removed.
        """


class RowAudit(Protocol):
    """What a scrub does with the stored rows. Every method raises DatabaseUnavailable."""

    def structure(self) -> Sequence[str]:
        """What the database's own check finds."""

    def rebuild_indexes(self) -> None: ...

    def tables(self) -> Sequence[str]:
        """The tables whose rows have a checksum."""

    def damaged(self, table: str, after: object) -> tuple[Sequence[DamagedRow], int, object]:
        """Among the next rows, in the order of storage, those whose checksum is wrong; the number of rows read; where
        to continue, None at the end. ``after`` is None at the beginning."""

    def correct(self, row: DamagedRow) -> bool:
        """Write the row as it was, if the checksum proves which single bit changed."""

    def discard(self, row: DamagedRow) -> str | None:
        """Remove the row if its content can be made again: how. None, and nothing is done, if it cannot."""

    def restore_image(self, row: DamagedRow, facts: ImageFacts) -> None:
        """Write the facts of an image into its row; client and pin stay as they are."""

    def named(self) -> Sequence[str]:
        """The CIDs of the objects that rows name: images and manifests."""

    def copy(self, cid: str) -> bytes | None:
        """The database's own copy of a manifest or statement."""

    def differing(self, ledger: int, first: int, last: int, events: Sequence[IndexedEvent]) -> Sequence[str]:
        """The places at which the stored events of the blocks ``first`` to ``last`` are not ``events``."""

    def replace(self, ledger: int, first: int, last: int, events: Sequence[IndexedEvent]) -> None:
        """Store ``events`` in place of those of the blocks ``first`` to ``last``."""

    def strays(self, ledger: int, first: int) -> Sequence[str]:
        """The places of events before the block ``first``, after the newest checkpoint, or of no ledger."""

    def remove_strays(self, ledger: int, first: int) -> None: ...


class Classifier(Protocol):
    """The installed models that classify image bytes."""

    decoding: int
    """The newest version of the rules that decode an image's bytes to pixels."""

    def models(self) -> Sequence[ModelDescription]:
        """The models that a person can choose, the default first."""

    def known(self) -> Sequence[ModelDescription]:
        """Those, and the retired ones: every model whose records can be read here."""

    def describe(self, sha256: str) -> ModelDescription | None:
        """The installed model with this SHA-256, retired ones included; None if there is none."""

    def file(self, sha256: str, name: str) -> bytes | None:
        """A file of the bundle of an offered model, verified; None for a name that the bundle does not list. Its
        listing is one of the files. Raises NotFound, also for a retired model; ClassificationFailed."""

    def resolve(self, name: str | None) -> ModelFacts:
        """The named model, or the default one. Raises NotFound, also for a model that is not a classifier;
        ClassificationFailed."""

    def gate(self) -> ModelFacts | None:
        """The model that recognises the modality of an image, None if none is installed."""

    def recognise(self, gate: ModelFacts, image: bytes, decoding: int | None = None) -> GateOpinion:
        """The gate's opinion of an image. ``decoding`` is the version that decodes it, the newest by default.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy, ClassificationFailed.
        """

    def for_modality(self, modality: str) -> ModelFacts:
        """The default model for a modality. Raises NotFound, ClassificationFailed."""

    def preprocessing(self, model: ModelFacts) -> Preprocessing: ...

    def magnification(self, model: ModelFacts) -> int | None:
        """The magnification of the microscope that the model knows; None for images without one."""

    def least_confidence(self, model: ModelFacts) -> float | None:
        """The confidence in [0, 1] below which the model gives no answer; None for one without such a limit."""

    def predict(self, model: ModelFacts, image: bytes, decoding: int | None = None) -> tuple[Prediction, bytes | None]:
        """The prediction, and the activation map as a small PNG, to be scaled to the image's size. That of a gate is
        an abstention whatever it recognises: a modality is no diagnosis. ``decoding`` as in ``recognise``.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy, ClassificationFailed.
        """


class ModelCatalogue(Protocol):
    """The installed models and their published documents."""

    def identities(self) -> Mapping[str, str]:
        """SHA-256 of every installed bundle, by its name; the bundle's files are not verified yet."""

    def retired_identities(self) -> Mapping[str, str]:
        """SHA-256 of every retired bundle, by its name: models that are no longer offered."""

    def documents(self, name: str) -> ModelDocuments:
        """The published documents of that model, after verifying its bundle. Raises NotFound, ClassificationFailed."""


class Outliner(Protocol):
    """The installed models that outline tumours."""

    def outline(self, modality: str, image: bytes) -> Outline | None:
        """The outline by the model for that modality, None if none is installed. The model does not know whether the
        image shows a tumour. Raises UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """


class ImageInspector(Protocol):
    """Checks an upload and removes its metadata. The attributes are the limits that ``accept`` checks."""

    max_bytes: int
    max_pixels: int
    media_types: Sequence[str]

    def accept(self, content: bytes) -> tuple[bytes, ImageFacts]:
        """Detect the file's type from its content, check the limits, strip metadata: the bytes to pin, and their facts.

        Raises UnsupportedImage, ImageTooLarge, IdentifiersLeft, ServerBusy.
        """

    def split(self, content: bytes) -> Sequence[bytes]:
        """The frames of a de-identified DICOM file, each as a file of its own; none for a file of one frame.

        Raises IdentifiersLeft, UnsupportedImage, ImageTooLarge, ServerBusy.
        """

    def identify(self, content: bytes) -> ImageFacts:
        """The facts of pinned bytes, also of those that an earlier release accepted and ``accept`` would refuse now.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy.
        """

    def mask(self, content: bytes, boxes: Sequence[TextBox]) -> tuple[bytes, ImageFacts]:
        """Accepted bytes with the places ``boxes`` made black, and their facts; a PNG of the same depth.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy.
        """

    def render(self, content: bytes, rendering: Rendering) -> bytes:
        """The picture of a DICOM file as the models see it. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""

    def view(self, content: bytes) -> bytes | None:
        """The pixels of pinned bytes as the models see them, as an 8-bit PNG; None where browsers show the bytes alike.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy.
        """


class SlideInspector(Protocol):
    """Checks whole-slide images that are files of this machine."""

    max_bytes: int

    def inspect(self, path: Path) -> ImageFacts:
        """The facts of a slide in which nothing may identify anybody.

        Raises UnsupportedImage, ImageTooLarge, IdentifiersLeft, ServerBusy.
        """


class SlideReader(Protocol):
    """Reads whole-slide images by region. Every method raises UnsupportedImage, ImageTooLarge, ServerBusy."""

    def region(self, slide: LocalSlide, region: Region, size: tuple[int, int]) -> bytes:
        """A region as an RGB PNG of ``size``, (width, height)."""

    def tile(self, slide: LocalSlide, level: int, column: int, row: int) -> bytes:
        """A tile of ``backend.slide_grid`` as a JPEG. Raises NotFound outside the grid."""

    def preview(self, slide: LocalSlide, side: int) -> bytes:
        """The whole slide as a PNG, ``side`` pixels at most."""

    def fields(self, slide: LocalSlide, size: tuple[int, int], most: int) -> Sequence[Region]:
        """At most ``most`` regions of ``size`` in a fixed grid, those with the most tissue, in the order of rows."""


class SlideCopies(Protocol):
    """Files of this machine with the bytes of slides."""

    def new(self, size: int = 0) -> AbstractContextManager[BinaryIO]:
        """A new file with a name, for a slide of about so many bytes; it is removed afterwards. Its methods, too, raise
        StorageUnavailable and StorageFull."""

    def open(self, cid: str, *, max_bytes: int, anew: bool = False) -> AbstractContextManager[Path]:
        """A file whose bytes have that CID; do not change it. ``anew``, they are fetched from the store although there
        is one. Raises as ``ObjectReader.copy``, and ServerBusy,
        StorageFull."""


class DicomReader(Protocol):
    """Reads what objects that refer to an image must repeat, and the pixels of one."""

    def reference(self, content: bytes) -> DicomReference | None:
        """None for bytes that are no DICOM file. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""

    def pixels(self, content: bytes, *, decoded: bool) -> PixelBytes:
        """Those of a DICOM file of one frame as they are stored, or ``decoded``, in Explicit VR Little Endian.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy.
        """


class TextFinder(Protocol):
    """Looks for text that is part of a picture."""

    def find(self, content: bytes) -> Sequence[TextBox]:
        """The places of texts in accepted bytes. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""


class DiagnosisSigner(Protocol):
    """Signs with the classifier's private key, which it never gives away. ``address`` is that of the key."""

    address: str

    def sign(self, diagnosis: Diagnosis, *, chain_id: int, contract: str) -> SignedDiagnosis:
        """The diagnosis with its EIP-712 signature."""

    def sign_credential(self, credential: Mapping[str, Any]) -> str:
        """A Verifiable Credential 2.0, whose issuer is this key, as a JWT (W3C VC-JOSE-COSE) signed by ES256K."""


class RegistryHistory(Protocol):
    """What one registry contract wrote on its chain: all that a verification reads."""

    chain_id: int
    contract: str

    def image_id(self, uploader: str, cid: str) -> str:
        """keccak256(abi.encode(uploader, cid)), computed locally."""

    def blocks(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        """The blocks of these numbers, in few requests; None where there is none. Raises ChainUnavailable."""

    def events_of_image(self, image_id: str) -> Sequence[RecordEvent]:
        """All events of one image, in chain order. Raises ChainUnavailable."""

    def ancestry(self, model_id: str) -> Ancestry:
        """The registration, retirement and anchored training of a model and of those that it was trained from. Raises
        ChainUnavailable."""

    def events_of_classifier(self, address: str) -> Sequence[ClassifierCompromisedEvent]:
        """The reports that a classifier's key is compromised, in chain order; none on a registry that takes no report.
        Raises ChainUnavailable."""

    def events_of_transaction(self, hash_: str) -> Sequence[Event]:
        """The registry's events in one mined, successful transaction; empty if it has none."""

    def roles(self, role: str, address: str) -> Sequence[RoleChange]:
        """History of a role for ``address``, in chain order.

        ``role``: "CLASSIFIER_ROLE", "CLINICIAN_ROLE" or "MODEL_ADMIN_ROLE".
        """

    def state_block(self) -> BlockRef | None:
        """The newest block whose state ``state`` gives, None where no state can be had. Raises ChainUnavailable."""

    def state(self, keys: StateKeys, block: BlockRef) -> RegistryState | None:
        """What the registry stored at the end of ``block``, None where that is not proven. Raises ChainUnavailable."""

    def signed_transactions(self, hashes: Sequence[str]) -> Sequence[SignedTransaction | None]:
        """The transactions with these hashes, from their bytes, in few requests; None where they are not available or
        carry no signature. Raises ChainUnavailable.
        """


class Chain(RegistryHistory, Protocol):
    """Read access to one registry contract through a node."""

    start_block: int
    """The block of the contract's deployment, or one before it: reading begins there."""
    development: bool
    """Whether the chain has a single node, for development: a block that this node lacks does not exist."""

    def head(self) -> BlockRef:
        """The newest block. Raises ChainUnavailable."""

    def read(self, first: int, last: int) -> BlockRange | None:
        """The events of the blocks ``first`` to ``last``, proven complete; None when the node lacks one of the blocks.

        Raises LogsIncomplete when the node does not show all events yet, ChainUnavailable.
        """

    def events_in(self, numbers: Sequence[int]) -> Sequence[Event]:
        """The events that the node shows in these blocks, in chain order, in few requests. Raises ChainUnavailable,
        also when the node does not have one of the blocks."""

    def model_events_in(self, blocks: Collection[BlockRef]) -> Sequence[ModelEvent]:
        """The events of models in these blocks, in chain order, in few requests. Raises ChainUnavailable, also when the
        node does not have one of the blocks."""

    def image_states(self, image_ids: Sequence[str]) -> Sequence[StoredImage | None]:
        """What the contract stores now of each image, None for one that is not registered. Raises ChainUnavailable."""

    def newest_reviews(self, diagnosis_ids: Sequence[str]) -> Sequence[str | None]:
        """The id of the newest review of each diagnosis now, None for one without. Raises ChainUnavailable."""

    def compromised_since(self, classifier: str) -> int | None:
        """Since when that key is reported as compromised, in Unix seconds, as the contract stores it now; None without
        a report. Raises ChainUnavailable."""

    def has_role(self, role: str, address: str) -> bool:
        """Whether ``address`` has the role now; ``role`` as in ``roles``. Raises ChainUnavailable."""

    def time(self) -> int:
        """The chain's time in Unix seconds: that of its newest block, or of the node's clock if that is later, because
        a chain without transactions may have an old head. Raises ChainUnavailable."""

    def model_states(self, model_ids: Sequence[str]) -> Sequence[RegisteredState]:
        """The registry's state of each model (0x and SHA-256) now. Raises ChainUnavailable."""

    def transaction(
        self, hash_: str, *, confirmations: int, sender: str | None = None, nonce: int | None = None
    ) -> TransactionStatus:
        """The state of a transaction; ``confirmed`` from ``confirmations`` blocks on.

        With ``sender`` and ``nonce``, a hash unknown to the node whose nonce is used up is ``replaced``.
        """


class ModelAdmin(Protocol):
    """An account that registers models. Each method returns when its transaction is mined, and raises Conflict with
    the contract's reason, WrongChain, ChainUnavailable."""

    address: str

    def register_model(self, model_id: str, labels: int, card_cid: str) -> SentTransaction:
        """``labels`` is the number of the model's class codes, which are 1 to that number."""

    def retire_model(self, model_id: str) -> SentTransaction: ...

    def anchor_training(self, training: Training) -> SentTransaction: ...


class Reviewer(Protocol):
    """An account that reviews diagnoses."""

    address: str

    def review(self, diagnosis: DiagnosisRecordedEvent, review: Review) -> SentTransaction:
        """Returns when the transaction is mined. Raises Conflict with the contract's reason, WrongChain,
        ChainUnavailable."""


class StatementFiles(Protocol):
    """Statements of the reviews that are made on this machine, as files. Every method raises ConfigurationError."""

    def of(self, diagnosis_id: str) -> Sequence[tuple[str, bytes]]:
        """Path and content of each statement about a diagnosis."""

    def save(self, diagnosis_id: str, content: bytes) -> str:
        """Write a new file, synced to disk when this returns; its path."""

    def remove(self, file: str) -> None: ...


class Images(Protocol):
    """The pinned uploads, and the number of bytes stored for each client address."""

    def find(self, cid: str) -> ImageFacts | None: ...

    def known(self, cids: Sequence[str]) -> frozenset[str]:
        """The subset of ``cids`` that ``find`` finds."""

    def reserve(self, client: str, size: int, limit: int) -> bool:
        """Add ``size`` bytes to the count of ``client`` unless it would pass ``limit``: whether they were added. Atomic
        across threads and processes."""

    def release(self, client: str, size: int) -> None:
        """Undo a reservation. The count never goes below zero."""

    def add(self, facts: ImageFacts, pin_id: str | None, client: str) -> bool:
        """Store the facts of a pinned image; False when they were stored before."""

    def recount(self) -> None:
        """Compute every client's count from the stored images. Removes the reservations of a killed process."""


class Classifications(Protocol):
    """One public classification for each image, decoding version and model; the modality of each image by each gate;
    the identities of sealed manifests; the newest attestation of each manifest."""

    def find(self, cid: str, decoding: int, model_sha256: str) -> Classification | None: ...

    def of_manifest(self, manifest_hash: str) -> Classification | None: ...

    def add(self, classification: Classification, features: bytes | None = None) -> bool:
        """Store it with the features of the image, see ``Kinds.features``, unless these are stored. False when this
        image, decoding version and model have one already."""

    def replace(self, former: Classification, classification: Classification, features: bytes | None = None) -> bool:
        """As ``add``, in place of ``former``; False when that is not stored any more."""

    def recognition(self, cid: str, decoding: int, gate_sha256: str) -> Recognition | None:
        """The gate's output for that image; None when the gate was not run on it."""

    def add_recognition(self, recognition: Recognition, change: Callable[[ImageKind], ImageKind]) -> None:
        """Store it, unless it is stored, and what follows from it for the kind of the image, if that is stored."""

    def add_sealed(self, sealed: SealedManifest) -> None:
        """Store that this server made this sealed manifest. Its hash is new, because its salt is."""

    def sealed(self, manifest_hash: str) -> SealedManifest | None: ...

    def attestation(self, manifest_hash: str, image_id: str, chain_id: int, contract: str) -> SignedDiagnosis | None:
        """The newest attestation of that manifest for that image id, chain and contract."""

    def save_attestation(self, signed: SignedDiagnosis) -> None:
        """Store it in place of an older one."""


class Studies(Protocol):
    """Copies of the manifests of pinned studies."""

    def add(self, manifest_hash: str, manifest: bytes, named: tuple[str, str]) -> None:
        """Store a study manifest by its SHA-256 (0x-hex); ``named`` are the CIDs of its slice list and slice manifests.
        Does nothing when it is stored already."""

    def find(self, cid: str) -> bytes | None:
        """The study manifest with that CID."""

    def known(self, cids: Sequence[str]) -> frozenset[str]:
        """The subset of ``cids`` that ``find`` finds."""


class Kinds(Protocol):
    """The kinds of images and studies, and the features of public images, by the CID."""

    def find(self, cids: Sequence[str]) -> Mapping[str, ImageKind]:
        """The kinds that are stored of these, by CID."""

    def save(self, kinds: Sequence[ImageKind]) -> None:
        """Store these in place of older ones, all or none."""

    def change(self, absent: ImageKind, change: Callable[[ImageKind], ImageKind]) -> ImageKind:
        """Store what ``change`` makes of the kind that is stored, else of ``absent``, as one step."""

    def matching(self, wanted: KindFilter, limit: int) -> Sequence[ImageKind]:
        """The kinds that meet all conditions, in the order of their CIDs."""

    def without_kind(self, limit: int, after: str) -> Sequence[str]:
        """CIDs of stored images whose kind is not stored, in their order, those behind ``after``."""

    def features(self, cid: str, decoding: int, model_sha256: str) -> bytes | None:
        """The features of an image by a model, float16 in little-endian order."""

    def add_features(self, cid: str, decoding: int, model_sha256: str, features: bytes) -> None:
        """Does nothing when they are stored already."""

    def all_features(self, decoding: int, model_sha256: str, limit: int) -> Sequence[tuple[str, bytes]]:
        """CIDs and features of at most ``limit`` images."""


class StudyStage(Protocol):
    """Studies that are not pinned yet, each with a journal and files, on this machine. Ids and names are 64 hex digits.

    Every method raises StorageUnavailable.
    """

    def has(self, study_id: str) -> bool:
        """Whether the study is there, without reading what was appended."""

    def journal(self, study_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The entries in the order in which they were appended; None for a study that is not there."""

    def append(self, study_id: str, entry: Mapping[str, Any]) -> None:
        """Add an entry, ready for JSON. The first one makes the study."""

    def write(self, study_id: str, name: str, content: bytes) -> None:
        """Store a file, whole or not at all."""

    def read(self, study_id: str, name: str) -> bytes | None: ...

    def release(self, study_id: str) -> None:
        """Remove the files of a study, and keep its journal."""

    def remove(self, study_id: str) -> None: ...

    def expire(self, older_than_s: float) -> None:
        """Remove the studies to which nothing was appended for that long."""

    def size(self) -> int:
        """The bytes of all files of all studies."""


class DicomCleaner(Protocol):
    """Removes what identifies somebody from DICOM files, with this server's key."""

    def clean(self, content: bytes) -> CleanDicom:
        """The same file gives the same bytes and UIDs. Each picture was decoded, so that it is known to be whole.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy; ConfigurationError for a key that cannot be used.
        """

    def describe(self, content: bytes) -> DicomInstance:
        """Of a file that ``clean`` gave. Raises UnsupportedImage, ImageTooLarge, IdentifiersLeft, ServerBusy."""


class ReceivedFiles(Protocol):
    """De-identified files of the queue, by the id of their series and their SHA-256, both 64 hex digits.

    Every method raises StorageUnavailable.
    """

    def write(self, series_id: str, contents: Mapping[str, bytes]) -> None:
        """Store files by their SHA-256, each whole or not at all; they outlive a loss of power. Raises StorageFull
        while that would leave too little room on the disk."""

    def read(self, series_id: str, sha256: str) -> bytes | None:
        """None where it is not there, or has changed."""

    def remove(self, series_id: str, sha256: str) -> None:
        """Does nothing where it is not there."""

    def names(self) -> Mapping[tuple[str, str], float]:
        """When each file was written, in Unix seconds, by its series id and SHA-256."""

    def clear_drafts(self, *, older_than_s: float) -> None:
        """Remove what crashes left half written."""


class ReceivedRows(Protocol):
    """What is known of received files: the queue, and the DICOM files that left it for a record.

    Every method raises DatabaseUnavailable.
    """

    def add(
        self,
        series_id: str,
        instances: Sequence[DicomInstance],
        source: Source,
        now: int,
        limits: QueueLimits,
    ) -> bool:
        """Add files to their series, all or none, but those that are known; False where a SOP Instance UID is known
        with other bytes. Raises QueueFull."""

    def find(self, instance: str) -> KnownFile | None: ...

    def size(self) -> int:
        """The bytes of all files in the queue."""

    def series(self, series_id: str | None = None) -> Sequence[ReceivedSeries]:
        """The queue, the last arrival first, or one series of it."""

    def names(self) -> Mapping[tuple[str, str], str]:
        """The instance UID of each file in the queue, by its series id and SHA-256."""

    def files(self, series_id: str, study_id: str | None = None) -> Sequence[DicomInstance]:
        """The files of a series in the queue; of those, with ``study_id``, the ones that it was begun with."""

    def begin(self, series_id: str, instances: Sequence[str], study_id: str, cid: str | None) -> None:
        """Note that a study was begun with these files, or that ``cid`` is to be recorded."""

    def forget(self, series_id: str) -> None:
        """Note that no study is being made of a series."""

    def leave(self, series_id: str, recorded: Mapping[str, str], removed: Sequence[str]) -> None:
        """Take files out of the queue by their instance UIDs: ``recorded`` stay known, with their CIDs. A series
        without files goes too."""

    def catalogue(self, study: str | None = None) -> Iterator[tuple[DicomInstance, int]]:
        """One file of each series that is known, or of each of a study, and the number of its files, in the order of
        study and series UID. Only a few are in memory at a time, here and in ``instances``."""

    def instances(self, study: str | None = None, series: str | None = None) -> Iterator[KnownFile]:
        """The known files, or those of a study or series, in the order of study, series and instance UID."""

    def unseen(self, limit: int, after: str) -> Sequence[str]:
        """CIDs of pinned DICOM images that are neither known nor were looked at, in their order behind ``after``."""

    def see(self, cid: str, instance: DicomInstance | None) -> None:
        """Note what a pinned DICOM image is, None for one without the UIDs of an object. Of two with one SOP Instance
        UID, the first one stays."""


class Statements(Protocol):
    """Copies of the published statements of reviews, by their SHA-256 (0x-hex, lower case)."""

    def find(self, reason_hash: str) -> bytes | None: ...

    def add(self, reason_hash: str, content: bytes) -> bool:
        """False when it is stored already."""


class EventStore(Protocol):
    """Copies of the chain's events. A ledger is one contract on one chain."""

    def has_ledger(self, chain_id: int, contract: str) -> bool:
        """Whether that ledger was ever asked for. Raises DatabaseUnavailable."""

    def ledger(self, chain_id: int, contract: str) -> int:
        """The id of that ledger, created if it is new."""

    def checkpoints(self, ledger: int, limit: int | None = None) -> Sequence[Checkpoint]:
        """Newest first, all or at most ``limit``."""

    def advance(
        self, ledger: int, previous: Checkpoint | None, upto: Checkpoint, events: Sequence[IndexedEvent]
    ) -> bool:
        """Add the events between two checkpoints in one transaction.

        Returns False and changes nothing when ``previous`` is not the newest checkpoint: another process was faster.
        """

    def rewind(self, ledger: int, newest: Checkpoint, ancestor: Checkpoint | None) -> bool:
        """Delete everything above ``ancestor``; False as in ``advance`` if ``newest`` is not the newest checkpoint."""

    def find(self, ledger: int, image_id: str) -> Record | None: ...

    def find_review(self, ledger: int, review_id: str) -> Record | None:
        """The record that contains that review."""

    def blocks_of_image(self, ledger: int, image_id: str) -> Sequence[int]:
        """The numbers of the blocks with events of that image, ascending; also with reviews of no diagnosis of it."""

    def blocks_of_role(self, ledger: int, role: str, account: str) -> Sequence[int]:
        """The numbers of the blocks in which that account got or lost the role, ascending."""

    def blocks_of_reports(self, ledger: int, classifier: str) -> Sequence[int]:
        """The numbers of the blocks in which that classifier's key was reported as compromised, ascending."""

    def all_events(self, ledger: int, first: int, last: int) -> Sequence[IndexedEvent]:
        """Every event of the blocks ``first`` to ``last`` in chain order, addresses in lower case."""

    def events_of_model(self, ledger: int, model_id: str) -> Sequence[ModelEvent]:
        """The registration, retirement and anchored training of a model, in chain order."""

    def entries(self, ledger: int, limit: int, before: tuple[int, int] | None) -> Sequence[LedgerEntry]:
        """Events of all kinds, newest first, older than the position ``before`` (block number, log index).

        A review of a diagnosis that was never recorded is left out.
        """

    def search(self, ledger: int, wanted: RecordFilter, limit: int, before: tuple[int, int] | None) -> Sequence[Record]:
        """Records by newest registration first, older than the position ``before`` (block number, log index)."""

    def queue(
        self, ledger: int, status: DiagnosisStatus, limit: int, after: tuple[int, int] | None
    ) -> Sequence[Record]:
        """Diagnoses of that status, oldest first, newer than the position ``after``: each as a record that contains it
        alone."""


class AccountRows(Protocol):
    """Accounts, the browsers in which they are signed in, links that were mailed, and the log of all that.

    A ``token_hash`` is the SHA-256 of a secret that only a cookie or a link holds. Times are in Unix seconds. Every
    method raises DatabaseUnavailable.
    """

    def find(self, account_id: str) -> Account | None: ...

    def by_email(self, email: str) -> Account | None: ...

    def add(self, account: Account) -> bool:
        """False when there is an account with that e-mail address."""

    def change(self, was: Account, account: Account) -> None:
        """Store what differs of name, phone, role, approval and password hash. ``was`` may be read long ago: what
        others changed since stays. A new password ends the links to set one. Raises Conflict where the password should
        change, and did meanwhile, and for the last approved administrator."""

    def remove(self, account: Account, email_hash: str, now: int) -> None:
        """Remove an account with its sessions, links, keys and log, and registrations and attempts of its address; the
        log of keys gets the end of its live ones. Raises Conflict for the last approved administrator."""

    def people(self) -> Sequence[Account]:
        """Accounts, those that wait for approval first, then the newest."""

    def add_registration(self, token_hash: str, registration: Registration, *, now: int) -> int:
        """How many there are now for that address. Also removes those that are too old."""

    def registration(self, token_hash: str) -> Registration | None: ...

    def remove_registrations(self, email: str) -> None: ...

    def add_session(self, token_hash: str, session: Session, *, unused_since: int, begun_since: int) -> None:
        """Also removes sessions that were not used since, or begun before. Raises SignInFailed if the account was
        closed, or its password changed, after it was read: that ended every session."""

    def session(self, token_hash: str) -> Session | None: ...

    def sessions(self, account_id: str) -> Sequence[Session]:
        """The one that was used last first."""

    def use_session(self, token_hash: str, now: int) -> None: ...

    def end_session(self, *, token_hash: str = "", session_id: str = "", account_id: str = "") -> bool:
        """End the sessions with these values; False if there were none."""

    def end_other_sessions(self, account_id: str, kept: str) -> None:
        """All of an account but that with the token hash ``kept``."""

    def add_device(self, token_hash: str, account_id: str, *, now: int, expires_at: int, most: int) -> None:
        """Remember a browser; of an account's, the ``most`` newest stay."""

    def device_owner(self, token_hash: str, now: int) -> str | None:
        """The account that signed in with this browser."""

    def remove_devices(self, account_id: str) -> None: ...

    def add_reset(self, token_hash: str, account_id: str | None, *, now: int, expires_at: int) -> None:
        """Beside the account's others, which stay: a stranger who asks for links must not end the owner's. One of no
        account opens nothing."""

    def reset_owner(self, token_hash: str, now: int) -> Account | None: ...

    def take_resets(self, token_hash: str, account_id: str) -> bool:
        """Use a link up, and with it all of the account; False if another request did so."""

    def begin_sign_in(
        self,
        event: AccountEvent,
        *,
        email_hash: str,
        source: str,
        since: int,
        old: int,
        wait: Callable[[Failures], int],
    ) -> int:
        """In one transaction: count the failures after ``since``, and those of ``source`` after the last success there,
        ask ``wait`` how many seconds the next attempt must wait, return them, and if there are none add ``event``, a
        failure until ``finish_sign_in``. So attempts at the same time count each other. Removes events before ``old``,
        and those of no account after a day."""

    def finish_sign_in(self, event_id: str, account_id: str, kind: EventKind) -> None:
        """That attempt was no failure: it succeeded, or a code was asked for."""

    def log(self, event: AccountEvent, *, old: int) -> None:
        """Add a line, and remove those before ``old``, and those of no account after a day."""

    def events(self, account_id: str, limit: int) -> Sequence[AccountEvent]:
        """The newest first."""


class PasswordHasher(Protocol):
    """Hashes passwords with a salt, slowly and with much memory. Raises ServerBusy when too many wait."""

    def hash(self, password: str) -> str: ...

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Without a hash False, after the same work as with one."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than new ones."""


class PasswordJudge(Protocol):
    def weakness(self, password: str, words: Sequence[str]) -> str:
        """Why a password can be guessed, empty if it cannot; ``words`` are what others know of the person."""


class Mailer(Protocol):
    def send(self, to: str, subject: str, text: str) -> None:
        """Send a mail soon. Returns at once, so that nobody can measure whether there was one; failures are logged."""


class CredentialRows(Protocol):
    """What proves an account's owner beside the password. Times are in Unix seconds. Every method raises
    DatabaseUnavailable."""

    def code_generator(self, account_id: str) -> CodeGenerator | None: ...

    def save_code_generator(self, account_id: str, generator: CodeGenerator | None) -> None:
        """In place of the one there is; None removes it and the recovery codes."""

    def use_step(self, account_id: str, step: int) -> bool:
        """Note that the code of a time step was used; False if that one, or a later one, was used before."""

    def save_recovery_codes(self, account_id: str, code_hashes: Sequence[str]) -> None:
        """In place of those there are."""

    def use_recovery_code(self, account_id: str, code_hash: str) -> bool:
        """Remove a code; False if there is none."""

    def count_recovery_codes(self, account_id: str) -> int: ...

    def add_passkey(self, passkey: Passkey) -> bool:
        """False if it is there already."""

    def passkey(self, passkey_id: str) -> Passkey | None: ...

    def passkeys(self, account_id: str) -> Sequence[Passkey]:
        """The oldest first."""

    def use_passkey(self, passkey_id: str, sign_count: int, now: int) -> None: ...

    def remove_passkey(self, account_id: str, passkey_id: str) -> bool: ...

    def link_wallet(self, wallet: LinkedWallet) -> bool:
        """False if the address is linked already."""

    def wallet(self, address: str) -> LinkedWallet | None: ...

    def wallets(self, account_id: str) -> Sequence[LinkedWallet]: ...

    def remove_wallet(self, account_id: str, address: str) -> bool: ...

    def add_challenge(
        self, challenge_hash: str, purpose: Purpose, account_id: str | None, *, now: int, expires_at: int
    ) -> None:
        """Also removes those that are too old."""

    def has_challenge(self, challenge_hash: str, purpose: Purpose, account_id: str | None, now: int) -> bool: ...

    def take_challenge(self, challenge_hash: str, purpose: Purpose, account_id: str | None, now: int) -> bool:
        """Use a challenge up; False for one that is not there, too old, or for another purpose or account."""


class AccountKeyRows(Protocol):
    """Public keys of accounts, wraps of their private keys, and the log of keys, of which nothing is removed. Each
    method that changes something raises Conflict for an account that was closed, and every one DatabaseUnavailable."""

    def keys(self, account_id: str) -> Sequence[tuple[AccountKey, Sequence[KeyWrap]]]:
        """The oldest first, those that ended too."""

    def add(
        self, key: AccountKey, wraps: Sequence[KeyWrap], *, replaces: str | None, most: int, most_live: int
    ) -> None:
        """Add a key and end the one that it replaces, with their entries of the log. Raises Conflict if any account
        added the key before, ``replaces`` names no live key of the account and kind, the account would have more than
        ``most`` keys or ``most_live`` live ones of the kind, or a wrap is there already."""

    def end(self, account_id: str, key_id: str, now: int) -> bool:
        """False if the account has no such live key."""

    def add_wrap(self, account_id: str, key_id: str, wrap: KeyWrap, *, most: int) -> None:
        """To a key of the account. Raises Conflict if it has ``most`` wraps, or the wrap is there already."""

    def remove_wrap(self, account_id: str, key_id: str, wrap_id: str) -> None:
        """Raises NotFound, and Conflict for the last wrap of a live key."""

    def log(self, after: int, limit: int) -> Sequence[KeyLogEntry]:
        """The entries after a sequence number, ascending."""


class CodeMaker(Protocol):
    """One-time codes by time (TOTP, RFC 6238): six digits, 30 s, SHA-1, as every app makes them."""

    def new(self, account_id: str, label: str) -> tuple[bytes, str]:
        """A new secret: encrypted for that account, and as an ``otpauth://`` address for the app."""

    def step(self, sealed: bytes, account_id: str, code: str, now: int) -> int | None:
        """The time step whose code this is, within one of now; None for a wrong code."""


class PasskeyVerifier(Protocol):
    """WebAuthn, level 2. Credentials come from a browser, as ``PublicKeyCredential.toJSON`` gives them. Raises
    SignInFailed with what was expected."""

    def creation_options(
        self, party: RelyingParty, account: Account, challenge: str, known: Sequence[bytes]
    ) -> Mapping[str, Any]: ...

    def request_options(self, party: RelyingParty, challenge: str) -> Mapping[str, Any]: ...

    def challenge(self, credential: Mapping[str, Any]) -> str:
        """The challenge that the credential says it answers, not verified yet."""

    def credential_id(self, credential: Mapping[str, Any]) -> bytes: ...

    def created(self, credential: Mapping[str, Any], party: RelyingParty, challenge: str) -> tuple[bytes, bytes, int]:
        """Credential id, public key (COSE) and signature counter of a new passkey."""

    def used(self, credential: Mapping[str, Any], party: RelyingParty, challenge: str, passkey: Passkey) -> int:
        """The new signature counter."""


class WalletSignatures(Protocol):
    def is_checksummed(self, address: str) -> bool:
        """Whether the case of the letters is that of EIP-55."""

    def has_public_key(self, address: str) -> bool:
        """Whether anybody can sign for this address, as for those of development chains."""

    def is_signed(self, address: str, message: str, signature: str) -> bool:
        """Whether ``address`` signed this text (ERC-191, version 0x45): its key, or its contract says so (ERC-1271).
        Raises ChainUnavailable."""
