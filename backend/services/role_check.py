"""Verifies that an account had a role of the contract at the time of an event, and that its key was its own."""

from __future__ import annotations

from datetime import UTC, datetime

from backend.domain import Check, DiagnosisRecordedEvent, DiagnosisReviewedEvent, compromised_since, position
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


def check_key(chain: RegistryHistory, diagnosis: DiagnosisRecordedEvent) -> Check:
    """The check "classifier key". Who stole a key chooses what time it signs, so that the block's time counts as well.
    Raises ChainError."""
    reports = chain.events_of_classifier(diagnosis.classifier)
    since = compromised_since(diagnosis, reports)
    if since is not None:
        found = f"reported as compromised since {_time(since)}: whoever has the key can have signed this"
    elif reports:
        found = f"reported as compromised since {_time(min(report.since for report in reports))}, after this diagnosis"
    else:
        found = "not reported as compromised"
    return Check("classifier key", since is None, f"the key of {diagnosis.classifier} was its own", found)


def _time(timestamp: int) -> str:
    """In UTC. A time past the calendar, which only a false node or file states, stays a number."""
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {timestamp}"
