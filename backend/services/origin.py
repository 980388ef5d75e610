"""Verifies that an account made an event itself: that its own signed transaction named it to the registry."""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain import (
    Check,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    ImageRegisteredEvent,
    ModelEvent,
    ModelRegisteredEvent,
    RoleChange,
    TrainingAnchoredEvent,
    Verdict,
)
from backend.ports import RegistryHistory

_VERDICTS = tuple(Verdict)
_BLOCK_ONLY = "proven by the block only"


class OriginVerifier:
    """Every check raises ChainError.

    A transaction that went straight to the registry must be signed by the account of its event, for this chain, with a
    call that names what the event says. Behind a contract (a Safe, an ERC-4337 bundler, an EIP-7702 relay) the signer
    is another account by right: then the block alone proves who called the registry.
    """

    def __init__(self, chain: RegistryHistory) -> None:
        self._chain = chain

    def of_image(self, image: ImageRegisteredEvent) -> Check:
        return self._check("origin", image.uploader, image.transaction_hash, [image.cid.encode()])

    def of_diagnosis(self, image: ImageRegisteredEvent, diagnosis: DiagnosisRecordedEvent) -> Check:
        """Only the uploader may record a diagnosis."""
        return self._check(
            "diagnosis origin", image.uploader, diagnosis.transaction_hash, [_call_of_diagnosis(diagnosis)]
        )

    def of_review(self, diagnosis: DiagnosisRecordedEvent, review: DiagnosisReviewedEvent) -> Check:
        step = _word(review.supersedes) + _word(review.reason_hash) + _number(_VERDICTS.index(review.verdict))
        named = [_call_of_diagnosis(diagnosis), step + _number(review.label)]
        return self._check("review origin", review.reviewer, review.transaction_hash, named)

    def of_model(self, event: ModelEvent) -> Check:
        if isinstance(event, TrainingAnchoredEvent):
            fields = (event.training_id, event.model_id, event.parent_model_id, event.metrics_hash)
            named = [b"".join(_word(field) for field in fields)]
            return self._check("training origin", event.admin, event.transaction_hash, named)
        if isinstance(event, ModelRegisteredEvent):
            named = [_word(event.model_id), event.card_cid.encode()]
            return self._check("model origin", event.admin, event.transaction_hash, named)
        return self._check("retirement origin", event.admin, event.transaction_hash, [_word(event.model_id)])

    def of_report(self, report: ClassifierCompromisedEvent) -> Check:
        named = [_word(report.classifier) + _number(report.since)]
        return self._check("compromise report origin", report.admin, report.transaction_hash, named)

    def of_grant(self, name: str, account: str, change: RoleChange) -> Check:
        return self._check(name, change.sender, change.transaction_hash, [_word(account)])

    def _check(self, name: str, account: str, hash_: str, named: Sequence[bytes]) -> Check:
        expected = f"signed by {account} for chain {self._chain.chain_id}"

        def check(passed: bool, found: str) -> Check:
            return Check(name, passed, expected, found)

        (transaction,) = self._chain.signed_transactions([hash_])
        if transaction is None:
            return check(True, f"{_BLOCK_ONLY}: no signature of transaction {hash_} is available")
        if transaction.sender is None:
            return check(False, f"transaction {hash_} has no valid signature")
        if transaction.chain_id not in (None, self._chain.chain_id):
            return check(False, f"transaction {hash_} is signed for chain {transaction.chain_id}")
        if (transaction.to or "").lower() != self._chain.contract.lower():
            return check(True, f"{_BLOCK_ONLY}: {transaction.sender} sent transaction {hash_} to {transaction.to}")
        if transaction.sender.lower() != account.lower():
            return check(False, f"transaction {hash_} is signed by {transaction.sender}")
        if not all(each in transaction.input for each in named):
            return check(False, f"transaction {hash_} of {transaction.sender} calls for something else")
        return check(True, f"signed by {transaction.sender} in transaction {hash_}")


def _call_of_diagnosis(diagnosis: DiagnosisRecordedEvent) -> bytes:
    """IImageRegistry.Diagnosis ABI-encoded; all its fields are static."""
    return (
        _word(diagnosis.image_id)
        + _word(diagnosis.model_id)
        + _number(diagnosis.label)
        + _number(diagnosis.confidence)
        + _word(diagnosis.manifest_hash)
        + _number(diagnosis.issued_at)
    )


def _word(value: str) -> bytes:
    """A hash or an address as 32 bytes of call data."""
    return bytes.fromhex(value.removeprefix("0x")).rjust(32, b"\0")


def _number(value: int) -> bytes:
    return value.to_bytes(32)
