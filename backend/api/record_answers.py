"""Records in the shape of the API's answers."""

from __future__ import annotations

from collections.abc import Callable

from eth_utils.address import to_checksum_address

from backend.api.access import container
from backend.cids import raw_cid
from backend.domain import SEALED_LABEL, DiagnosisRecordedEvent, DiagnosisReviewedEvent, Record, Verdict
from backend.services.attestation import BASIS_POINTS

Reason = Callable[[DiagnosisReviewedEvent], str | None]


def no_reason(_review: DiagnosisReviewedEvent) -> None:
    """No reasons: each is an object of the store, and a list would ask for many."""


def record_answer(record: Record, *, available: bool, reason: Reason = no_reason) -> dict:
    """``available``: whether the image is kept here. ``reason`` gives a review's published reason, None without one."""
    image = record.image
    return {
        "image_id": image.image_id,
        "cid": image.cid,
        "uploader": to_checksum_address(image.uploader),
        "commitment": image.commitment,
        "transaction": transaction_link(image.transaction_hash),
        "block": image.block,
        "image_available": available,
        "diagnoses": [diagnosis_answer(record, diagnosis, reason=reason) for diagnosis in record.diagnoses],
    }


def diagnosis_answer(record: Record, diagnosis: DiagnosisRecordedEvent, *, reason: Reason = no_reason) -> dict:
    models = container().models
    sealed = diagnosis.label == SEALED_LABEL
    label, text = models.label(diagnosis.model_id, diagnosis.label)
    holds = record.label_of(diagnosis)
    current = None if holds is None else _label(diagnosis.model_id, holds)
    return {
        "diagnosis_id": diagnosis.diagnosis_id,
        "sealed": sealed,
        "status": record.status_of(diagnosis),
        "current": current,
        "label": label,
        "label_text": text,
        "label_code": diagnosis.label,
        "confidence": None if sealed else diagnosis.confidence / BASIS_POINTS,
        "model_id": diagnosis.model_id,
        "model": models.facts(diagnosis.model_id),
        "manifest_hash": diagnosis.manifest_hash,
        "manifest_cid": raw_cid(diagnosis.manifest_hash),
        "issued_at": diagnosis.issued_at,
        "classifier": to_checksum_address(diagnosis.classifier),
        "signature": diagnosis.signature,
        "transaction": transaction_link(diagnosis.transaction_hash),
        "block": diagnosis.block,
        "reviews": [_review(review, diagnosis.model_id, reason) for review in record.reviews_of(diagnosis)],
    }


def _label(model_id: str, code: int) -> dict:
    label, text = container().models.label(model_id, code)
    return {"label": label, "label_text": text, "label_code": code}


def transaction_link(hash_: str) -> dict:
    return {"hash": hash_, "explorer_url": container().profile.transaction_url(hash_)}


def _review(review: DiagnosisReviewedEvent, model_id: str, reason: Reason) -> dict:
    withdrawn = review.verdict is Verdict.WITHDRAWN
    return {
        "review_id": review.review_id,
        "verdict": review.verdict,
        "label": None if withdrawn else container().models.label(model_id, review.label)[0],
        "label_code": review.label,
        "reviewer": to_checksum_address(review.reviewer),
        "supersedes": review.supersedes,
        "reason_hash": review.reason_hash,
        "statement": reason(review),
        "transaction": transaction_link(review.transaction_hash),
        "block": review.block,
    }
