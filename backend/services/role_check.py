"""Verifies that an account had a role of the contract at the time of an event."""

from __future__ import annotations

from backend.domain import Check, DiagnosisRecordedEvent, DiagnosisReviewedEvent, position
from backend.ports import RegistryHistory


def check_role(
    chain: RegistryHistory,
    *,
    name: str,
    role: str,
    account: str,
    event: DiagnosisRecordedEvent | DiagnosisReviewedEvent,
) -> Check:
    """The check ``name``. Raises ChainError."""
    history = [entry for entry in chain.roles(role, account) if entry[:2] < position(event)]
    granted = bool(history) and history[-1][2]
    found = f"{'granted' if granted else 'revoked'} in block {history[-1][0]}" if history else "never granted before it"
    return Check(name, granted, f"{account} has {role} at block {event.block.number}", found)
