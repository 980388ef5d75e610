"""Statements, model cards and training records: whoever named them on the chain may have named anything."""

from __future__ import annotations

import hashlib

import pytest

from backend.cids import raw_cid
from backend.domain import SEALED_LABEL, Verdict
from backend.errors import CidMismatch, ImageTooLarge, InvalidCid, NotFound, StorageRefused, StorageUnavailable
from backend.services import manifests

from .conftest import CARD, failures, wrong

ERRORS = [
    NotFound("not there"),
    StorageUnavailable("timed out"),
    StorageRefused("answered 451"),
    ImageTooLarge("holds 1,000,000 bytes"),
    InvalidCid("no CID"),
    CidMismatch("one", "another"),
]
NOT_TO_BE_HAD = ERRORS[:3]


class Documents:
    """ObjectReader of a store that fails for some CIDs, and remembers what it was asked for."""

    def __init__(self, store, errors: dict[str, Exception]) -> None:
        self._store = store
        self._errors = errors
        self.asked: list[str] = []

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        self.asked.append(cid)
        if cid in self._errors:
            raise self._errors[cid]
        return self._store.get(cid, max_bytes=max_bytes)


@pytest.fixture
def reviewed(world):
    """A confirmed record, and the CIDs of its statement and of its model's card."""
    record = world.record()
    statement = world.review(record.image_id, Verdict.CONFIRMED, 1)
    cids = [
        world.store.put(content, name="paper", media_type="text/plain").cid
        if content is CARD
        else raw_cid(hashlib.sha256(content).hexdigest())
        for content in (statement, CARD)
    ]
    return record, cids


@pytest.fixture
def sealed(world):
    """A sealed record that was reviewed; its manifest and the statement, which nobody but their holders have."""
    record = world.record(
        lambda content, cid: world.manifest(content, cid, salt=manifests.new_salt()),
        label=SEALED_LABEL,
        confidence=0,
    )
    world.store.delete(world.store.put(record.manifest, name="manifest", media_type="application/json"))
    statement = world.review(record.image_id, Verdict.CONFIRMED, SEALED_LABEL, publish=False)
    return record, statement


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_no_paper_keeps_a_record_from_being_proven(world, reviewed, error):
    record, cids = reviewed
    world.store = Documents(world.store, dict.fromkeys(cids, error))

    evidence = world.evidence(record.image_id)

    assert set(cids) <= set(world.store.asked)
    assert not set(cids) & set(evidence.objects)
    assert failures(world.verify_evidence(evidence)) == {}


@pytest.mark.parametrize("error", NOT_TO_BE_HAD, ids=lambda error: type(error).__name__)
def test_what_cannot_be_had_passes_and_is_reported(world, reviewed, error):
    record, cids = reviewed
    world.store = Documents(world.store, dict.fromkeys(cids, error))

    verification = world.verify(record.image_id)

    assert failures(verification) == {}
    found = {check.name: check.found for check in verification.checks}
    assert "is not available" in found["model card"]
    assert found["review statement"] in ("none is published", f"none is available: {error}")


def test_nobody_is_asked_for_what_is_sealed(world, sealed):
    record, statement = sealed
    kept_back = {raw_cid(hashlib.sha256(content).hexdigest()) for content in (record.manifest, statement)}
    world.store = Documents(world.store, {})

    verification = world.verify(record.image_id)
    evidence = world.evidence(record.image_id)

    assert failures(verification) == {}
    assert not kept_back & set(world.store.asked)
    assert not kept_back & set(evidence.objects)
    (line,) = (check.found for check in verification.checks if check.name == "review statement")
    assert line == "that of a sealed diagnosis is never published: its reviewer keeps it"


def test_a_sealed_statement_is_no_part_of_an_evidence_file(world, sealed):
    """Nothing would check it, nor its bytes."""
    record, statement = sealed
    evidence = world.evidence(record.image_id)
    evidence.objects[raw_cid(hashlib.sha256(statement).hexdigest())] = b"anything"

    assert list(failures(world.verify_evidence(evidence))) == ["objects"]


def test_one_opening_opens_every_diagnosis_that_it_is_of(world, sealed):
    record, _ = sealed
    issued_at = world.diagnoses(record.image_id)[0].issued_at + 1
    again = world.sign(record.cid, record.manifest, label=SEALED_LABEL, confidence=0, issued_at=issued_at)
    world.wallet.record_diagnosis(again)

    evidence = world.evidence(record.image_id, openings=[record.manifest])
    for verification in (
        world.verify(record.image_id, openings=[record.manifest]),
        world.verify_evidence(evidence),
    ):
        assert failures(verification) == {}
        lines = [check.found for check in verification.checks if check.name.startswith("sealed")]
        assert [line.startswith("opened: glioma") for line in lines] == [True, True]
    assert wrong(world.verify(record.image_id, openings=[record.manifest, b"another"])) == ["opening"]


def test_another_registry_than_the_believed_one_fails(world, reviewed):
    evidence = world.evidence(reviewed[0].image_id)

    assert failures(world.verify_evidence(evidence, registry=evidence.contract.upper().replace("0X", "0x"))) == {}
    (check,) = failures(world.verify_evidence(evidence, registry="0x" + "ab" * 20)).values()
    assert (check.name, check.expected) == ("registry", f"a record in 0x{'ab' * 20}")
    assert check.found == f"a record in {evidence.contract}"
