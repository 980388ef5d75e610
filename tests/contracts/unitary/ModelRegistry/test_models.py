import pytest
from brownie import accounts, reverts

from tests.contracts.support import LABELS, MODEL_ADMIN_ROLE, MODEL_ID, SEALED, Status, error, hexed

NEW = bytes(range(32))


def test_unknown_before(registry):
    assert registry.statusOf(NEW) == Status.UNKNOWN


def test_in_use_once_registered(registry, admin, card_cid):
    registry.registerModel(NEW, LABELS, card_cid, {"from": admin})
    assert registry.statusOf(NEW) == Status.IN_USE


def test_retired_for_good(registry, admin, card_cid):
    registry.retireModel(MODEL_ID, {"from": admin})
    assert registry.statusOf(MODEL_ID) == Status.RETIRED
    with reverts(error("ModelAlreadyRegistered", MODEL_ID)):
        registry.registerModel(MODEL_ID, LABELS, card_cid, {"from": admin})


def test_registration_emits_one_event_with_exact_fields(registry, admin, card_cid):
    tx = registry.registerModel(NEW, LABELS, card_cid, {"from": admin})
    assert [(event.name, dict(event)) for event in tx.events] == [
        ("ModelRegistered", {"modelId": hexed(NEW), "admin": admin, "labels": LABELS, "cardCid": card_cid})
    ]
    assert [bytes(topic) for topic in tx.logs[0].topics[1:]] == [NEW, bytes(12) + bytes.fromhex(admin.address[2:])]


def test_retirement_emits_one_event_with_exact_fields(registry, admin):
    tx = registry.retireModel(MODEL_ID, {"from": admin})
    assert [(event.name, dict(event)) for event in tx.events] == [
        ("ModelRetired", {"modelId": hexed(MODEL_ID), "admin": admin})
    ]
    assert [bytes(topic) for topic in tx.logs[0].topics[1:]] == [
        MODEL_ID,
        bytes(12) + bytes.fromhex(admin.address[2:]),
    ]


def test_registered_twice(registry, admin, card_cid):
    with reverts(error("ModelAlreadyRegistered", MODEL_ID)):
        registry.registerModel(MODEL_ID, LABELS, card_cid, {"from": admin})


def test_retired_twice(registry, admin):
    registry.retireModel(MODEL_ID, {"from": admin})
    with reverts(error("ModelNotInUse", MODEL_ID, Status.RETIRED)):
        registry.retireModel(MODEL_ID, {"from": admin})


def test_unknown_model_is_not_retired(registry, admin):
    with reverts(error("ModelNotInUse", NEW, Status.UNKNOWN)):
        registry.retireModel(NEW, {"from": admin})


def test_zero_is_no_model(registry, admin, card_cid):
    with reverts(error("ZeroHash")):
        registry.registerModel(bytes(32), LABELS, card_cid, {"from": admin})


@pytest.mark.parametrize("labels", [1, SEALED - 1])
def test_bounds_of_the_number_of_labels(registry, admin, card_cid, labels):
    registry.registerModel(NEW, labels, card_cid, {"from": admin})
    assert registry.labelsOf(NEW) == labels


@pytest.mark.parametrize("labels", [0, SEALED])
def test_number_of_labels_out_of_range(registry, admin, card_cid, labels):
    """Without a label a model can only abstain; the last code is that of a sealed diagnosis."""
    with reverts(error("LabelCountOutOfRange", labels)):
        registry.registerModel(NEW, labels, card_cid, {"from": admin})


def test_unknown_model_has_no_labels(registry):
    assert registry.labelsOf(NEW) == 0


def test_retired_model_keeps_its_labels(registry, admin):
    registry.retireModel(MODEL_ID, {"from": admin})
    assert registry.labelsOf(MODEL_ID) == LABELS


@pytest.mark.parametrize("invalid", ["", "baf", "b" * 59, "baf" + 57 * "a"])
def test_card_needs_a_cid(registry, admin, invalid):
    with reverts(error("InvalidCid", invalid)):
        registry.registerModel(NEW, LABELS, invalid, {"from": admin})


@pytest.mark.parametrize("index", range(1, 10))
def test_every_other_account_cannot_register(registry, card_cid, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], MODEL_ADMIN_ROLE)):
        registry.registerModel(NEW, LABELS, card_cid, {"from": accounts[index]})


@pytest.mark.parametrize("index", range(1, 10))
def test_every_other_account_cannot_retire(registry, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], MODEL_ADMIN_ROLE)):
        registry.retireModel(MODEL_ID, {"from": accounts[index]})


def test_role_handed_to_another_account(registry, admin, bob, card_cid):
    registry.grantRole(MODEL_ADMIN_ROLE, bob, {"from": admin})
    registry.revokeRole(MODEL_ADMIN_ROLE, admin, {"from": admin})
    registry.registerModel(NEW, LABELS, card_cid, {"from": bob})
    with reverts(error("AccessControlUnauthorizedAccount", admin, MODEL_ADMIN_ROLE)):
        registry.retireModel(NEW, {"from": admin})


def test_diagnosis_by_an_unregistered_model(registry, domain, alice, classifier, diagnosis):
    unknown = diagnosis._replace(modelId=NEW)
    with reverts(error("ModelNotInUse", NEW, Status.UNKNOWN)):
        registry.recordDiagnosis(unknown, domain.sign(classifier, unknown), {"from": alice})


def test_diagnosis_by_a_retired_model(registry, admin, alice, diagnosis, signature):
    registry.retireModel(MODEL_ID, {"from": admin})
    with reverts(error("ModelNotInUse", MODEL_ID, Status.RETIRED)):
        registry.recordDiagnosis(diagnosis, signature, {"from": alice})


def test_model_admin_cannot_make_a_diagnosis(registry, domain, admin, alice, bob, diagnosis, card_cid):
    """Its own model is in use, yet no account that is no classifier signs for it."""
    registry.grantRole(MODEL_ADMIN_ROLE, bob, {"from": admin})
    registry.registerModel(NEW, LABELS, card_cid, {"from": bob})
    own = diagnosis._replace(modelId=NEW)
    with reverts(revert_pattern="ClassifierNotAuthorized: .*"):
        registry.recordDiagnosis(own, bytes(65), {"from": alice})


def test_model_admin_grants_no_role(registry, admin, bob):
    registry.grantRole(MODEL_ADMIN_ROLE, bob, {"from": admin})
    with reverts(error("AccessControlUnauthorizedAccount", bob, bytes(32))):
        registry.grantRole(MODEL_ADMIN_ROLE, bob, {"from": bob})


def test_retirement_leaves_what_was_recorded(
    registry, admin, alice, clinician, domain, diagnosis, signature, first_review
):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    registry.retireModel(MODEL_ID, {"from": admin})
    registry.reviewDiagnosis(diagnosis, first_review, {"from": clinician})
    assert registry.newestReviewOf(domain.digest(diagnosis)) == hexed(
        first_review.id(domain.digest(diagnosis), clinician)
    )
