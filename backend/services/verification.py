"""Verifies a record against the chain. Uses nothing that this server has stored about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import pairwise

from backend.domain import (
    MAX_IMAGE_BYTES,
    SEALED_LABEL,
    BlockRef,
    Check,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    DiagnosisStatus,
    ImageRegisteredEvent,
    LocalSlide,
    Outcome,
    Record,
    RecordEvent,
    describe_block,
)
from backend.errors import IdentifiersLeft, ImageTooLarge, InvalidCid, NotFound, StorageError, UnsupportedImage
from backend.ports import Classifier, ImageInspector, ObjectReader, RegistryHistory
from backend.services.completeness import REREADS, Completeness, read_completely
from backend.services.diagnosis_verification import DiagnosisVerifier, Recover
from backend.services.evidence_events import reports_about
from backend.services.manifests import by_hash
from backend.services.origin import OriginVerifier
from backend.services.review_verification import ReviewId, ReviewVerifier
from backend.services.slides import SlideFiles, is_tiff
from backend.services.study_documents import is_study
from backend.services.study_verification import GivenFile, SliceScope, StudyVerifier

ALL_SLICES = SliceScope()
MAX_REVIEWS = 100
"""The most reviews of a diagnosis that are checked one by one: a clinician can write any number."""
SHOWN_NOISE = 20
"""The most entries of noise that an answer shows: any reviewer can add any number."""


@dataclass(frozen=True, slots=True)
class DiagnosisState:
    """The status of a diagnosis after its reviews."""

    diagnosis_id: str
    status: DiagnosisStatus


@dataclass(frozen=True, slots=True)
class Verification:
    """The checks of one record in a fixed order; a check that could not run counts as failed.

    ``diagnoses`` are in the order of their lines. ``noise`` are reviews of diagnoses that were never recorded: they
    change nothing, but a reader may see them on the chain. ``complete_to`` is the block up to which nothing was left
    out; None unless the registry's state shows that. ``record`` is what was checked; None where there is none.
    """

    image_id: str
    checks: tuple[Check, ...]
    diagnoses: tuple[DiagnosisState, ...] = ()
    noise: tuple[DiagnosisReviewedEvent, ...] = ()
    complete_to: BlockRef | None = None
    record: Record | None = None

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def verdict(self) -> Outcome:
        return Outcome.VALID if self.passed else Outcome.INVALID


class VerificationService:
    """``cid_of`` computes the CID of bytes; ``recover`` the signer of a diagnosis, None for a malformed signature;
    ``review_id`` the id of a review from its other fields.

    ``inspector`` turns a given file into the bytes that were pinned of it. Statements, model cards and training records
    are read from ``documents``, by default ``store``: many were never published, and the public network searches long.
    A history that is not complete is read again up to ``rereads`` times, with a second between. ``of_node``: what it
    lacks then is hidden by a node, and not by the record. ``scope`` is how much of a study is checked. Without
    ``slides``, the result for a slide is not repeated.
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
        rereads: int = REREADS,
        of_node: bool = True,
        scope: SliceScope = ALL_SLICES,
        slides: SlideFiles | None = None,
    ) -> None:
        self._chain = chain
        self._rereads = rereads
        self._of_node = of_node
        self._store = store
        self._documents = documents or store
        self._classifier = classifier
        self._inspector = inspector
        self._cid_of = cid_of
        self._recover = recover
        self._scope = scope
        self._slides = slides
        self._review_id = review_id

    def verify(
        self,
        image_id: str,
        *,
        content: bytes | LocalSlide | None = None,
        openings: Sequence[bytes] = (),
        files: Sequence[GivenFile] | None = None,
        left_out: Mapping[str, int] | None = None,
    ) -> Verification:
        """Check the record of ``image_id`` (0x and 64 hex digits) with all its diagnoses and their reviews.

        ``content`` is the pinned image, a slide as a file, or the original upload; without it the image is fetched by
        CID. ``openings`` are the manifests of sealed diagnoses; ``files`` are somebody's own files of a study;
        ``left_out`` is by diagnosis how many of its oldest reviews the history lacks, by an evidence file's own
        account. Of each diagnosis, the newest MAX_REVIEWS reviews are checked one by one. Raises LogsIncomplete,
        ChainError.
        """
        chain, completeness = read_completely(self._chain, image_id, rereads=self._rereads, of_node=self._of_node)
        record = Record.of(chain.events_of_image(image_id))
        if record is None:
            return _missing(image_id, chain, completeness)
        record = replace(record, reports=tuple(reports_about(chain, chain.events_of_image(image_id))))
        _read_together(chain, record)
        with ExitStack() as opened_slide:
            bytes_check, trusted = self._image_bytes(record.image.cid, content, opened_slide)
            checks = self._checks(chain, record, completeness, bytes_check, trusted, openings, files, left_out or {})
        states = tuple(
            DiagnosisState(diagnosis.diagnosis_id, record.status_of(diagnosis)) for diagnosis in record.diagnoses
        )
        return Verification(image_id, checks, states, record.noise, completeness.shown, record)

    def _checks(
        self,
        chain: RegistryHistory,
        record: Record,
        completeness: Completeness,
        bytes_check: Check,
        trusted: bytes | LocalSlide | None,
        openings: Sequence[bytes],
        files: Sequence[GivenFile] | None,
        left_out: Mapping[str, int],
    ) -> tuple[Check, ...]:
        parts = _Parts(
            chain=chain,
            diagnoses=DiagnosisVerifier(
                chain=chain,
                store=self._store,
                documents=self._documents,
                classifier=self._classifier,
                studies=StudyVerifier(self._store, self._classifier, self._cid_of, self._scope),
                recover=self._recover,
                fields=self._slides.fields if self._slides else None,
            ),
            reviews=ReviewVerifier(chain, self._documents, self._review_id),
            origins=OriginVerifier(chain),
            left_out=left_out,
        )
        opened = by_hash(openings)
        sealed = {diagnosis.manifest_hash for diagnosis in record.diagnoses if diagnosis.label == SEALED_LABEL}
        study = isinstance(trusted, bytes) and is_study(trusted)
        return (
            *_registration(record.image, parts),
            bytes_check,
            *([_no_study(record.image)] if files is not None and not study else []),
            *_diagnoses(record, parts, trusted, opened, files),
            *(
                Check("opening", False, "the manifest of a sealed diagnosis of this record", f"SHA-256 {hash_}")
                for hash_ in sorted(opened.keys() - sealed)
            ),
            *completeness.checks,
        )

    def verify_transaction(
        self,
        hash_: str,
        *,
        content: bytes | LocalSlide | None = None,
        openings: Sequence[bytes] = (),
        files: Sequence[GivenFile] | None = None,
    ) -> list[Verification]:
        """Check every record with an event in that transaction; empty if there is none. Raises ChainError."""
        events = self._chain.events_of_transaction(hash_)
        image_ids = dict.fromkeys(event.image_id for event in events if isinstance(event, RecordEvent))
        return [self.verify(each, content=content, openings=openings, files=files) for each in image_ids]

    def _image_bytes(
        self, cid: str, given: bytes | LocalSlide | None, opened: ExitStack
    ) -> tuple[Check, bytes | LocalSlide | None]:
        """The check, and the bytes if they have the record's CID: those of the store, or ``given``, which may be the
        original file, whose metadata was not pinned. A slide is a file until ``opened`` ends."""
        if isinstance(given, LocalSlide):
            facts = given.facts
            check = Check("image bytes", facts.cid == cid, cid, f"{facts.cid} ({facts.size:,} bytes)")
            return check, given if check.passed else None
        if given is None:
            try:
                stored = self._store.get(cid, max_bytes=MAX_IMAGE_BYTES)
            except ImageTooLarge as error:
                return self._fetched_slide(cid, error, opened)
            except (StorageError, NotFound, InvalidCid) as error:
                return Check("image bytes", False, cid, str(error)), None
            check, trusted = self._compared(cid, stored)
            return check, trusted and self._opened_slide(trusted, opened)
        check, trusted = self._compared(cid, given)
        if not check.passed:
            with suppress(UnsupportedImage, ImageTooLarge):
                pinned, _ = self._inspector.accept(given)
                again, trusted = self._compared(cid, pinned, ", the file without its metadata")
                check = again if again.passed else check
        return check, trusted

    def _fetched_slide(self, cid: str, too_large: ImageTooLarge, opened: ExitStack) -> tuple[Check, LocalSlide | None]:
        """As ``_image_bytes`` for what is larger than an image."""
        if self._slides is None:
            return Check("image bytes", False, cid, str(too_large)), None
        try:
            slide = opened.enter_context(self._slides.fetched(cid))
        except (StorageError, NotFound, ImageTooLarge, InvalidCid) as error:
            return Check("image bytes", False, cid, f"{too_large}; {error}"), None
        except (UnsupportedImage, IdentifiersLeft) as error:
            return Check("image bytes", True, cid, f"{cid}, which is not read: {error}"), None
        return Check("image bytes", True, cid, f"{cid} ({slide.facts.size:,} bytes)"), slide

    def _opened_slide(self, content: bytes, opened: ExitStack) -> bytes | LocalSlide:
        """Verified bytes, as a file if they are a slide."""
        if self._slides and is_tiff(content):
            with suppress(UnsupportedImage, ImageTooLarge, IdentifiersLeft, StorageError):
                return opened.enter_context(self._slides.given(content))
        return content

    def _compared(self, cid: str, content: bytes, note: str = "") -> tuple[Check, bytes | None]:
        found = self._cid_of(content)
        check = Check("image bytes", found == cid, cid, f"{found} ({len(content):,} bytes{note})")
        return check, content if check.passed else None


