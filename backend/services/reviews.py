"""Sends reviews, and publishes their statements. A statement is private until somebody who has it publishes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from backend.cids import hash_of, raw_cid
from backend.domain import (
    ABSTAINED_LABEL,
    SEALED_LABEL,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Record,
    Review,
    Verdict,
)
from backend.errors import (
    ChainUnavailable,
    CidMismatch,
    Conflict,
    ImageTooLarge,
    InvalidInput,
    InvalidStudy,
    NotFound,
    StorageError,
    after_sending,
)
from backend.ports import Chain, ObjectStore, Reviewer, StatementFiles, Statements
from backend.printable import printable
from backend.services import statements
from backend.services.event_index import EventIndex
from backend.services.hidden_events import require_all_shown
from backend.services.models import ABSTAINED, ModelService
from backend.services.statements import Statement
from backend.services.studies import StudyService

MISSING_FOR_S = 300
"""How long a missing statement is not asked for again: each view of a record needs all its statements, and a hosted
store answers some sixty requests a minute."""


class StatementArchive:
    """Statements in the store, with copies in the database to save requests to the store."""

    def __init__(self, kept: Statements, store: ObjectStore) -> None:
        self._kept = kept
        self._store = store
        self._missing_until: dict[str, float] = {}

    def add(self, content: bytes) -> bool:
        """Publish a statement; False when it was published before. Pins it again if the store lost it.

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
        """A published statement, from the database or the store. Raises StorageError.

        The reviewer chose the hash: another kind of object in the store is not returned.
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
    def __init__(
        self, index: EventIndex, archive: StatementArchive, models: ModelService, studies: StudyService
    ) -> None:
        self._index = index
        self._archive = archive
        self._models = models
        self._studies = studies

    def publish(self, review_id: str, content: bytes) -> bool:
        """Publish the statement of a review that is on the chain; False when it was published before.

        Raises NotFound; InvalidInput for bytes that are no statement; Conflict for the statement of another review or
        of a sealed diagnosis, for one whose class name belongs to another code, and for one that outlines something
        else than the record's image or slices of its study; StorageError, ChainError.
        """
        if len(content) > statements.MAX_STATEMENT_BYTES:
            raise InvalidInput(
                f"expected a statement of at most {statements.MAX_STATEMENT_BYTES:,} bytes, found {len(content):,}"
            )
        review, diagnosis, cid = self._review(review_id)
        if diagnosis.label == SEALED_LABEL:
            raise Conflict("the diagnosis is sealed: the statements of its reviews are not published here")
        if (found := hash_of(content)) != review.reason_hash:
            raise Conflict(f"expected the statement with the SHA-256 {review.reason_hash}, found {found}")
        statement = statements.read(content)
        if statement is None:
            raise InvalidInput(f"expected a statement of the schema {statements.SCHEMA}, found something else")
        statements.check_visible(statement.reason + (statement.label or ""))
        if not statement.fits(review):
            raise Conflict(f"the statement is of another image, diagnosis, verdict or label than review {review_id}")
        if name := self._true_name(statement, diagnosis):
            raise Conflict(f"the statement says {statement.label}, but the review's code {review.label} is {name}")
        self._check_outlines(statement, cid)
        return self._archive.add(content)

    def statement(self, review_id: str) -> bytes:
        """The published statement of a review. Raises NotFound, StorageError, ChainError."""
        review, diagnosis, _ = self._review(review_id)
        content = self._archive.find(review.reason_hash)
        statement = statements.read(content) if content else None
        if content is None or statement is None or not statement.fits(review) or self._true_name(statement, diagnosis):
            raise NotFound(f"the statement of the review {review_id} was not published here")
        return content

    def published(self, review: DiagnosisReviewedEvent) -> Statement | None:
        """The published statement of a review, with hidden characters of its reason shown; None if there is none or
        the store fails."""
        if review.label == SEALED_LABEL:
            return None
        try:
            content = self._archive.find(review.reason_hash)
        except (StorageError, NotFound):
            return None
        statement = statements.read(content) if content else None
        return replace(statement, reason=printable(statement.reason)) if statement and statement.fits(review) else None

    def _true_name(self, statement: Statement, diagnosis: DiagnosisRecordedEvent) -> str | None:
        """The class name of the statement's code if the statement has another name; None also when the model or the
        code is unknown here."""
        name = self._models.label(diagnosis.model_id, statement.label_code)[0]
        known = name in {ABSTAINED[0], *self._models.labels(diagnosis.model_id)}
        return name if known and statement.label not in (None, name) else None

    def _check_outlines(self, statement: Statement, cid: str) -> None:
        """Raises Conflict where the statement outlines no image of the record with the CID."""
        if statement.outline is not None and self._studies.known([cid]):
            raise Conflict("the record is of a study: an outline must name its slice, in sliceOutlines")
        if not statement.slice_outlines:
            return
        try:
            _, slices = self._studies.slices(cid)
        except (InvalidStudy, NotFound):
            raise Conflict("the statement outlines slices, but no study of this record is known here") from None
        for each in statement.slice_outlines:
            if each.order >= len(slices) or slices[each.order].cid != each.cid:
                raise Conflict(f"slice {each.order + 1} of the record's study does not have the CID {each.cid}")

    def _review(self, review_id: str) -> tuple[DiagnosisReviewedEvent, DiagnosisRecordedEvent, str]:
        """A review, its diagnosis, and the CID of the record."""
        if record := self._index.lookup_review(review_id):
            for diagnosis in record.diagnoses:
                for review in record.reviews_of(diagnosis):
                    if review.review_id == review_id:
                        return review, diagnosis, record.image.cid
        raise NotFound(f"no review with the id {review_id} of a recorded diagnosis is on the chain")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review that is on the chain. ``file`` contains its statement; ``found``: an interrupted command recorded it
    before, so that nothing was sent now."""

    event: DiagnosisReviewedEvent
    statement: Statement
    file: str
    found: bool
    published: bool


