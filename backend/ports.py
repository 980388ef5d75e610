"""What the services need from the outside, as protocols. Adapters implement them; ``wiring.py`` chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from backend.domain import (
    BlockRef,
    Diagnosis,
    DiagnosisRecordedEvent,
    ImageFacts,
    ImageRegisteredEvent,
    ModelFacts,
    SignedDiagnosis,
    StoredObject,
    TransactionStatus,
)


class ObjectStore(Protocol):
    """IPFS: content-addressed bytes. Every CID is CIDv1 base32 with the layout of ``backend.adapters.unixfs``."""

    name: str

    def put(self, content: bytes, *, name: str, media_type: str) -> StoredObject:
        """Pin ``content``; putting the same bytes twice gives the same CID and stores them once.

        Returns only after the bytes were read back and re-hashed.
        Raises StorageUnavailable, StorageRefused, CidMismatch.
        """

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """The bytes of ``cid``, re-hashed before they are returned.

        Raises InvalidCid, NotFound, StorageUnavailable, StorageRefused, CidMismatch; ImageTooLarge past ``max_bytes``.
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
    threshold: float


class Classifier(Protocol):
    """A registry of models that classify image bytes."""

    def models(self) -> Sequence[dict]:
        """The models as JSON-ready metadata, default first: name, version, sha256, modality, classes, metrics."""

    def resolve(self, name: str | None) -> ModelFacts:
        """The named model, or the default one. Raises NotFound."""

    def preprocessing(self, model: ModelFacts) -> dict:
        """``{"id", "temperature"}`` for the manifest."""

    def predict(self, model: ModelFacts, image: bytes) -> tuple[Prediction, bytes | None]:
        """The prediction and the activation map as PNG. Raises UnsupportedImage, ClassificationFailed."""


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