@dataclass(frozen=True, slots=True)
class _Parts:
    """What one verification reads and checks with."""

    chain: RegistryHistory
    diagnoses: DiagnosisVerifier
    reviews: ReviewVerifier
    origins: OriginVerifier
    left_out: Mapping[str, int]


def _read_together(chain: RegistryHistory, record: Record) -> None:
    """Let ``chain`` keep what the checks ask for one by one, so that many reviews take few requests."""
    checked = [review for diagnosis in record.diagnoses for review in record.reviews_of(diagnosis)[-MAX_REVIEWS:]]
    events: list[RecordEvent] = [record.image, *record.diagnoses, *checked]
    chain.blocks([event.block.number for event in events])
    chain.signed_transactions([event.transaction_hash for event in events])


def _missing(image_id: str, chain: RegistryHistory, completeness: Completeness) -> Verification:
    why = "not checked: there is no record"
    missing = Check("record exists", False, f"an image {image_id} in {_registry(chain)}", "no such image")
    rest = [
        Check(name, False, expected, why)
        for name, expected in (
            ("image id", "uploader and CID give the image id"),
            ("block", "a block of the chain"),
            ("image bytes", "the bytes of the CID"),
        )
    ]
    hidden = [check for check in completeness.checks if not check.passed]
    return Verification(image_id, (missing, *rest, *hidden))


