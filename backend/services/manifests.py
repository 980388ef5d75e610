"""The inference manifest: canonical JSON (RFC 8785) whose SHA-256 goes on the chain."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from importlib.metadata import version

import rfc8785

from backend.domain import ImageFacts, ModelFacts
from backend.ports import Prediction

SCHEMA = "scanproof.manifest/1"
CODE_VERSION = f"scanproof/{version('scanproof')}"
DECIMALS = 6
MAX_MANIFEST_BYTES = 64 * 1024
"""Far above any manifest, and below the size up to which a file is one block with a CID given by its hash."""
SALT_BYTES = 32


def new_salt() -> str:
    """Makes the hash of a sealed manifest tell nothing: without it, label and confidence could be found by trying."""
    return secrets.token_hex(SALT_BYTES)


def build(
    image: ImageFacts,
    model: ModelFacts,
    preprocessing: dict,
    prediction: Prediction,
    time: datetime,
    salt: str | None = None,
) -> bytes:
    """The manifest's canonical bytes. Probabilities have 6 decimals, ``time`` whole seconds in UTC."""
    return rfc8785.dumps(
        {
            **({} if salt is None else {"salt": salt}),
            "schema": SCHEMA,
            "image": {"cid": image.cid, "sha256": image.sha256},
            "modality": model.modality,
            "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
            "preprocessing": preprocessing["id"],
            "temperature": preprocessing["temperature"],
            "threshold": prediction.threshold,
            "label": prediction.label,
            "labelCode": prediction.code,
            "confidence": round(prediction.confidence, DECIMALS),
            "probabilities": {label: round(p, DECIMALS) for label, p in prediction.probabilities.items()},
            "abstained": prediction.abstained,
            "reason": prediction.reason,
            "code": CODE_VERSION,
            "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def digest_of(manifest: bytes) -> str:
    """SHA-256 in lower-case hex without 0x, as the API and files name a manifest."""
    return hashlib.sha256(manifest).hexdigest()
