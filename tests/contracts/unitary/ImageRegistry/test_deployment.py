import pytest
from brownie import ZERO_ADDRESS, ImageRegistry, chain, reverts, web3

from scripts.deploy import ADMIN_DELAY_S, ClassifierMissing, deploy
from tests.contracts.support import (
    CLASSIFIER_ROLE,
    CLINICIAN_ROLE,
    DEFAULT_ADMIN_ROLE,
    MODEL_ADMIN_ROLE,
    SITE_ROLE,
    error,
)

pytestmark = pytest.mark.node


def test_deployer_is_default_admin(registry, admin):
    assert registry.defaultAdmin() == registry.owner() == admin


def test_admin_delay(registry):
    assert registry.defaultAdminDelay() == ADMIN_DELAY_S == 86_400


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("CLASSIFIER_ROLE", CLASSIFIER_ROLE),
        ("CLINICIAN_ROLE", CLINICIAN_ROLE),
        ("MODEL_ADMIN_ROLE", MODEL_ADMIN_ROLE),
        ("SITE_ROLE", SITE_ROLE),
    ],
)
def test_role_is_its_name_hashed(registry, name, role):
    assert getattr(registry, name)() == "0x" + role.hex()


def test_admin_is_model_admin(registry, admin):
    assert registry.hasRole(MODEL_ADMIN_ROLE, admin)


def test_admin_is_no_clinician(registry, admin):
    assert not registry.hasRole(CLINICIAN_ROLE, admin)


def test_classifier_holds_its_role(registry, classifier):
    assert registry.hasRole(CLASSIFIER_ROLE, classifier.address)


def test_admin_is_no_classifier(registry, admin):
    assert not registry.hasRole(CLASSIFIER_ROLE, admin)


def test_classifier_is_no_admin(registry, classifier):
    assert not registry.hasRole(DEFAULT_ADMIN_ROLE, classifier.address)


def test_one_transaction_grants_every_first_role(registry, admin, classifier):
    granted = [dict(event) for event in registry.tx.events["RoleGranted"]]
    assert granted == [
        {"role": "0x" + DEFAULT_ADMIN_ROLE.hex(), "account": admin, "sender": admin},
        {"role": "0x" + CLASSIFIER_ROLE.hex(), "account": classifier.address, "sender": admin},
        {"role": "0x" + MODEL_ADMIN_ROLE.hex(), "account": admin, "sender": admin},
    ]


def test_eip712_domain(registry):
    fields, name, version, chain_id, contract, salt, extensions = registry.eip712Domain()
    assert (fields, name, version, chain_id, contract) == ("0x0f", "ScanProof", "1", chain.id, registry.address)
    assert (int(str(salt), 16), list(extensions)) == (0, [])


def test_zero_admin_refused(admin, classifier):
    with reverts(error("AccessControlInvalidDefaultAdmin", ZERO_ADDRESS)):
        ImageRegistry.deploy(0, ZERO_ADDRESS, classifier.address, {"from": admin})


def test_zero_classifier_refused_by_deployment(admin):
    with pytest.raises(ClassifierMissing, match="found the zero address"):
        deploy(admin, ZERO_ADDRESS)


def test_ether_refused(registry, alice):
    # Called through web3: Brownie fails in its own error report for a revert that has no function.
    with pytest.raises(ValueError, match="revert"):
        web3.eth.call({"from": alice.address, "to": registry.address, "value": 1})
