"""What the services need from the outside, as protocols. Adapters implement them; ``wiring.py`` chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from backend.domain import (
    BlockRef,
    Diagnosis,
    DiagnosisRecordedEvent,
    Event,
    ImageFacts,
    ModelEvent,
    ModelFacts,
    Outline,
    RecordEvent,
    SignedDiagnosis,
    StoredObject,
)
from backend.submissions import ModelPapers, ModelStanding, Review, SentTransaction, Training, TransactionStatus


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


class Prediction(Protocol):
    """The part of ``ml.inference.predictor.Prediction`` that the services use."""

    label: str
    code: int
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    reason: str | None
    threshold: float | None


class Classifier(Protocol):
    """A registry of models that classify image bytes."""

    def models(self) -> Sequence[dict]:
        """The models as JSON-ready metadata, default first: name, version, sha256, kind, modality, classes, metrics."""

    def resolve(self, name: str | None, image: bytes | None = None) -> ModelFacts:
        """The named model; without a name that of the kind of image that ``image`` is, else the default one.

        An image of no known kind gets the model that told so, which declines. Raises NotFound, also for a model that
        does not classify; UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """

    def preprocessing(self, model: ModelFacts) -> dict:
        """``{"id", "temperature"}`` for the manifest."""

    def predict(self, model: ModelFacts, image: bytes) -> tuple[Prediction, bytes | None]:
        """The prediction and the activation map as PNG.

        Raises UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """


class InstalledModels(Protocol):
    """The installed bundles, without loading what answers."""

    def identities(self) -> Mapping[str, str]:
        """SHA-256 of every installed bundle, by its name; not verified yet."""

    def papers(self, name: str) -> ModelPapers:
        """What is published of that model, once its bundle is verified. Raises NotFound, ClassificationFailed."""


class Outliner(Protocol):
    """A registry of models that outline tumours."""

    def outline(self, modality: str, image: bytes) -> Outline | None:
        """What the model for that modality outlines, None where there is no such model; it is not told whether there is
        a tumour. Raises UnsupportedImage, ImageTooLarge, ClassificationFailed.
        """


class AnalysisFigure(Protocol):
    """The part of ``ml.analysis.Figure`` that is shown: a number, its unit or "", and what it means."""

    name: str
    title: str
    value: float
    unit: str
    explanation: str


class AnalysisStep(Protocol):
    """The part of ``ml.analysis.Step`` that is shown. ``size`` is the picture's width and height."""

    name: str
    title: str
    explanation: str
    figures: Sequence[AnalysisFigure]
    size: tuple[int, int]

    def png(self) -> bytes: ...


class Analysis(Protocol):
    """``stained``: analysed as stained tissue, as the image is in colour."""

    stained: bool
    steps: Sequence[AnalysisStep]


class ImageAnalyser(Protocol):
    def analyse(self, image: bytes) -> Analysis:
        """The image's steps, from pre-processing to the outlined region. Raises UnsupportedImage, ImageTooLarge."""


class Reference(Protocol):
    """Where a sentence comes from."""

    title: str
    publisher: str
    url: str


class NextStep(Protocol):
    text: str
    reference: Reference


class Results(Protocol):
    def overview(self) -> Mapping[str, Sequence]:
        """``results`` of the networks (schema "scanproof.result/1"), ``comparisons``, ``published`` and
        ``not_trained``, ready for JSON. Raises ResultsUnreadable."""


class Guide(Protocol):
    def next_steps(self, modality: str, label: str) -> Sequence[NextStep]:
        """What a person may do after that result, with sources; never advice on treatment."""


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

    def model_standings(self, model_ids: Sequence[str]) -> Sequence[ModelStanding]:
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
