import pytest
from brownie import accounts, reverts

from tests.contracts.support import MODEL_ADMIN_ROLE, MODEL_ID, Training, error, hexed

CHILD = Training(bytes(range(32)), bytes(range(1, 33)), parentModelId=MODEL_ID, participants=5)


def test_nothing_anchored_before(registry):
    assert registry.trainingOf(MODEL_ID) == hexed(bytes(32))


def test_training_of_its_model(registry, admin):
    registry.anchorTraining(Training(), {"from": admin})
    assert registry.trainingOf(MODEL_ID) == hexed(Training().trainingId)


@pytest.mark.parametrize("training", [Training(), Training(participants=2**32 - 1), Training(metricsHash=bytes(32))])
def test_emits_one_event_with_exact_fields(registry, admin, training):
    tx = registry.anchorTraining(training, {"from": admin})
    assert [(event.name, dict(event)) for event in tx.events] == [
        (
            "TrainingAnchored",
            {
                "trainingId": hexed(training.trainingId),
                "modelId": hexed(training.modelId),
                "parentModelId": hexed(training.parentModelId),
                "metricsHash": hexed(training.metricsHash),
                "participants": training.participants,
                "admin": admin,
            },
        )
    ]
    topics = [bytes(topic) for topic in tx.logs[0].topics[1:]]
    assert topics == [training.trainingId, training.modelId, training.parentModelId]


def test_way_back_to_the_first_training(registry, admin):
    registry.anchorTraining(Training(), {"from": admin})
    event = registry.anchorTraining(CHILD, {"from": admin}).events["TrainingAnchored"]
    assert registry.trainingOf(event["parentModelId"]) == hexed(Training().trainingId)


def test_unregistered_model_is_anchored(registry, admin):
    """Rounds of federated training end in weights that no diagnosis is made with."""
    registry.anchorTraining(CHILD._replace(parentModelId=bytes(32)), {"from": admin})
    assert registry.statusOf(CHILD.modelId) == 0


@pytest.mark.parametrize(
    "change", [{"trainingId": bytes(32)}, {"modelId": bytes(32)}], ids=lambda change: next(iter(change))
)
def test_zero_is_no_hash(registry, admin, change):
    with reverts(error("ZeroHash")):
        registry.anchorTraining(Training()._replace(**change), {"from": admin})


def test_no_participants(registry, admin):
    with reverts(error("NoParticipants")):
        registry.anchorTraining(Training(participants=0), {"from": admin})


def test_parent_not_anchored(registry, admin):
    with reverts(error("ParentNotAnchored", MODEL_ID)):
        registry.anchorTraining(CHILD, {"from": admin})


def test_no_model_is_its_own_parent(registry, admin):
    with reverts(error("ParentNotAnchored", MODEL_ID)):
        registry.anchorTraining(Training(parentModelId=MODEL_ID), {"from": admin})


def test_anchored_twice(registry, admin):
    registry.anchorTraining(Training(), {"from": admin})
    with reverts(error("TrainingAlreadyAnchored", MODEL_ID, Training().trainingId)):
        registry.anchorTraining(Training(bytes(range(32))), {"from": admin})


def test_ring_of_parents(registry, admin):
    registry.anchorTraining(Training(), {"from": admin})
    registry.anchorTraining(CHILD, {"from": admin})
    with reverts(error("TrainingAlreadyAnchored", MODEL_ID, Training().trainingId)):
        registry.anchorTraining(Training(parentModelId=CHILD.modelId), {"from": admin})


@pytest.mark.parametrize("index", range(1, 10))
def test_every_other_account_refused(registry, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], MODEL_ADMIN_ROLE)):
        registry.anchorTraining(Training(), {"from": accounts[index]})
