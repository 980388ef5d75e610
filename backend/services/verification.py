"""Verifies a record against the chain. Uses nothing that this server has stored about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.domain import (
    MAX_IMAGE_BYTES,
    SEALED_LABEL,
    BlockRef,
    Check,
    DiagnosisRecordedEvent,
    DiagnosisStatus,
    ImageRegisteredEvent,
    Record,
    RecordEvent,
)
from backend.errors import ImageTooLarge, InvalidCid, NotFound, ServerBusy, StorageError, UnsupportedImage
from backend.ports import Classifier, ImageInspector, ObjectReader, RegistryHistory
from backend.services.diagnosis_verification import DiagnosisVerifier, Recover
from backend.services.manifests import by_hash
from backend.services.review_verification import ReviewId, ReviewVerifier


@dataclass(frozen=True, slots=True)
class DiagnosisState:
    """The status of a diagnosis after its reviews."""

    diagnosis_id: str
    status: DiagnosisStatus


@dataclass(frozen=True, slots=True)
class Verification:
    """The checks of one record in a fixed order; a check that could not run counts as failed.

    ``diagnoses`` are in the order of their lines.
    """

    image_id: str
    checks: tuple[Check, ...]
    diagnoses: tuple[DiagnosisState, ...] = ()

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


class VerificationService:
    """``cid_of`` computes the CID of bytes; ``recover`` the signer of a diagnosis, None for a malformed signature;
    ``review_id`` the id of a review from its other fields.

    ``inspector`` turns a given file into the bytes that were pinned of it. Statements, model cards and training records
    are read from ``documents``, by default ``store``: many were never published, and the public network searches long.
    """

    def __init__(
        self,
        *,
        chain: RegistryHistory,
        store: ObjectReader,
        classifier: Classifier,
        inspector: ImageInspector,
        cid_of: Callable[[bytes], str],
        recover: Recover,
        review_id: ReviewId,
        documents: ObjectReader | None = None,
    ) -> None:
        self._chain = chain
        self._store = store
        self._inspector = inspector
        self._cid_of = cid_of
        self._diagnoses = DiagnosisVerifier(
            chain=chain, store=store, documents=documents or store, classifier=classifier, recover=recover
        )
        self._reviews = ReviewVerifier(chain, documents or store, review_id)

    def verify(self, image_id: str, *, content: bytes | None = None, openings: Sequence[bytes] = ()) -> Verification:
        """Check the record of ``image_id`` (0x and 64 hex digits) with all its diagnoses and their reviews.

        ``content`` is the pinned image or the original upload; without it the image is fetched by CID. ``openings`` are
        the manifests of sealed diagnoses. Raises ChainError.
        """
        record = Record.of(self._chain.events_of_image(image_id))
        if record is None:
            why = "not checked: there is no record"
            missing = Check("record exists", False, f"an image {image_id} in {self._registry}", "no such image")
            rest = [
                Check(name, False, expected, why)
                for name, expected in (
                    ("image id", "uploader and CID give the image id"),
                    ("block", "a block of the chain"),
                    ("image bytes", "the bytes of the CID"),
                )
            ]
            return Verification(image_id, (missing, *rest))
        image, diagnoses = record.image, record.diagnoses
        bytes_check, trusted = self._stored_bytes(image.cid) if content is None else self._given(image.cid, content)
        checks = [self._exists(image), self._image_id(image), self._block("block", image), bytes_check]
        opened = by_hash(openings)
        for number, diagnosis in enumerate(diagnoses, start=1):
            opening = opened.get(diagnosis.manifest_hash) if diagnosis.label == SEALED_LABEL else None
            lines = [
                self._block("diagnosis block", diagnosis),
                *self._diagnoses.checks(image, diagnosis, trusted, opening),
                *self._reviewed(record, diagnosis),
            ]
            checks += _numbered(lines, "", number, len(diagnoses))
        recorded = {diagnosis.diagnosis_id for diagnosis in diagnoses}
        for review in record.reviews:
            if review.diagnosis_id not in recorded:
                checks += self._reviews.checks(image, None, review, review.diagnosis_id)
        sealed = {diagnosis.manifest_hash for diagnosis in diagnoses if diagnosis.label == SEALED_LABEL}
        for hash_ in sorted(opened.keys() - sealed):
            checks.append(
                Check("opening", False, "the manifest of a sealed diagnosis of this record", f"SHA-256 {hash_}")
            )
        states = tuple(DiagnosisState(diagnosis.diagnosis_id, record.status_of(diagnosis)) for diagnosis in diagnoses)
        return Verification(image_id, tuple(checks), states)

    def _reviewed(self, record: Record, diagnosis: DiagnosisRecordedEvent) -> list[Check]:
        reviews = record.reviews_of(diagnosis)
        checks: list[Check] = []
        previous = diagnosis.diagnosis_id
        for number, review in enumerate(reviews, start=1):
            lines = [
                self._block("review block", review),
                *self._reviews.checks(record.image, diagnosis, review, previous),
            ]
            checks += _numbered(lines, "review ", number, len(reviews))
            previous = review.review_id
        return checks

    def verify_transaction(
        self, hash_: str, *, content: bytes | None = None, openings: Sequence[bytes] = ()
    ) -> list[Verification]:
        """Check every record with an event in that transaction; empty if there is none. Raises ChainError."""
        events = self._chain.events_of_transaction(hash_)
        image_ids = dict.fromkeys(event.image_id for event in events if isinstance(event, RecordEvent))
        return [self.verify(image_id, content=content, openings=openings) for image_id in image_ids]

    @property
    def _registry(self) -> str:
        return f"the registry {self._chain.contract} on chain {self._chain.chain_id}"

    def _exists(self, image: ImageRegisteredEvent) -> Check:
        found = f"registered by {image.uploader} in transaction {image.transaction_hash}"
        return Check("record exists", True, f"an image {image.image_id} in {self._registry}", found)

    def _image_id(self, image: ImageRegisteredEvent) -> Check:
        found = self._chain.image_id(image.uploader, image.cid)
        return Check("image id", found == image.image_id, image.image_id, f"{found} from uploader and CID")

    def _block(self, name: str, event: RecordEvent) -> Check:
        canonical = self._chain.block(event.block.number)
        expected = f"{_describe(event.block)} on the chain"
        found = "no such block" if canonical is None else _describe(canonical)
        return Check(name, canonical == event.block, expected, found)

    def _stored_bytes(self, cid: str) -> tuple[Check, bytes | None]:
        """The check, and the bytes if they have the record's CID."""
        try:
            content = self._store.get(cid, max_bytes=MAX_IMAGE_BYTES)
        except (StorageError, NotFound, ImageTooLarge, InvalidCid) as error:
            return Check("image bytes", False, cid, str(error)), None
        return self._compared(cid, content)

    def _given(self, cid: str, content: bytes) -> tuple[Check, bytes | None]:
        """As ``_stored_bytes``, also for the original file, whose metadata was not pinned."""
        check, trusted = self._compared(cid, content)
        if not check.passed:
            with suppress(UnsupportedImage, ImageTooLarge, ServerBusy):
                pinned, _ = self._inspector.accept(content)
                again, trusted = self._compared(cid, pinned, ", the file without its metadata")
                check = again if again.passed else check
        return check, trusted

    def _compared(self, cid: str, content: bytes, note: str = "") -> tuple[Check, bytes | None]:
        found = self._cid_of(content)
        check = Check("image bytes", found == cid, cid, f"{found} ({len(content):,} bytes{note})")
        return check, content if check.passed else None


def _describe(block: BlockRef) -> str:
    time = datetime.fromtimestamp(block.timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"block {block.number} of {time}, {block.hash}"


def _numbered(checks: Sequence[Check], what: str, number: int, total: int) -> list[Check]:
    """Adds the number to the names, if there are several."""
    if total == 1:
        return list(checks)
    suffix = f" ({what}{number} of {total})"
    return [Check(check.name + suffix, check.passed, check.expected, check.found) for check in checks]
