"""What the services need from the outside, as protocols. Adapters implement them; ``wiring.py`` chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from backend.domain import (
    BlockRef,
    Checkpoint,
    Classification,
    Diagnosis,
    DiagnosisRecordedEvent,
    Event,
    ImageFacts,
    ImageRegisteredEvent,
    ModelFacts,
    Outline,
    Record,
    SignedDiagnosis,
    StoredObject,
    TransactionStatus,
)


class ObjectReader(Protocol):
    """The reading half of an ObjectStore."""

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """The bytes of ``cid``, re-hashed before they are returned.

        Raises InvalidCid, NotFound, StorageUnavailable, StorageRefused, CidMismatch; ImageTooLarge past ``max_bytes``.
        """


class ObjectStore(ObjectReader, Protocol):
    """IPFS: content-addressed bytes. Every CID is CIDv1 base32 with the layout of ``backend.adapters.unixfs``."""

    name: str

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
    """The part of ``ml.predictor.Prediction`` that the services use."""

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

    def events(self, first: int, last: int) -> Sequence[ImageRegisteredEvent | DiagnosisRecordedEvent]:
        """Events of the blocks ``first`` to ``last`` (both included) in chain order. Raises ChainUnavailable."""

    def events_of_image(self, image_id: str) -> Sequence[ImageRegisteredEvent | DiagnosisRecordedEvent]:
        """All events of one image, in chain order. Raises ChainUnavailable."""

    def events_of_transaction(self, hash_: str) -> Sequence[ImageRegisteredEvent | DiagnosisRecordedEvent]:
        """The registry's events in one mined, successful transaction; empty if there is none such."""

    def transaction(
        self, hash_: str, *, confirmations: int, sender: str | None = None, nonce: int | None = None
    ) -> TransactionStatus:
        """Where a transaction stands; ``confirmed`` from ``confirmations`` blocks on.

        With ``sender`` and ``nonce``, a hash unknown to the node whose nonce is used up is ``replaced``.
        """

    def classifier_roles(self, address: str) -> Sequence[tuple[int, int, bool]]:
        """History of CLASSIFIER_ROLE for ``address``: (block number, log index, granted) in chain order."""


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
    """One classification for each image and model, and the newest attestation of each."""

    def find(self, cid: str, model_sha256: str) -> Classification | None: ...

    def of_manifest(self, manifest_hash: str) -> Classification | None: ...

    def add(self, classification: Classification) -> bool:
        """False when this image and model have one already."""

    def attestation(self, manifest_hash: str, image_id: str, chain_id: int, contract: str) -> SignedDiagnosis | None:
        """The newest attestation of that manifest for that image id, chain and contract."""

    def save_attestation(self, signed: SignedDiagnosis) -> None:
        """Keep it in place of an older one."""


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

    def search(
        self,
        ledger: int,
        text: str | None,
        labels: Sequence[tuple[str, int]],
        limit: int,
        before: tuple[int, int] | None,
    ) -> Sequence[Record]:
        """Records by newest registration first, after the position ``before`` (block number, log index).

        ``text`` in lower case equals an image id, CID, uploader or transaction hash, or ``labels``
        (model id, label code) holds a label of one of its diagnoses; None finds all.
        """
