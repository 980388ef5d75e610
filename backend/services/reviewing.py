"""Reviewing a diagnosis from this machine: the statement is on disk before its hash is sent to the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from backend.cids import hash_of
from backend.domain import (
    SEALED_LABEL,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Record,
    Verdict,
)
from backend.errors import ChainUnavailable, Conflict, InvalidInput, NotFound
from backend.ports import Chain, Reviewer, StatementFiles
from backend.services import statements
from backend.services.models import ABSTAINED_CODE, ModelService
from backend.services.reviews import StatementArchive
from backend.submissions import Review


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