class _Draft(NamedTuple):
    """A statement in a file."""

    file: str
    content: bytes
    statement: Statement

    @property
    def reason_hash(self) -> str:
        return hash_of(self.content)


class ReviewSubmission:
    """Account and archive are opened only when they are needed; the account needs CLINICIAN_ROLE."""

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
        """A record and its diagnosis with the given id, by default the newest. Raises NotFound, ChainError."""
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

        ``label`` is the new class name of an override; it may be None for a sealed diagnosis. Repeat an interrupted
        call to continue it. Raises InvalidInput, Conflict with the contract's reason, ConfigurationError, ChainError;
        StorageError when only the publishing failed.
        """
        name, code = self._label(diagnosis, verdict, label)
        statement = Statement(
            image_id=diagnosis.image_id,
            diagnosis_id=diagnosis.diagnosis_id,
            verdict=verdict,
            label=name,
            label_code=code,
            reason=reason.strip(),
        )
        reviews = record.reviews_of(diagnosis)
        newest = reviews[-1] if reviews else None
        draft = self._draft(statement, reviews)
        reviewer = self._open_reviewer()
        # Not the hash alone: who sees a pending transaction can record a review with the same hash before it.
        if newest and draft and (newest.reason_hash, newest.reviewer) == (draft.reason_hash, reviewer.address):
            found, event = True, newest
        else:
            found = False
            event, draft = self._send(reviewer, diagnosis, newest, draft or statement)
        published = diagnosis.label != SEALED_LABEL
        if published:
            with after_sending([event.transaction_hash]):
                self._open_archive().add(draft.content)
        return Reviewed(event=event, statement=draft.statement, file=draft.file, found=found, published=published)

    def _record(self, image_id: str) -> Record:
        events = self._chain.events_of_image(image_id)
        (stored,) = self._chain.image_states([image_id])
        require_all_shown(self._chain, stored, events)
        record = Record.of(events)
        if record is None:
            raise NotFound(f"no image with the id {image_id} is registered on the chain")
        return record

    def _label(self, diagnosis: DiagnosisRecordedEvent, verdict: Verdict, label: str | None) -> tuple[str | None, int]:
        """The review's class name, if it is known, and label code."""
        if verdict is Verdict.WITHDRAWN:
            return None, 0
        if diagnosis.label == SEALED_LABEL:
            return label, SEALED_LABEL
        if verdict is Verdict.CONFIRMED:
            if diagnosis.label != ABSTAINED_LABEL and self._models.facts(diagnosis.model_id) is None:
                return None, diagnosis.label
            return self._models.label(diagnosis.model_id, diagnosis.label)[0], diagnosis.label
        for model_id, code in self._models.codes(label or ""):
            if model_id == diagnosis.model_id:
                return self._models.label(model_id, code)[0], code
        known = ", ".join(self._models.labels(diagnosis.model_id)) or "which is not installed here"
        raise InvalidInput(f"expected a label of the model {diagnosis.model_id} ({known}), found {label!r}")

    def _draft(self, statement: Statement, reviews: Sequence[DiagnosisReviewedEvent]) -> _Draft | None:
        """The file of an equal statement that is that of the newest review, or was never recorded."""
        earlier = {review.reason_hash for review in reviews[:-1]}
        for file, content in self._files.of(statement.diagnosis_id):
            if statements.read(content) == statement and hash_of(content) not in earlier:
                return _Draft(file, content, statement)
        return None

    def _write(self, diagnosis: DiagnosisRecordedEvent, statement: Statement) -> _Draft:
        content = statements.build(
            diagnosis,
            verdict=statement.verdict,
            label=statement.label,
            label_code=statement.label_code,
            reason=statement.reason,
            outline=statement.outline,
            slice_outlines=statement.slice_outlines,
        )
        return _Draft(self._files.save(diagnosis.diagnosis_id, content), content, statement)

    def _send(
        self,
        reviewer: Reviewer,
        diagnosis: DiagnosisRecordedEvent,
        newest: DiagnosisReviewedEvent | None,
        prepared: _Draft | Statement,
    ) -> tuple[DiagnosisReviewedEvent, _Draft]:
        draft = prepared if isinstance(prepared, _Draft) else self._write(diagnosis, prepared)
        review = Review(
            supersedes=newest.review_id if newest else diagnosis.diagnosis_id,
            reason_hash=draft.reason_hash,
            verdict=draft.statement.verdict,
            label=draft.statement.label_code,
        )
        try:
            sent = reviewer.review(diagnosis, review)
        except Conflict:
            # A draft of an earlier command may be mined by now; a new one never is.
            if draft is not prepared:
                self._files.remove(draft.file)
            raise
        with after_sending([sent.hash]):
            for event in self._chain.events_of_transaction(sent.hash):
                if isinstance(event, DiagnosisReviewedEvent):
                    return event, draft
            raise ChainUnavailable("the node does not show its review yet: repeat the command")
