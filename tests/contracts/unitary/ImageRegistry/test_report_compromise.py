"""The admin's word that a classifier's key is no longer its own: a time that may only move earlier."""

import pytest
from brownie import accounts, chain, reverts
from brownie.exceptions import VirtualMachineError

from tests.contracts.support import CLASSIFIER_ROLE, DEFAULT_ADMIN_ROLE, ISSUED_AT, error, image_of


@pytest.fixture
def reported(registry, admin, classifier):
    return registry.reportCompromise(classifier.address, ISSUED_AT, {"from": admin})


def test_nobody_is_reported_before(registry, classifier):
    assert registry.compromisedSince(classifier.address) == 0


def test_stores_the_time(registry, classifier, reported):
    assert registry.compromisedSince(classifier.address) == ISSUED_AT


def test_emits_both_events_with_exact_fields(admin, classifier, reported):
    assert [(event.name, dict(event)) for event in reported.events] == [
        ("RoleRevoked", {"role": "0x" + CLASSIFIER_ROLE.hex(), "account": classifier.address, "sender": admin}),
        ("ClassifierCompromised", {"classifier": classifier.address, "since": ISSUED_AT, "admin": admin}),
    ]
    indexed = [bytes(topic)[12:].hex() for topic in reported.logs[1].topics[1:]]
    assert indexed == [account.address[2:].lower() for account in (classifier, admin)]


def test_revokes_the_role(registry, classifier, reported):
    assert not registry.hasRole(CLASSIFIER_ROLE, classifier.address)


def test_unused_signature_is_refused(registry, alice, classifier, diagnosis, signature, reported):
    with reverts(error("ClassifierNotAuthorized", classifier.address)):
        registry.recordDiagnosis(diagnosis, signature, {"from": alice})


def test_what_was_recorded_stays(registry, admin, alice, classifier, image_id, diagnosis, signature):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    registry.reportCompromise(classifier.address, 1, {"from": admin})
    assert image_of(registry, image_id)[2:] == (ISSUED_AT, 1)


def test_never_a_classifier_again(registry, admin, classifier, reported):
    with reverts(error("ClassifierIsCompromised", classifier.address, ISSUED_AT)):
        registry.grantRole(CLASSIFIER_ROLE, classifier.address, {"from": admin})


def test_other_classifiers_go_on(registry, admin, bob, reported):
    registry.grantRole(CLASSIFIER_ROLE, bob, {"from": admin})
    assert registry.hasRole(CLASSIFIER_ROLE, bob)
    assert registry.compromisedSince(bob) == 0


def test_dismissed_classifier_is_reported(registry, admin, classifier):
    registry.revokeRole(CLASSIFIER_ROLE, classifier.address, {"from": admin})
    tx = registry.reportCompromise(classifier.address, ISSUED_AT, {"from": admin})
    assert [event.name for event in tx.events] == ["ClassifierCompromised"]


def test_moves_earlier(registry, admin, classifier, reported):
    registry.reportCompromise(classifier.address, ISSUED_AT - 1, {"from": admin})
    assert registry.compromisedSince(classifier.address) == ISSUED_AT - 1


@pytest.mark.parametrize("since", [ISSUED_AT, ISSUED_AT + 1], ids=["the same", "later"])
def test_never_moves_later(registry, admin, classifier, reported, since):
    """Else a second report would make statements of the thief good again."""
    with reverts(error("CompromiseNotEarlier", since, ISSUED_AT)):
        registry.reportCompromise(classifier.address, since, {"from": admin})


def test_time_of_the_block(registry, admin, classifier):
    block = chain.height
    now = chain[block].timestamp
    sender = {"from": admin}
    registry.reportCompromise.call(classifier.address, now, sender, block_identifier=block)
    with reverts(error("CompromiseTimeOutOfRange", now + 1, now)):
        registry.reportCompromise.call(classifier.address, now + 1, sender, block_identifier=block)


@pytest.mark.parametrize("since", [0, 2**40 - 1], ids=["zero", "future"])
def test_time_out_of_range(registry, admin, classifier, since):
    with pytest.raises(VirtualMachineError) as refused:
        registry.reportCompromise(classifier.address, since, {"from": admin})
    assert refused.value.revert_msg == error("CompromiseTimeOutOfRange", since, chain[-1].timestamp)


@pytest.mark.parametrize("index", range(1, 10))
def test_every_other_account_cannot_report(registry, classifier, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], DEFAULT_ADMIN_ROLE)):
        registry.reportCompromise(classifier.address, ISSUED_AT, {"from": accounts[index]})
