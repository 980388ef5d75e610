"""What the documents say alike: the result in words, and names of accounts, objects and times."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from backend.domain import ABSTAINED_LABEL, SEALED_LABEL, DiagnosisStatus
from backend.exports import NOT_A_DIAGNOSIS, DiagnosisFacts, RecordFacts

Json = dict[str, Any]
_NO_LABELS = frozenset({ABSTAINED_LABEL, SEALED_LABEL})
"""Codes that a clinician can give in place of a label."""


def is_sealed(diagnosis: DiagnosisFacts) -> bool:
    """Whether the label that is valid now is a clinician's that only its opening shows."""
    overridden = diagnosis.status is DiagnosisStatus.OVERRIDDEN and not diagnosis.void
    return overridden and diagnosis.reviews[-1].label_code == SEALED_LABEL


def valid_label(diagnosis: DiagnosisFacts) -> str | None:
    """The label that is valid now; None after an abstention, unless a clinician gave one, after a withdrawal, where
    the clinician's is sealed, and where the classifier's key is compromised."""
    if diagnosis.void:
        return None
    if diagnosis.status is DiagnosisStatus.OVERRIDDEN:
        return None if diagnosis.reviews[-1].label_code in _NO_LABELS else diagnosis.current_label
    return None if diagnosis.abstained else diagnosis.current_label


def valid_text(diagnosis: DiagnosisFacts) -> str:
    """The valid label for readers."""
    if valid_label(diagnosis) or is_sealed(diagnosis):
        return diagnosis.current_label_text or ""
    return "No answer"


def result_text(diagnosis: DiagnosisFacts) -> str:
    """What is valid now, in one sentence; never the label of an abstention or of a withdrawn result as a finding."""
    if diagnosis.compromise:
        return f"No result is valid: whoever has the classifier's key can have signed it. {_said(diagnosis)}"
    if diagnosis.status is DiagnosisStatus.WITHDRAWN:
        return f"No result is valid: a clinician withdrew it. {_said(diagnosis)}"
    if diagnosis.status is DiagnosisStatus.OVERRIDDEN:
        return f"{valid_text(diagnosis)}, as a clinician decided. {_said(diagnosis)}"
    return _model_text(diagnosis)


def _said(diagnosis: DiagnosisFacts) -> str:
    return f"The model's output was: {_model_text(diagnosis)}"


def _model_text(diagnosis: DiagnosisFacts) -> str:
    if diagnosis.abstained:
        return f"No answer: the model abstained{f' ({diagnosis.reason})' if diagnosis.reason else ''}"
    return f"{diagnosis.label_text}, confidence {diagnosis.confidence:.2%}"


def statements(facts: RecordFacts) -> tuple[str, ...]:
    """The sentences that every document has: what the result is not, and who reviewed it."""
    status = facts.diagnosis.status_text
    return f"{NOT_A_DIAGNOSIS}.", f"{status[0].upper()}{status[1:]}."


def did(chain_id: int, address: str) -> str:
    """An account as a decentralised identifier (did:pkh, CAIP-10)."""
    return f"did:pkh:eip155:{chain_id}:{address}"


def ipfs(cid: str) -> str:
    return f"ipfs://{cid}"


def instant(timestamp: int) -> str:
    """Unix seconds as an instant of FHIR and XML Schema, in UTC."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def newest(facts: RecordFacts) -> int:
    """When the newest event of the diagnosis was recorded, in Unix seconds: what a document says holds since then."""
    diagnosis = facts.diagnosis
    blocks = [facts.block, diagnosis.block, *(review.block for review in diagnosis.reviews)]
    if diagnosis.compromise:
        blocks.append(diagnosis.compromise.block)
    return max(block.timestamp for block in blocks)


def urn(facts: RecordFacts, *names: str) -> str:
    """The same ``urn:uuid`` (version 5) for the same part of the same diagnosis."""
    place = (str(facts.chain_id), facts.contract.lower(), facts.diagnosis.diagnosis_id, *names)
    return uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("urn:scanproof", *place))).urn


def as_json(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
