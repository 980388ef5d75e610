"""Reviews, models and sealed diagnoses with one thing false: that line fails, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.cids import hash_of
from backend.domain import (
    NO_PARENT,
    SEALED_LABEL,
    DiagnosisReviewedEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    RoleChange,
    TrainingAnchoredEvent,
    Verdict,
)
from backend.services import manifests

from .conftest import CARD, MODEL, FalseChain, failures, unchecked, wrong

MODEL_ID = "0x" + MODEL.sha256
PAPER = "0x" + "d1" * 32


@pytest.fixture
def reviewed(world):
    record = world.record()
    world.review(record.image_id, Verdict.OVERRIDDEN, 3)
    return record


def registered(world) -> list[ModelRegisteredEvent]:
    """Of the model; its training may be anchored by another test."""
    return [event for event in world.chain.events_of_model(MODEL_ID) if isinstance(event, ModelRegisteredEvent)]


def found(verification, name: str) -> str:
    (check,) = (check for check in verification.checks if check.name == name)
    return check.found


def test_every_line_about_a_true_review_passes(world, reviewed):
    verification = world.verify(reviewed.image_id)

    assert failures(verification) == {}
    assert [state.status for state in verification.diagnoses] == ["overridden"]
    assert [check.name for check in verification.checks][-14:-5] == [
        *("review block", "review origin", "reviewed diagnosis", "review id", "review order"),
        *("reviewer role", "reviewer role origin", "reviewer", "review statement"),
    ]
    assert found(verification, "review statement") == "“seen by two — overridden”"


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"review_id": "0x" + "11" * 32}, ["review id"]),
        ({"label": 2}, ["review id"]),
        ({"verdict": Verdict.CONFIRMED}, ["review id"]),
        ({"reason_hash": "0x" + "11" * 32}, ["review id"]),
        ({"supersedes": "0x" + "11" * 32}, ["review id", "review order"]),
        ({"reviewer": "0x00000000000000000000000000000000000000AA"}, ["review id", "reviewer role"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_review_that_is_not_what_was_written(world, reviewed, change, lines):
    chain = FalseChain(world.chain, {DiagnosisReviewedEvent: change})

    assert wrong(world.verify(reviewed.image_id, chain=chain)) == lines


def test_a_reviewer_who_had_lost_the_role(world, reviewed):
    event = world.reviews(reviewed.image_id)[0]

    def revoked(role, address):
        history = list(world.chain.roles(role, address))
        return (
            [*history, RoleChange(event.block.number - 1, 9, False, address, "0x")]
            if role == "CLINICIAN_ROLE"
            else history
        )

    verification = world.verify(reviewed.image_id, chain=FalseChain(world.chain, roles=revoked))

    assert list(failures(verification)) == ["reviewer role"]


def test_a_reviewer_who_is_the_uploader(world, reviewed):
    chain = FalseChain(world.chain, {DiagnosisReviewedEvent: {"reviewer": world.wallet.address}})

    assert "reviewer" in wrong(world.verify(reviewed.image_id, chain=chain))


@pytest.mark.parametrize(
    "statement",
    [b"not JSON", b"[]", b"[" * 10_000, b'{"schema":"scanproof.review/1"}', bytes(20_000)],
    ids=lambda each: repr(each[:8]),
)
def test_a_statement_that_is_none_is_shown_as_such_and_fails_nothing(world, reviewed, statement):
    """No reviewer can correct it: it would let any of them make a record fail for ever."""
    world.store.put(statement, name="statement", media_type="application/json")
    chain = FalseChain(world.chain, {DiagnosisReviewedEvent: {"reason_hash": hash_of(statement)}})

    verification = world.verify(reviewed.image_id, chain=chain)

    assert wrong(verification) == ["review id"]
    assert found(verification, "review statement").startswith("something else than a statement of this review: ")


def test_a_statement_that_was_damaged_in_the_store(world, reviewed):
    statement = world.review(reviewed.image_id, Verdict.WITHDRAWN, 0)
    world.damage(world.store.put(statement, name="statement", media_type="application/json").cid)

    assert wrong(world.verify(reviewed.image_id)) == ["review statement (review 2 of 2)"]


def test_a_model_that_was_never_registered(world):
    record = world.record()
    verification = world.verify(record.image_id, chain=FalseChain(world.chain, events_of_model=lambda _: []))

    assert (wrong(verification), unchecked(verification)) == (["model in use"], ["model card"])
    assert found(verification, "model in use") == "never registered before it"


@pytest.mark.parametrize(
    ("offset", "fails"), [(-1, True), (1, False)], ids=["retired before the diagnosis", "retired later"]
)
def test_a_model_that_was_retired(world, offset, fails):
    record = world.record()
    (diagnosis,) = world.diagnoses(record.image_id)
    block = replace(diagnosis.block, number=diagnosis.block.number + offset)
    retired = ModelRetiredEvent(MODEL_ID, world.admin.address, "0x" + "11" * 32, 0, block)
    events = [*registered(world), retired]
    verification = world.verify(record.image_id, chain=FalseChain(world.chain, events_of_model=lambda _: events))

    assert list(failures(verification)) == (["model in use"] if fails else [])
    assert f"in block {block.number}" in found(verification, "model in use")


def test_a_model_that_was_registered_after_the_diagnosis(world):
    record = world.record()
    (diagnosis,) = world.diagnoses(record.image_id)
    events = [
        replace(event, block=replace(diagnosis.block, number=diagnosis.block.number + 1)) for event in registered(world)
    ]
    verification = world.verify(record.image_id, chain=FalseChain(world.chain, events_of_model=lambda _: events))

    assert list(failures(verification)) == ["model in use"]


def test_a_card_that_was_damaged_in_the_store(world):
    record = world.record()
    card = world.store.put(CARD, name="card", media_type="text/markdown")
    world.damage(card.cid)
    assert list(failures(world.verify(record.image_id))) == ["model card"]

    world.store.delete(card)
    verification = world.verify(record.image_id)
    assert failures(verification) == {}
    assert found(verification, "model card") == f"{card.cid}, which is not available: {card.cid} is not in the store"


def training(world, model: str, parent: str, number: int) -> TrainingAnchoredEvent:
    (block,) = world.chain.blocks([number])
    return TrainingAnchoredEvent("0x" + "d1" * 32, model, parent, "0x" + "cc" * 32, 3, "0x", "0x", 0, block)


@pytest.mark.parametrize(
    ("parents", "blocks", "what"),
    [
        ({MODEL_ID: "0xbb"}, (2,), "none anchored of the parent 0xbb"),
        ({MODEL_ID: "0xbb", "0xbb": NO_PARENT}, (2, 3), "the parent 0xbb anchored in block 3, not before"),
        ({MODEL_ID: MODEL_ID}, (2,), f"the parent {MODEL_ID} anchored in block 2, not before"),
    ],
    ids=["missing", "too late", "a circle"],
)
def test_a_training_without_its_parents(world, parents, blocks, what):
    record = world.record()
    trainings = {
        model: training(world, model, parent, number)
        for (model, parent), number in zip(parents.items(), blocks, strict=True)
    }
    known = registered(world)

    def events(model):
        return [*(known if model == MODEL_ID else []), *([trainings[model]] if model in trainings else [])]

    verification = world.verify(record.image_id, chain=FalseChain(world.chain, events_of_model=events))

    assert list(failures(verification)) == ["model training"]
    assert found(verification, "model training") == what


def test_a_line_of_many_trainings_is_walked_so_far_and_no_further(world):
    record = world.record()
    known = registered(world)
    newest = world.chain.head()

    def endless(model):
        number = 0 if model == MODEL_ID else int(model, 16)
        block = replace(newest, number=newest.number - number)
        step = TrainingAnchoredEvent(PAPER, model, f"0x{number + 1:064x}", PAPER, 3, "0x", "0x", 0, block)
        return [*(known if model == MODEL_ID else []), step]

    verification = world.verify(record.image_id, chain=FalseChain(world.chain, events_of_model=endless))

    assert failures(verification) == {}
    assert found(verification, "model training").endswith("over 1000 generations; older ones were not checked")


def sealed(world, salt: str | None = None):
    return world.record(
        lambda content, cid: world.manifest(content, cid, salt=salt or manifests.new_salt()),
        label=SEALED_LABEL,
        confidence=0,
    )


def test_a_sealed_diagnosis_passes_and_says_what_cannot_be_seen(world):
    verification = world.verify(sealed(world).image_id)

    assert failures(verification) == {}
    assert found(verification, "sealed").startswith("not visible here")
    assert not {"manifest bytes", "manifest result", "result reproduced"} & {c.name for c in verification.checks}


def test_an_opening_is_checked_to_the_last_figure(world):
    record = sealed(world)
    opened = world.verify(record.image_id, openings=[record.manifest])
    assert failures(opened) == {}
    assert found(opened, "sealed") == "opened: glioma, confidence 75.00%"

    world.classifier.probabilities = {"glioma": 0.5, "notumor": 0.5}
    assert list(failures(world.verify(record.image_id, openings=[record.manifest]))) == ["result reproduced"]


def test_an_opening_of_another_diagnosis(world):
    record, other = sealed(world), sealed(world)

    verification = world.verify(record.image_id, openings=[other.manifest])

    assert list(failures(verification)) == ["opening"]


def test_a_sealed_manifest_that_anybody_could_guess(world):
    record = world.record(label=SEALED_LABEL, confidence=0)

    verification = world.verify(record.image_id, openings=[record.manifest])

    assert list(failures(verification)) == ["sealed"]
    assert "anybody can find it by trial" in found(verification, "sealed")


def test_an_opening_with_a_salt_that_is_none(world):
    record = sealed(world, salt="too short")

    verification = world.verify(record.image_id, openings=[record.manifest])

    assert wrong(verification) == ["manifest bytes"]
