"""The published statements of reviews. A statement is public only once its reviewer, or who got it, publishes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from backend.cids import hash_of, raw_cid
from backend.domain import (
    SEALED_LABEL,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Record,
    Review,
    Verdict,
)
from backend.errors import ChainUnavailable, CidMismatch, Conflict, ImageTooLarge, InvalidInput, NotFound, StorageError
from backend.ports import Chain, ObjectStore, Reviewer, StatementFiles, Statements
from backend.services import statements
from backend.services.event_index import EventIndex
from backend.services.models import ABSTAINED, ABSTAINED_CODE, ModelService
from backend.services.statements import Statement

MISSING_FOR_S = 300
"""How long what the store did not have is not asked for again: each view of a record wants all its statements, and a
hosted store answers some sixty questions a minute."""


class StatementArchive:
    """Statements in the store, with copies in the database, so that the store need not be asked for each."""

    def __init__(self, kept: Statements, store: ObjectStore) -> None:
        self._kept = kept
        self._store = store
        self._missing_until: dict[str, float] = {}

    def add(self, content: bytes) -> bool:
        """Publish a statement; False when that was done before, and nothing is sent but what the store lost.

        Raises StorageError.
        """
        reason_hash = hash_of(content)
        if self._kept.find(reason_hash) and self._store.has(raw_cid(reason_hash)):
            return False
        stored = self._store.put(content, name=f"{reason_hash}.json", media_type="application/json")
        if stored.cid != (expected := raw_cid(reason_hash)):
            raise CidMismatch(expected, stored.cid)
        return self._kept.add(reason_hash, content)

    def find(self, reason_hash: str) -> bytes | None:
        """A published statement; one that the database lost is taken from the store. Raises StorageError.

        The reviewer chose the hash: that of another object in the store finds nothing.
        """
        if content := self._kept.find(reason_hash):
            return content
        if time.monotonic() < self._missing_until.get(reason_hash, 0):
            return None
        content = self._stored(raw_cid(reason_hash))
        if content is None:
            self._missing_until[reason_hash] = time.monotonic() + MISSING_FOR_S
        else:
            self._kept.add(reason_hash, content)
        return content

    def _stored(self, cid: str) -> bytes | None:
        if not self._store.has(cid):
            return None
        try:
            content = self._store.get(cid, max_bytes=statements.MAX_STATEMENT_BYTES)
        except ImageTooLarge:
            return None
        return content if statements.read(content) else None


class ReviewService:
    def __init__(self, index: EventIndex, archive: StatementArchive, models: ModelService) -> None:
        self._index = index
        self._archive = archive
        self._models = models

    def publish(self, review_id: str, content: bytes) -> bool:
        """Publish the statement of a review that is on the chain; False when that was done before.

        Raises NotFound; InvalidInput for what is no statement; Conflict for the statement of another review, for
        that of a sealed diagnosis, and for one whose class name is that of another code; StorageError, ChainError.
        """
        if len(content) > statements.MAX_STATEMENT_BYTES:
            raise InvalidInput(
                f"expected a statement of at most {statements.MAX_STATEMENT_BYTES:,} bytes, found {len(content):,}"
            )
        review, diagnosis = self._review(review_id)
        if diagnosis.label == SEALED_LABEL:
            raise Conflict("the diagnosis is sealed: the statements of its reviews are not published here")
        if (found := hash_of(content)) != review.reason_hash:
            raise Conflict(f"expected the statement with the SHA-256 {review.reason_hash}, found {found}")
        statement = statements.read(content)
        if statement is None:
            raise InvalidInput(f"expected a statement of the schema {statements.SCHEMA}, found something else")
        if not statement.fits(review):
            raise Conflict(f"the statement is of another image, diagnosis, verdict or label than review {review_id}")
        if name := self._true_name(statement, diagnosis):
            raise Conflict(f"the statement says {statement.label}, but the review's code {review.label} is {name}")
        return self._archive.add(content)

    def statement(self, review_id: str) -> bytes:
        """The published statement of a review. Raises NotFound, StorageError, ChainError."""
        review, diagnosis = self._review(review_id)
        content = self._archive.find(review.reason_hash)
        said = content and statements.read(content)
        if not said or not said.fits(review) or self._true_name(said, diagnosis):
            raise NotFound(f"the statement of the review {review_id} was not published here")
        return content

    def reason(self, review: DiagnosisReviewedEvent) -> str | None:
        """The published reason of a review, None where there is none, or the store cannot give it now."""
        if review.label == SEALED_LABEL:
            return None
        try:
            content = self._archive.find(review.reason_hash)
        except (StorageError, NotFound):
            return None
        statement = content and statements.read(content)
        return statement.reason if statement and statement.fits(review) else None

    def _true_name(self, statement: Statement, diagnosis: DiagnosisRecordedEvent) -> str | None:
        """The name of the class that the statement's code has, where the statement says another; None also where the
        model or the code is not known here."""
        name = self._models.label(diagnosis.model_id, statement.label_code)[0]
        known = name in {ABSTAINED[0], *self._models.labels(diagnosis.model_id)}
        return name if known and statement.label not in (None, name) else None

    def _review(self, review_id: str) -> tuple[DiagnosisReviewedEvent, DiagnosisRecordedEvent]:
        record = self._index.lookup_review(review_id)
        for diagnosis in record.diagnoses if record else ():
            for review in record.reviews_of(diagnosis):
                if review.review_id == review_id:
                    return review, diagnosis
        raise NotFound(f"no review with the id {review_id} of a recorded diagnosis is on the chain")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review that is on the chain. ``file`` holds its statement; ``found``: it was recorded before, by a command that
    was cut off, so that nothing was sent now."""

    event: DiagnosisReviewedEvent
    statement: statements.Statement
    file: str
    found: bool
    published: bool


