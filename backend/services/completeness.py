"""Verifies that nothing was left out of a record: what the registry stores of it must follow from its events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from backend.ancestry import state_after
from backend.domain import (
    BlockRef,
    Check,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    ImageRegisteredEvent,
    RecordEvent,
    RegisteredState,
    StateKeys,
    StoredImage,
    earliest_report,
)
from backend.errors import LogsIncomplete
from backend.ports import RegistryHistory
from backend.services.hidden_events import lacking_events, lacking_grants, list_of
from backend.services.model_verification import PROVEN_GENERATIONS, models_of
from backend.services.read_once import ReadOnce
from backend.services.role_check import role_holders

REREADS = 3
_PAUSE_S = 1.0
_SHOWN = 3
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Completeness:
    """``block`` is the newest one that the checks cover, None without a state to compare with. ``lacking`` are the
    events that the state shows to exist, and that the history lacks."""

    block: BlockRef | None
    checks: tuple[Check, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def shown(self) -> BlockRef | None:
        """The block up to which nothing was left out; None unless that is shown."""
        return self.block if all(check.passed for check in self.checks) else None


def check_completeness(
    chain: RegistryHistory, image_id: str, *, state_of: RegistryHistory | None = None
) -> Completeness:
    """Compare the events of a record, of its models and of the roles of who signed it, with the registry's state, by
    default that of the same chain.

    The state's block is read before the events: what is mined in between is newer, and is left out of the comparison.
    Raises ChainError.
    """
    block = (state_of or chain).state_block()
    if block is None:
        return Completeness(None)
    events = [event for event in chain.events_of_image(image_id) if event.block.number <= block.number]
    keys = keys_of(chain, image_id, events)
    state = (state_of or chain).state(keys, block)
    if state is None:
        expected = f"the registry's storage at the end of block {block.number}"
        return Completeness(block, (Check("complete record", False, expected, "not proven"),))
    models = {
        model_id: [event for event in found if event.block.number <= block.number]
        for model_id, found in models_of(chain, events).items()
    }
    changes = {
        key: [change for change in chain.roles(*key) if change.block_number <= block.number] for key in keys.roles
    }
    since = _reports(chain, keys, block)
    return Completeness(
        block,
        (
            _record(state.image, events, block),
            _reviews(state.newest_reviews, events, block),
            _compared("complete models", state.models, {each: state_after(models[each]) for each in models}, block),
            _compared(
                "complete roles",
                state.roles,
                {key: bool(found) and found[-1].granted for key, found in changes.items()},
                block,
            ),
            _compared("complete compromise reports", state.compromises, since, block),
        ),
        tuple(lacking_events(state, events=events, models=models, changes=changes, since=since)),
    )


def read_completely(
    chain: RegistryHistory, image_id: str, *, rereads: int = REREADS, of_node: bool = True
) -> tuple[ReadOnce, Completeness]:
    """The history, and whether that of the image is complete; read again up to ``rereads`` times until it is.

    Many nodes answer for the logs of their newest blocks a moment later than for the state. What a node does not show
    then, although the contract's state has it, it hides: that says nothing about the record. Raises LogsIncomplete, if
    the history is ``of_node``; ChainError.
    """
    for last in (False,) * rereads + (True,):
        history = ReadOnce(chain)
        completeness = check_completeness(history, image_id)
        if last or (all(check.passed for check in completeness.checks) and not completeness.lacking):
            break
        time.sleep(_PAUSE_S)
    if of_node and completeness.block:
        lacking = completeness.lacking or tuple(lacking_grants(history, history.events_of_image(image_id)))
        if lacking:
            raise LogsIncomplete(completeness.block.number, list_of(lacking))
    return history, completeness


def keys_of(chain: RegistryHistory, image_id: str, events: Sequence[RecordEvent]) -> StateKeys:
    """What the registry stores that events of that image, its models and roles must lead to. Raises ChainError."""
    holders = role_holders(events)
    return StateKeys(
        image_id=image_id,
        diagnosis_ids=tuple(event.diagnosis_id for event in events if isinstance(event, DiagnosisRecordedEvent)),
        model_ids=tuple(models_of(chain, events, generations=PROVEN_GENERATIONS)),
        classifiers=tuple(account for role, account in holders if role == "CLASSIFIER_ROLE"),
        roles=tuple(holders),
    )


def _record(stored: StoredImage | None, events: Sequence[RecordEvent], block: BlockRef) -> Check:
    registered = next((event for event in events if isinstance(event, ImageRegisteredEvent)), None)
    issued = [event.issued_at for event in events if isinstance(event, DiagnosisRecordedEvent)]
    expected = f"at the end of block {block.number}: {_described(stored)}"
    if registered is None:
        return Check("complete record", stored is None, expected, _described(None))
    found = StoredImage(registered.uploader, registered.block.timestamp, issued[-1] if issued else 0, len(issued))
    return Check("complete record", found == stored, expected, _described(found))


def _reviews(stored: Mapping[str, str | None], events: Sequence[RecordEvent], block: BlockRef) -> Check:
    reviews = [event for event in events if isinstance(event, DiagnosisReviewedEvent)]
    newest: dict[str, str | None] = dict.fromkeys(stored)
    newest |= {review.diagnosis_id: review.review_id for review in reviews if review.diagnosis_id in stored}
    return _compared("complete reviews", stored, newest, block)


def _reports(chain: RegistryHistory, keys: StateKeys, block: BlockRef) -> dict[str, int | None]:
    """Since when each classifier is reported as compromised."""
    since: dict[str, int | None] = {}
    for account in keys.classifiers:
        reports = [event for event in chain.events_of_classifier(account) if event.block.number <= block.number]
        since[account] = earliest_report(reports)
    return since


def _compared(name: str, stored: Mapping[K, V], found: Mapping[K, V], block: BlockRef) -> Check:
    """Whether the events lead to what is stored; names what they do not lead to."""
    expected = f"what is stored at the end of block {block.number}"
    wrong = [key for key in stored if stored[key] != found[key]]
    if not wrong:
        return Check(name, True, expected, "the same")
    shown = "; ".join(f"{_text(key)}: {_text(found[key])}, stored is {_text(stored[key])}" for key in wrong[:_SHOWN])
    return Check(name, False, expected, shown)


def _text(value: object) -> str:
    if isinstance(value, RegisteredState):
        return f"{value.status}, training {value.training_id or 'not anchored'}"
    if isinstance(value, tuple):
        return " of ".join(value)
    if isinstance(value, bool):
        return "granted" if value else "not granted"
    return "none" if value is None else str(value)


def _described(image: StoredImage | None) -> str:
    if image is None:
        return "no such image"
    return (
        f"registered by {image.uploader} at {image.registered_at} (Unix time), "
        f"{image.diagnosis_count} diagnoses, the newest issued at {image.last_issued_at}"
    )
