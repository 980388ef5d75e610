"""What the contract's state shows to have happened, and a history of events lacks.

The state alone cannot tell every event. The rest follows from the contract's rules: a review names the one that it
supersedes, a role is granted and revoked in turns (OpenZeppelin's AccessControl logs nothing else), and nobody without
the role signs or reviews a diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from backend.ancestry import Ancestry
from backend.domain import (
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    ImageRegisteredEvent,
    ModelEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    ModelStatus,
    RecordEvent,
    RegisteredState,
    RegistryState,
    RoleChange,
    StateKeys,
    StoredImage,
    TrainingAnchoredEvent,
    first_of,
    position,
)
from backend.errors import ChainUnavailable, LogsIncomplete
from backend.ports import Chain, RegistryHistory

_NAMED = 3
_ASKED_GRANTS = 20
Changes = Mapping[tuple[str, str], Sequence[RoleChange]]
"""By role and account."""


def list_of(lacking: Sequence[str]) -> str:
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return ", ".join(lacking[:_NAMED]) + more


def lacking_events(
    state: RegistryState,
    *,
    events: Sequence[RecordEvent],
    models: Ancestry,
    changes: Changes,
    since: Mapping[str, int | None],
) -> Iterator[str]:
    """What ``state`` shows and is missing among the events of the image, its models, its roles, and the times
    ``since`` which its classifiers are reported."""
    yield from lacking_record(state.image, events)
    yield from lacking_reviews(state.newest_reviews, events)
    for model_id, stored in state.models.items():
        yield from lacking_of_model(model_id, stored, models[model_id])
    for key, granted in state.roles.items():
        yield from _lacking_changes(key, granted, changes[key])
    for classifier, time in state.compromises.items():
        found = since[classifier]
        if time is not None and (found is None or found > time):
            yield f"the report of the classifier {classifier}"


def lacking_record(stored: StoredImage | None, events: Sequence[RecordEvent]) -> Iterator[str]:
    if stored is None:
        return
    if not any(isinstance(event, ImageRegisteredEvent) for event in events):
        yield "the registration of the image"
    diagnoses = sum(isinstance(event, DiagnosisRecordedEvent) for event in events)
    if diagnoses < stored.diagnosis_count:
        yield f"{stored.diagnosis_count - diagnoses} of {stored.diagnosis_count} diagnoses"


def lacking_reviews(newest: Mapping[str, str | None], events: Sequence[RecordEvent]) -> Iterator[str]:
    """``newest`` are the ids of the newest reviews by diagnosis; each review leads to the one before."""
    reviews = {event.review_id: event for event in events if isinstance(event, DiagnosisReviewedEvent)}
    for diagnosis_id, review_id in newest.items():
        passed: set[str] = set()
        while review_id not in (None, diagnosis_id) and review_id not in passed:
            review = reviews.get(review_id)
            if review is None:
                yield f"the review {review_id}"
                break
            passed.add(review_id)
            review_id = review.supersedes


def lacking_of_model(model_id: str, stored: RegisteredState, events: Sequence[ModelEvent]) -> Iterator[str]:
    """A model that is retired was registered before."""
    if stored.status is not ModelStatus.UNKNOWN and first_of(events, ModelRegisteredEvent) is None:
        yield f"the registration of the model {model_id}"
    if stored.status is ModelStatus.RETIRED and first_of(events, ModelRetiredEvent) is None:
        yield f"the retirement of the model {model_id}"
    if stored.training_id is not None and first_of(events, TrainingAnchoredEvent) is None:
        yield f"the training of the model {model_id}"


def _lacking_changes(key: tuple[str, str], granted: bool, changes: Sequence[RoleChange]) -> Iterator[str]:
    turns = [change.granted for change in changes]
    expected = [place % 2 == 0 for place in range(len(turns))]
    if turns != expected or (len(turns) % 2 == 1) != granted:
        yield f"a grant or revocation of {' of '.join(key)}"


def lacking_grants(chain: RegistryHistory, events: Sequence[RecordEvent]) -> Iterator[str]:
    """The roles that signers and reviewers had by the state of their events' blocks, and not by the history.

    A node may have no state of old blocks: then nothing is shown. Raises ChainError.
    """
    recorded = {event.diagnosis_id for event in events if isinstance(event, DiagnosisRecordedEvent)}
    acts: list[tuple[str, str, DiagnosisRecordedEvent | DiagnosisReviewedEvent]] = [
        ("CLASSIFIER_ROLE", event.classifier, event)
        if isinstance(event, DiagnosisRecordedEvent)
        else ("CLINICIAN_ROLE", event.reviewer, event)
        for event in events
        if isinstance(event, DiagnosisRecordedEvent | DiagnosisReviewedEvent) and event.diagnosis_id in recorded
    ]
    unexplained = [each for each in acts if not _had_role(chain, *each)]
    for role, account, event in unexplained[-_ASKED_GRANTS:]:
        keys = StateKeys(
            image_id=event.image_id, diagnosis_ids=(), model_ids=(), classifiers=(), roles=((role, account),)
        )
        try:
            state = chain.state(keys, event.block)
        except ChainUnavailable:
            return
        if state is not None and state.roles[role, account]:
            yield f"the grant of {role} of {account} before block {event.block.number}"


def require_all_shown(chain: Chain, stored: StoredImage | None, events: Sequence[RecordEvent]) -> None:
    """Raises LogsIncomplete when ``events`` of an image lack one that the contract has now, ChainError."""
    diagnoses = [event.diagnosis_id for event in events if isinstance(event, DiagnosisRecordedEvent)]
    newest = dict(zip(diagnoses, chain.newest_reviews(diagnoses), strict=True))
    lacking = [*lacking_record(stored, events), *lacking_reviews(newest, events)]
    if lacking:
        raise LogsIncomplete(chain.head().number, list_of(lacking))


def _had_role(
    chain: RegistryHistory, role: str, account: str, event: DiagnosisRecordedEvent | DiagnosisReviewedEvent
) -> bool:
    earlier = [change for change in chain.roles(role, account) if change[:2] < position(event)]
    return bool(earlier) and earlier[-1].granted