class _Words(NamedTuple):
    """What a review says."""

    verdict: Verdict
    label: str | None
    label_code: int
    reason: str


class _Draft(NamedTuple):
    """A statement on disk."""

    file: str
    content: bytes

    @property
    def reason_hash(self) -> str:
        return hash_of(self.content)


class ReviewingService:
    """Account and archive are opened when they are needed; the account needs CLINICIAN_ROLE."""

    def __init__(
        self,
        chain: Chain,
        models: ModelService,
        files: StatementFiles,
        open_reviewer: Callable[[], Reviewer],
        open_archive: Callable[[], StatementArchive],
    ) -> None:
        self._chain = chain
        self._models = models
        self._files = files
        self._open_reviewer = open_reviewer
        self._open_archive = open_archive

    def find(self, image_id: str, diagnosis_id: str | None) -> tuple[Record, DiagnosisRecordedEvent]:
        """A record, and of its diagnoses that with the given id, or else the newest. Raises NotFound, ChainError."""
        record = self._record(image_id)
        if not record.diagnoses:
            raise NotFound(f"the image {image_id} has no diagnosis on the chain")
        for diagnosis in reversed(record.diagnoses):
            if diagnosis_id in (None, diagnosis.diagnosis_id):
                return record, diagnosis
        known = ", ".join(diagnosis.diagnosis_id for diagnosis in record.diagnoses)
        raise NotFound(f"expected one of the image's diagnoses ({known}), found {diagnosis_id}")

    def review(
        self, record: Record, diagnosis: DiagnosisRecordedEvent, verdict: Verdict, label: str | None, reason: str
    ) -> Reviewed:
        """Send a review and, unless the diagnosis is sealed, publish its statement.

        ``label`` is the class name that holds from now on, for an override, and may be None for a sealed diagnosis.
        When it was cut off, the same call goes on where it was. Raises InvalidInput, Conflict with the contract's
        reason, ConfigurationError, ChainError; StorageError when only the publishing failed.
        """
        words = _Words(verdict, *self._label(diagnosis, verdict, label), reason.strip())
        reviews = record.reviews_of(diagnosis)
        newest = reviews[-1] if reviews else None
        draft = self._draft(diagnosis, reviews, words)
        reviewer = self._open_reviewer()
        # Who sees a transaction wait can be faster with a review that names the same hash.
        recorded = newest and (newest.reason_hash, newest.reviewer)
        found = draft is not None and recorded == (draft.reason_hash, reviewer.address)
        event, draft = (newest, draft) if found else self._send(reviewer, diagnosis, newest, draft, words)
        published = diagnosis.label != SEALED_LABEL
        if published:
            self._open_archive().add(draft.content)
        return Reviewed(event, statements.read(draft.content), draft.file, found, published)

    def _record(self, image_id: str) -> Record:
        record = Record.of(self._chain.events_of_image(image_id))
        if record is None:
            raise NotFound(f"no image with the id {image_id} is registered on the chain")
        return record

    def _label(self, diagnosis: DiagnosisRecordedEvent, verdict: Verdict, label: str | None) -> tuple[str | None, int]:
        """Class name, where it is known, and code that the review gives."""
        if verdict is Verdict.WITHDRAWN:
            return None, 0
        if diagnosis.label == SEALED_LABEL:
            return label, SEALED_LABEL
        if verdict is Verdict.CONFIRMED:
            known = diagnosis.label == ABSTAINED_CODE or self._models.facts(diagnosis.model_id)
            return self._models.label(diagnosis.model_id, diagnosis.label)[0] if known else None, diagnosis.label
        for model_id, code in self._models.codes(label or ""):
            if model_id == diagnosis.model_id:
                return self._models.label(model_id, code)[0], code
        known = ", ".join(self._models.labels(diagnosis.model_id)) or "which is not installed here"
        raise InvalidInput(f"expected a label of the model {diagnosis.model_id} ({known}), found {label!r}")

    def _draft(
        self, diagnosis: DiagnosisRecordedEvent, reviews: tuple[DiagnosisReviewedEvent, ...], words: _Words
    ) -> _Draft | None:
        """A statement with the same words that is that of the newest review, or was never recorded."""
        earlier = {review.reason_hash for review in reviews[:-1]}
        for draft in map(_Draft._make, self._files.of(diagnosis.diagnosis_id)):
            said = statements.read(draft.content)
            same = said and (said.verdict, said.label, said.label_code, said.reason) == words
            if same and draft.reason_hash not in earlier:
                return draft
        return None

    def _send(
        self,
        reviewer: Reviewer,
        diagnosis: DiagnosisRecordedEvent,
        newest: DiagnosisReviewedEvent | None,
        draft: _Draft | None,
        words: _Words,
    ) -> tuple[DiagnosisReviewedEvent, _Draft]:
        if fresh := draft is None:
            content = statements.build(diagnosis, *words)
            draft = _Draft(self._files.save(diagnosis.diagnosis_id, content), content)
        supersedes = newest.review_id if newest else diagnosis.diagnosis_id
        try:
            sent = reviewer.review(diagnosis, Review(supersedes, draft.reason_hash, words.verdict, words.label_code))
        except Conflict:
            # One that an earlier command sent may be mined by now; this one never is.
            if fresh:
                self._files.remove(draft.file)
            raise
        for event in self._chain.events_of_transaction(sent.hash):
            if isinstance(event, DiagnosisReviewedEvent):
                return event, draft
        raise ChainUnavailable(f"the node does not show the review of transaction {sent.hash} yet: repeat the command")
