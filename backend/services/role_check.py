"""Verifies that an account had a role of the contract at the time of an event, and that its key was its own."""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain import (
    Check,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    RecordEvent,
    compromised_since,
    describe_time,
    earliest_report,
    position,
)
from backend.ports import RegistryHistory
from backend.services.origin import OriginVerifier

KEY_CHECK = "classifier key"
"""The name of the check whether the key was its classifier's own."""


def role_holders(events: Sequence[RecordEvent]) -> list[tuple[str, str]]:
    """Role and account of all who signed or reviewed a recorded diagnosis, from the events of one image."""
    diagnoses = [event for event in events if isinstance(event, DiagnosisRecordedEvent)]
    recorded = {diagnosis.diagnosis_id for diagnosis in diagnoses}
    reviews = [
        event for event in events if isinstance(event, DiagnosisReviewedEvent) and event.diagnosis_id in recorded
    ]
    classifiers = {("CLASSIFIER_ROLE", diagnosis.classifier) for diagnosis in diagnoses}
    return sorted(classifiers | {("CLINICIAN_ROLE", review.reviewer) for review in reviews})


def check_role(
    chain: RegistryHistory,
    *,
    name: str,
    role: str,
    account: str,
    event: DiagnosisRecordedEvent | DiagnosisReviewedEvent,
) -> list[Check]:
    """The check ``name``, and who made the grant. Raises ChainError."""
    history = [entry for entry in chain.roles(role, account) if entry[:2] < position(event)]
    expected = f"{account} has {role} at block {event.block.number}"
    if not history:
        return [Check(name, False, expected, "never granted before it")]
    newest = history[-1]
    found = f"{'granted' if newest.granted else 'revoked'} in block {newest.block_number}"
    return [
        Check(name, newest.granted, expected, found),
        OriginVerifier(chain).of_grant(f"{name} origin", account, newest),
    ]


def check_key(chain: RegistryHistory, diagnosis: DiagnosisRecordedEvent) -> list[Check]:
    """The check "classifier key", and who made the newest report, which decides.

    Who stole a key chooses what time it signs, so that the block's time counts as well. Raises ChainError.
    """
    reports = chain.events_of_classifier(diagnosis.classifier)
    since = compromised_since(diagnosis, reports)
    if since is not None:
        found = f"reported as compromised since {describe_time(since)}: whoever has the key can have signed this"
    elif (earliest := earliest_report(reports)) is not None:
        found = f"reported as compromised since {describe_time(earliest)}, after this diagnosis"
    else:
        found = "not reported as compromised"
    key = Check(KEY_CHECK, since is None, f"the key of {diagnosis.classifier} was its own", found)
    return [key, *(OriginVerifier(chain).of_report(report) for report in reports[-1:])]
