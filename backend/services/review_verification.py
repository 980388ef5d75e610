"""Verifies a review of a record: its reviewer, its diagnosis, its place in the chain of reviews, its statement."""

from __future__ import annotations

from collections.abc import Callable

from backend.cids import hash_of, raw_cid
from backend.domain import SEALED_LABEL, Check, DiagnosisRecordedEvent, DiagnosisReviewedEvent, ImageRegisteredEvent
from backend.errors import ImageTooLarge, NotFound, StorageError, StorageRefused, StorageUnavailable
from backend.ports import ObjectReader, RegistryHistory
from backend.printable import printable
from backend.services import statements
from backend.services.origin import OriginVerifier
from backend.services.role_check import check_role

ReviewId = Callable[[DiagnosisReviewedEvent], str]
_SHOWN_REASON = 200
_NO_STATEMENT = "something else than a statement of this review"
"""Its hash is on the chain, so that no reviewer can correct it: it must not make the record fail, or any could."""


class ReviewVerifier:
    """``review_id`` computes the id of a review from its other fields."""

    def __init__(self, chain: RegistryHistory, store: ObjectReader, review_id: ReviewId) -> None:
        self._chain = chain
        self._store = store
        self._review_id = review_id

    def checks(
        self,
        image: ImageRegisteredEvent,
        diagnosis: DiagnosisRecordedEvent,
        review: DiagnosisReviewedEvent,
        previous: str,
    ) -> list[Check]:
        """``previous``: the id that the review must supersede. Raises ChainError."""
        return [
            OriginVerifier(self._chain).of_review(diagnosis, review),
            Check("reviewed diagnosis", True, "a recorded diagnosis of this image", review.diagnosis_id),
            self._id(review),
            Check("review order", review.supersedes == previous, f"supersedes {previous}", review.supersedes),
            *check_role(
                self._chain, name="reviewer role", role="CLINICIAN_ROLE", account=review.reviewer, event=review
            ),
            _reviewer(image, review),
            self._statement(review, sealed=diagnosis.label == SEALED_LABEL),
        ]

    def _id(self, review: DiagnosisReviewedEvent) -> Check:
        found = self._review_id(review)
        described = f"{found} from reviewer, verdict {review.verdict}, label code {review.label} and reason hash"
        return Check("review id", found == review.review_id, review.review_id, described)

    def _statement(self, review: DiagnosisReviewedEvent, *, sealed: bool) -> Check:
        def check(passed: bool, found: str) -> Check:
            return Check("review statement", passed, f"SHA-256 {review.reason_hash}, if it is published", found)

        if sealed:
            return check(True, "that of a sealed diagnosis is never published: its reviewer keeps it")
        try:
            content = self._store.get(raw_cid(review.reason_hash), max_bytes=statements.MAX_STATEMENT_BYTES)
        except NotFound:
            return check(True, "none is published")
        except (StorageUnavailable, StorageRefused) as error:
            # The answer of public gateways, after a long search, for an object that nobody published.
            return check(True, f"none is available: {error}")
        except ImageTooLarge as error:
            return check(True, f"{_NO_STATEMENT}: {error}")
        except StorageError as error:
            return check(False, str(error))
        found = hash_of(content)
        if found != review.reason_hash:
            return check(False, f"SHA-256 {found}")
        return check(True, _reason(content, review) or f"{_NO_STATEMENT}: SHA-256 {found}")


def _reviewer(image: ImageRegisteredEvent, review: DiagnosisReviewedEvent) -> Check:
    passed = review.reviewer != image.uploader
    return Check("reviewer", passed, f"another account than the uploader {image.uploader}", review.reviewer)


def _reason(content: bytes, review: DiagnosisReviewedEvent) -> str | None:
    """The reason in quotes, safe for a terminal; None unless the statement belongs to this review."""
    statement = statements.read(content)
    if statement is None or not statement.fits(review):
        return None
    reason = statement.reason
    shown = " ".join(printable(reason[:_SHOWN_REASON]).split())
    return f"“{shown}{'…' if len(reason) > _SHOWN_REASON else ''}”"
