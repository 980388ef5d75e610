import pytest
from brownie import accounts, chain, reverts

from scripts.deploy import ADMIN_DELAY_S
from tests.contracts.support import (
    CLASSIFIER_ROLE,
    CLINICIAN_ROLE,
    DEFAULT_ADMIN_ROLE,
    MODEL_ADMIN_ROLE,
    SITE_ROLE,
    error,
)

OTHERS = range(1, 10)


def test_admin_grants(registry, admin, bob):
    tx = registry.grantRole(CLASSIFIER_ROLE, bob, {"from": admin})
    assert registry.hasRole(CLASSIFIER_ROLE, bob)
    assert dict(tx.events["RoleGranted"]) == {"role": "0x" + CLASSIFIER_ROLE.hex(), "account": bob, "sender": admin}


def test_admin_revokes(registry, admin, classifier):
    tx = registry.revokeRole(CLASSIFIER_ROLE, classifier.address, {"from": admin})
    assert not registry.hasRole(CLASSIFIER_ROLE, classifier.address)
    assert dict(tx.events["RoleRevoked"]) == {
        "role": "0x" + CLASSIFIER_ROLE.hex(),
        "account": classifier.address,
        "sender": admin,
    }


def test_classifier_renounces(registry, admin, bob):
    registry.grantRole(CLASSIFIER_ROLE, bob, {"from": admin})
    registry.renounceRole(CLASSIFIER_ROLE, bob, {"from": bob})
    assert not registry.hasRole(CLASSIFIER_ROLE, bob)


@pytest.mark.parametrize("index", OTHERS)
def test_every_other_account_cannot_grant(registry, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], DEFAULT_ADMIN_ROLE)):
        registry.grantRole(CLASSIFIER_ROLE, accounts[index], {"from": accounts[index]})


@pytest.mark.parametrize("index", OTHERS)
def test_every_other_account_cannot_revoke(registry, classifier, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], DEFAULT_ADMIN_ROLE)):
        registry.revokeRole(CLASSIFIER_ROLE, classifier.address, {"from": accounts[index]})


@pytest.mark.parametrize("index", OTHERS)
def test_every_other_account_cannot_begin_a_transfer(registry, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], DEFAULT_ADMIN_ROLE)):
        registry.beginDefaultAdminTransfer(accounts[index], {"from": accounts[index]})


def test_classifier_cannot_grant(registry, admin, bob):
    registry.grantRole(CLASSIFIER_ROLE, bob, {"from": admin})
    with reverts(error("AccessControlUnauthorizedAccount", bob, DEFAULT_ADMIN_ROLE)):
        registry.grantRole(CLASSIFIER_ROLE, bob, {"from": bob})


def test_no_second_admin(registry, admin, bob):
    with reverts(error("AccessControlEnforcedDefaultAdminRules")):
        registry.grantRole(DEFAULT_ADMIN_ROLE, bob, {"from": admin})


def test_admin_is_not_revoked_at_once(registry, admin):
    with reverts(error("AccessControlEnforcedDefaultAdminRules")):
        registry.revokeRole(DEFAULT_ADMIN_ROLE, admin, {"from": admin})


def test_admin_is_not_renounced_at_once(registry, admin):
    with reverts(error("AccessControlEnforcedDefaultAdminDelay", 0)):
        registry.renounceRole(DEFAULT_ADMIN_ROLE, admin, {"from": admin})


def test_transfer_cancelled_within_the_delay(registry, admin, bob):
    registry.beginDefaultAdminTransfer(bob, {"from": admin})
    registry.cancelDefaultAdminTransfer({"from": admin})
    chain.sleep(ADMIN_DELAY_S + 1)
    with reverts(error("AccessControlInvalidDefaultAdmin", bob)):
        registry.acceptDefaultAdminTransfer({"from": bob})


def test_shorter_delay_waits_for_the_difference(registry, admin, bob):
    """Who steals the admin key cannot first abolish the delay and then be gone with the role."""
    registry.changeDefaultAdminDelay(0, {"from": admin})
    schedule = registry.beginDefaultAdminTransfer(bob, {"from": admin}).timestamp + ADMIN_DELAY_S
    with reverts(error("AccessControlEnforcedDefaultAdminDelay", schedule)):
        registry.acceptDefaultAdminTransfer({"from": bob})


@pytest.mark.parametrize("role", [CLASSIFIER_ROLE, CLINICIAN_ROLE, MODEL_ADMIN_ROLE, SITE_ROLE])
def test_lost_role_is_granted_again(registry, admin, bob, role):
    for holder in (admin, bob):
        registry.grantRole(role, holder, {"from": admin})
        registry.renounceRole(role, holder, {"from": holder})
    registry.grantRole(role, bob, {"from": admin})
    assert registry.hasRole(role, bob)


def test_transfer_after_the_delay(registry, admin, bob):
    registry.beginDefaultAdminTransfer(bob, {"from": admin})
    chain.sleep(ADMIN_DELAY_S + 1)
    registry.acceptDefaultAdminTransfer({"from": bob})
    assert registry.defaultAdmin() == bob
    assert not registry.hasRole(DEFAULT_ADMIN_ROLE, admin)


def test_transfer_before_the_delay(registry, admin, bob):
    schedule = registry.beginDefaultAdminTransfer(bob, {"from": admin}).timestamp + ADMIN_DELAY_S
    with reverts(error("AccessControlEnforcedDefaultAdminDelay", schedule)):
        registry.acceptDefaultAdminTransfer({"from": bob})


def test_transfer_accepted_by_somebody_else(registry, admin, bob, charlie):
    registry.beginDefaultAdminTransfer(bob, {"from": admin})
    chain.sleep(ADMIN_DELAY_S + 1)
    with reverts(error("AccessControlInvalidDefaultAdmin", charlie)):
        registry.acceptDefaultAdminTransfer({"from": charlie})


def test_admin_cannot_record_for_an_uploader(registry, admin, image_id, diagnosis, signature):
    with reverts(error("NotUploader", image_id, admin)):
        registry.recordDiagnosis(diagnosis, signature, {"from": admin})
