"""What a reported key signed proves nothing, by the time of its block or by the time that it states."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from eth_account import Account

from backend.adapters.chain import eip712
from backend.adapters.chain.development_accounts import USER
from backend.adapters.chain.events import ROLES
from backend.domain import ClassifierCompromisedEvent, SignedDiagnosis

from .conftest import FalseChain, failures

KEY = "classifier key"


@pytest.fixture
def thief(world):
    """A world whose classifier no other test has: a report is for good, and the chain serves all tests."""
    key = Account.create()
    world.admin._send("grantRole", bytes.fromhex(ROLES["CLASSIFIER_ROLE"][2:]), key.address)

    class Signer:
        address = key.address

        def sign(self, diagnosis, *, chain_id, contract):
            message = eip712.message(diagnosis, chain_id=chain_id, contract=contract)
            signature = "0x" + bytes(key.sign_message(message).signature).hex()
            return SignedDiagnosis(diagnosis, signature, key.address, chain_id, contract)

    world.signer = Signer()
    return world


def report(world, since: int) -> None:
    world.admin._send("reportCompromise", world.signer.address, since)


def key_check(verification):
    return next(check for check in verification.checks if check.name == KEY)


@pytest.mark.parametrize("offset", [-60, 0], ids=["before", "at its second"])
def test_a_diagnosis_since_the_reported_time_fails(thief, offset):
    record = thief.record()
    (diagnosis,) = thief.diagnoses(record.image_id)
    report(thief, min(diagnosis.issued_at, diagnosis.block.timestamp) + offset)

    verification = thief.verify(record.image_id)

    assert list(failures(verification)) == [KEY]
    assert key_check(verification).found.startswith("reported as compromised since ")


def test_the_time_that_a_thief_states_does_not_help(thief):
    """The block's time counts as well."""
    record = thief.record(issued_at=int(time.time()) - 3 * 86_400)
    report(thief, int(time.time()) - 86_400)

    assert list(failures(thief.verify(record.image_id))) == [KEY]


def test_a_stated_time_after_the_report_fails_whatever_the_block_says(world):
    record = world.record()
    (diagnosis,) = world.diagnoses(record.image_id)
    ahead = replace(diagnosis, block=replace(diagnosis.block, timestamp=diagnosis.issued_at - 900))
    said = ClassifierCompromisedEvent(
        diagnosis.classifier, diagnosis.issued_at, world.admin.address, "0x" + "11" * 32, 0, diagnosis.block
    )
    history = [*world.chain.events_of_image(record.image_id)[:1], ahead]
    chain = FalseChain(world.chain, events_of_classifier=lambda _: [said])
    chain.events_of_image = lambda _: history

    assert KEY in failures(world.verify(record.image_id, chain=chain))


def test_a_diagnosis_before_the_reported_time_stands(thief):
    record = thief.record(issued_at=int(time.time()) - 3_600)
    (diagnosis,) = thief.diagnoses(record.image_id)
    said = ClassifierCompromisedEvent(
        thief.signer.address, diagnosis.block.timestamp + 1, thief.admin.address, "0x" + "11" * 32, 0, diagnosis.block
    )

    verification = thief.verify(record.image_id, chain=FalseChain(thief.chain, events_of_classifier=lambda _: [said]))

    assert failures(verification) == {}
    assert key_check(verification).found.endswith(", after this diagnosis")


def test_a_report_that_moves_earlier_counts(thief):
    record = thief.record(issued_at=int(time.time()) - 3_600)
    (diagnosis,) = thief.diagnoses(record.image_id)
    report(thief, diagnosis.block.timestamp)
    report(thief, diagnosis.issued_at - 1)

    assert [event.since for event in thief.chain.events_of_classifier(thief.signer.address)] == [
        diagnosis.block.timestamp,
        diagnosis.issued_at - 1,
    ]
    assert list(failures(thief.verify(record.image_id))) == [KEY]


def test_a_time_past_the_calendar_is_no_crash(world):
    record = world.record()
    said = ClassifierCompromisedEvent(
        world.signer.address, 2**40 - 1, world.admin.address, "0x" + "11" * 32, 0, world.chain.head()
    )
    chain = FalseChain(world.chain, events_of_classifier=lambda _: [said])

    assert key_check(world.verify(record.image_id, chain=chain)).found == (
        f"reported as compromised since Unix time {2**40 - 1}, after this diagnosis"
    )


def test_evidence_holds_the_report(thief):
    record = thief.record()
    before = thief.evidence(record.image_id)
    report(thief, int(time.time()) - 60)
    after = thief.evidence(record.image_id)

    assert list(failures(thief.verify_evidence(after))) == [KEY]
    assert list(failures(thief.verify_evidence(before))) == []
    assert set(failures(thief.verify_evidence(before, node=thief.chain))) == {
        "complete compromise reports on the chain",
        "complete roles on the chain",
        "roles on the chain",
    }


def test_the_sender_of_a_report_is_compared_with_its_signed_transaction(thief):
    record = thief.record(issued_at=int(time.time()) - 3_600)
    (diagnosis,) = thief.diagnoses(record.image_id)
    report(thief, diagnosis.block.timestamp)
    report(thief, diagnosis.issued_at)
    sent = thief.chain.events_of_classifier(thief.signer.address)[-1].transaction_hash

    def origin(verification):
        return next(check for check in verification.checks if check.name == "compromise report origin")

    evidence = thief.evidence(record.image_id)
    for verification in (thief.verify(record.image_id), thief.verify_evidence(evidence, node=thief.chain)):
        assert (origin(verification).passed, origin(verification).found) == (
            *(True, f"signed by {thief.admin.address} in transaction {sent}"),
        )

    def real(hash_):
        return thief.chain.signed_transactions([hash_])[0]

    for change, found in (
        ({"sender": USER.address}, f"is signed by {USER.address}"),
        ({"input": real(sent).input.replace(diagnosis.issued_at.to_bytes(32), bytes(32))}, "calls for something else"),
    ):

        def signed(hash_, change=change):
            return replace(real(hash_), **change) if hash_ == sent else real(hash_)

        chain = FalseChain(thief.chain, signed_transaction=signed)
        assert not origin(thief.verify(record.image_id, chain=chain)).passed
        assert found in origin(thief.verify(record.image_id, chain=chain)).found
