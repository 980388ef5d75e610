"""The published statements of reviews. A statement is public only once its reviewer, or who got it, publishes it."""

from __future__ import annotations

import time

from backend.cids import hash_of, raw_cid
from backend.database_ports import Statements
from backend.domain import SEALED_LABEL, DiagnosisRecordedEvent, DiagnosisReviewedEvent
from backend.errors import CidMismatch, Conflict, ImageTooLarge, InvalidInput, NotFound, StorageError
from backend.ports import ObjectStore
from backend.services import statements
from backend.services.event_index import EventIndex
from backend.services.models import ABSTAINED, ModelService
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
