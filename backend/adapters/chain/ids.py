"""The ids of images and reviews, computed as the registry does."""

from __future__ import annotations

from eth_abi import encode
from eth_utils import keccak

from backend.domain import DiagnosisReviewedEvent, Verdict

_VERDICTS = tuple(Verdict)


def image_id(uploader: str, cid: str) -> str:
    """keccak256(abi.encode(uploader, cid)) as 0x-hex (see IImageRegistry.ImageRegistered)."""
    return "0x" + keccak(encode(["address", "string"], [uploader, cid])).hex()


def review_id(review: DiagnosisReviewedEvent) -> str:
    """keccak256(abi.encode(diagnosisId, reviewer, review)) as 0x-hex (see IImageRegistry.DiagnosisReviewed)."""
    types = ["bytes32", "address", "(bytes32,bytes32,uint8,uint16)"]
    step = (
        bytes.fromhex(review.supersedes[2:]),
        bytes.fromhex(review.reason_hash[2:]),
        _VERDICTS.index(review.verdict),
        review.label,
    )
    encoded = encode(types, [bytes.fromhex(review.diagnosis_id[2:]), review.reviewer, step])
    return "0x" + keccak(encoded).hex()