def _registration(image: ImageRegisteredEvent, parts: _Parts) -> list[Check]:
    registered = f"registered by {image.uploader} in transaction {image.transaction_hash}"
    computed = parts.chain.image_id(image.uploader, image.cid)
    return [
        Check("record exists", True, f"an image {image.image_id} in {_registry(parts.chain)}", registered),
        Check("image id", computed == image.image_id, image.image_id, f"{computed} from uploader and CID"),
        _block("block", image, parts.chain),
        parts.origins.of_image(image),
    ]


def _no_study(image: ImageRegisteredEvent) -> Check:
    found = f"{image.cid}, which is no study manifest: compare a single file with it"
    return Check("files", False, "the record of a study", found)


def _diagnoses(
    record: Record,
    parts: _Parts,
    content: bytes | LocalSlide | None,
    opened: Mapping[str, bytes],
    files: Sequence[GivenFile] | None,
) -> list[Check]:
    checks: list[Check] = []
    for number, diagnosis in enumerate(record.diagnoses, start=1):
        opening = opened.get(diagnosis.manifest_hash) if diagnosis.label == SEALED_LABEL else None
        lines = [
            _block("diagnosis block", diagnosis, parts.chain),
            *parts.diagnoses.checks(record.image, diagnosis, content, opening, files),
            *_reviews(record, diagnosis, parts),
        ]
        checks += _numbered(lines, "", number, len(record.diagnoses))
    return checks


def _reviews(record: Record, diagnosis: DiagnosisRecordedEvent, parts: _Parts) -> list[Check]:
    reviews = record.reviews_of(diagnosis)
    older, newest = reviews[:-MAX_REVIEWS], reviews[-MAX_REVIEWS:]
    left_out = parts.left_out.get(diagnosis.diagnosis_id, 0)
    checks: list[Check] = []
    previous = diagnosis.diagnosis_id
    if older or left_out:
        checks.append(_older_reviews(diagnosis, reviews, older, left_out))
        previous = older[-1].review_id if older else newest[0].supersedes if newest else previous
    for number, review in enumerate(newest, start=1):
        lines = [
            _block("review block", review, parts.chain),
            *parts.reviews.checks(record.image, diagnosis, review, previous),
        ]
        checks += _numbered(lines, "review ", number, len(newest))
        previous = review.review_id
    return checks


def _older_reviews(
    diagnosis: DiagnosisRecordedEvent,
    reviews: Sequence[DiagnosisReviewedEvent],
    older: Sequence[DiagnosisReviewedEvent],
    left_out: int,
) -> Check:
    """The reviews that are not checked one by one. The newest decides, and the registry's state shows which one it is;
    anybody with the role can write any number."""
    first = diagnosis.diagnosis_id
    found = f"{len(older) + left_out:,} older reviews are not checked one by one: the newest one decides"
    if left_out:
        found += f"; {left_out:,} of them are not in the file, as it says"
        passed = bool(reviews) and reviews[0].supersedes != first
    else:
        passed = bool(older) and older[0].supersedes == first
    passed = passed and all(later.supersedes == earlier.review_id for earlier, later in pairwise(older))
    return Check("older reviews", passed, "each supersedes the one before", found)


def _registry(chain: RegistryHistory) -> str:
    return f"the registry {chain.contract} on chain {chain.chain_id}"


def _block(name: str, event: RecordEvent, chain: RegistryHistory) -> Check:
    (canonical,) = chain.blocks([event.block.number])
    expected = f"{describe_block(event.block)} on the chain"
    found = "no such block" if canonical is None else describe_block(canonical)
    return Check(name, canonical == event.block, expected, found)


def _numbered(checks: Sequence[Check], what: str, number: int, total: int) -> list[Check]:
    """Adds the number to the names, if there are several."""
    if total == 1:
        return list(checks)
    suffix = f" ({what}{number} of {total})"
    return [Check(check.name + suffix, check.passed, check.expected, check.found) for check in checks]
