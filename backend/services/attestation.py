"""Signs a classification, or a study, for one uploader, who can then record it on the chain."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from backend.cids import raw_cid
from backend.domain import SEALED_LABEL, Classification, Diagnosis, ModelStatus, SignedDiagnosis
from backend.errors import ClockWrong, Conflict, NotFound
from backend.ports import Chain, Classifications, DiagnosisSigner, Studies
from backend.services import manifests, study_documents
from backend.services.event_index import EventIndex

BASIS_POINTS = 10_000
MAX_CLOCK_SKEW_S = 15 * 60
"""How far in the future of the block the contract accepts a diagnosis (ImageRegistry.MAX_CLOCK_SKEW)."""
MAX_AGE_S = 7 * 86_400
"""How old a diagnosis may be when it is recorded (ImageRegistry.MAX_AGE)."""
RENEWED_AFTER_S = MAX_AGE_S - 86_400
"""A day before an attestation is too old, the wallet gets a new one."""


def describe_finding(model_id: str, label: int, confidence: int) -> str:
    """The signed part of a diagnosis, for people; ``confidence`` in basis points."""
    return f"model {model_id}, label code {label}, confidence {confidence / BASIS_POINTS:.2%}"


class _Finding(NamedTuple):
    """The signed part of a manifest: label and confidence in basis points. The confidence is 0 for an abstention, which
    names no class, and for a sealed one, whose label is SEALED_LABEL."""

    cid: str
    model_sha256: str
    label: int
    confidence: int


class AttestationService:
    def __init__(
        self,
        classifications: Classifications,
        studies: Studies,
        chain: Chain,
        signer: DiagnosisSigner,
        index: EventIndex,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._classifications = classifications
        self._studies = studies
        self._chain = chain
        self._signer = signer
        self._index = index
        self._now = now

    def attest(self, cid: str, manifest_hash: str, uploader: str) -> tuple[SignedDiagnosis, bool]:
        """The signed diagnosis, and whether it was signed now. The image id depends on the uploader.

        Returns the same attestation again until a diagnosis at least as new is on the chain, or six days have passed;
        but not one whose time is too far in the future for the contract, because the clock was wrong.
        ``manifest_hash`` is hex without 0x. Raises NotFound; Conflict, also for a model that is not in use on the
        chain; ClockWrong; ChainError.
        """
        finding = self._finding(manifest_hash)
        if finding.cid != cid:
            raise Conflict(f"that manifest is of the image {finding.cid}, not of {cid}")
        self._check_in_use("0x" + finding.model_sha256)
        chain_id, contract = self._chain.chain_id, self._chain.contract
        image_id = self._chain.image_id(uploader, cid)
        recorded = self._last_issued_at(image_id)
        earlier = self._classifications.attestation(manifest_hash, image_id, chain_id, contract)
        now = int(self._now())
        chain_time = self._chain.time()
        _check_clock(now, chain_time)
        if (
            earlier
            and earlier.classifier == self._signer.address
            and max(recorded + 1, now - RENEWED_AFTER_S) <= earlier.diagnosis.issued_at
            and earlier.diagnosis.issued_at <= min(now, chain_time) + MAX_CLOCK_SKEW_S
        ):
            return earlier, False
        diagnosis = Diagnosis(
            image_id=image_id,
            model_id="0x" + finding.model_sha256,
            label=finding.label,
            confidence=finding.confidence,
            manifest_hash="0x" + manifest_hash,
            # The contract accepts only newer diagnoses, and two can have the same second.
            issued_at=max(now, recorded + 1),
        )
        signed = self._signer.sign(diagnosis, chain_id=chain_id, contract=contract)
        self._classifications.save_attestation(signed)
        return signed, True

    def check_clock(self) -> None:
        """Readiness of the chain: raises ChainError, and ClockWrong while the contract would refuse what is signed."""
        _check_clock(int(self._now()), self._chain.time())

    def _check_in_use(self, model_id: str) -> None:
        """Raises Conflict when the contract would refuse the diagnosis, before its uploader signs it."""
        (state,) = self._chain.model_states([model_id])
        if state.status is ModelStatus.RETIRED:
            raise Conflict(f"the model {model_id} was retired on the chain: no more diagnoses by it can be recorded")
        if state.status is ModelStatus.UNKNOWN:
            raise Conflict(
                f"the model {model_id} is not registered on the chain, so that no diagnosis by it can be recorded: "
                "an account with MODEL_ADMIN_ROLE registers it with `scanproof registry register`"
            )

    def _finding(self, manifest_hash: str) -> _Finding:
        if found := self._classifications.of_manifest(manifest_hash):
            _check_gate(found)
            confidence = 0 if found.abstained else round(found.confidence * BASIS_POINTS)
            return _Finding(found.cid, found.model.sha256, found.label_code, confidence)
        if sealed := self._classifications.sealed(manifest_hash):
            return _Finding(sealed.cid, sealed.model_sha256, SEALED_LABEL, 0)
        if study := self._studies.find(raw_cid(manifest_hash)):
            manifest = study_documents.read_manifest(study)
            summary = manifest.summary
            confidence = round(summary.confidence * BASIS_POINTS)
            return _Finding(manifest.cid, manifest.model.sha256, summary.label_code, confidence)
        raise NotFound(f"no manifest with the SHA-256 {manifest_hash} was made here")

    def _last_issued_at(self, image_id: str) -> int:
        record = self._index.lookup(image_id)
        return max((diagnosis.issued_at for diagnosis in record.diagnoses), default=0) if record else 0


def _check_clock(now: int, chain_time: int) -> None:
    """Raises ClockWrong when the contract would refuse a diagnosis of that time."""
    difference = now - chain_time
    if -MAX_AGE_S < difference <= MAX_CLOCK_SKEW_S:
        return
    direction = "ahead of" if difference > 0 else "behind"
    raise ClockWrong(
        f"this server's clock is {timedelta(seconds=abs(difference))} {direction} the chain's, which refuses what is "
        "signed at such a time: set the server's clock"
    )


def _check_gate(classification: Classification) -> None:
    """Raises Conflict for a result that the gate's opinion does not permit, or that was made without asking it."""
    manifest = manifests.read(classification.manifest)
    if manifest is None or not manifest.gate_asked or not manifest.follows_gate(classification.model.modality):
        raise Conflict(
            f"expected a result that the gate permits, found that of manifest {classification.manifest_hash}: "
            "classify the image again"
        )
