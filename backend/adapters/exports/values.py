"""The facts of a record as one JSON object, alike in a credential and in a picture."""

from __future__ import annotations

from backend.adapters.exports.wording import Json, did, instant, ipfs, valid_label
from backend.exports import RecordFacts, ReviewFacts


def result(facts: RecordFacts) -> Json:
    """Image, model and result. An abstention has no label, a withdrawn result no ``validLabel``."""
    diagnosis = facts.diagnosis
    valid = valid_label(diagnosis)
    output = (
        {"abstained": True, **({"reason": diagnosis.reason} if diagnosis.reason else {})}
        if diagnosis.abstained
        else {"modelLabel": diagnosis.label, "confidence": diagnosis.confidence}
    )
    return {
        "id": ipfs(facts.cid),
        "sha256": facts.sha256,
        "uploader": did(facts.chain_id, facts.uploader),
        "diagnosisId": diagnosis.diagnosis_id,
        "issuedAt": instant(diagnosis.issued_at),
        "manifest": ipfs(diagnosis.manifest_cid),
        "model": {"name": diagnosis.model.name, "version": diagnosis.model.version, "sha256": diagnosis.model.sha256},
        **output,
        **({"validLabel": valid} if valid else {}),
        "status": diagnosis.status_name,
        "statusText": diagnosis.status_text,
        **({"compromiseTransaction": diagnosis.compromise.transaction_hash} if diagnosis.compromise else {}),
        "reviews": [_review(facts, review) for review in diagnosis.reviews],
    }


def record(facts: RecordFacts) -> Json:
    """Where the record is, and how to check it."""
    return {
        "imageId": facts.image_id,
        "chainId": facts.chain_id,
        "registry": facts.contract,
        "transaction": facts.transaction_hash,
        "diagnosisTransaction": facts.diagnosis.transaction_hash,
        "verify": facts.verify,
    }


def _review(facts: RecordFacts, review: ReviewFacts) -> Json:
    return {
        "reviewId": review.review_id,
        "verdict": review.verdict,
        **({"label": review.label} if review.label else {}),
        "reviewer": did(facts.chain_id, review.reviewer),
        "transaction": review.transaction_hash,
        "time": instant(review.block.timestamp),
    }
