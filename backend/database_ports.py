"""What the services need of the database, as protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from backend.domain import (
    Checkpoint,
    Classification,
    DiagnosisStatus,
    Event,
    ImageFacts,
    ModelEvent,
    Record,
    SealedManifest,
    SignedDiagnosis,
)
from backend.ledger import LedgerEntry
from backend.record_filter import RecordFilter


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
    """One public classification for each image and model, the sealed manifests that were made here, and the newest
    attestation of each."""

    def find(self, cid: str, model_sha256: str) -> Classification | None: ...

    def of_manifest(self, manifest_hash: str) -> Classification | None: ...

    def add(self, classification: Classification) -> bool:
        """False when this image and model have one already."""

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
