import pytest
from brownie import chain

from tests.contracts.support import ISSUED_AT, LABELS, MAX_AGE_S, image_of


def test_emits_one_event_with_exact_fields(registry, alice, classifier, diagnosis, signature):
    tx = registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    assert [event.name for event in tx.events] == ["DiagnosisRecorded"]
    assert dict(tx.events["DiagnosisRecorded"]) == {
        "imageId": "0x" + diagnosis.imageId.hex(),
        "modelId": "0x" + diagnosis.modelId.hex(),
        "classifier": classifier.address,
        "label": diagnosis.label,
        "confidence": diagnosis.confidence,
        "manifestHash": "0x" + diagnosis.manifestHash.hex(),
        "issuedAt": diagnosis.issuedAt,
        "signature": "0x" + signature.hex(),
    }


def test_image_model_and_classifier_are_indexed(registry, alice, classifier, diagnosis, signature):
    tx = registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    topics = [bytes(topic) for topic in tx.logs[0].topics[1:]]
    assert topics == [diagnosis.imageId, diagnosis.modelId, bytes(12) + bytes.fromhex(classifier.address[2:])]


def test_updates_record(registry, alice, image_id, diagnosis, signature):
    uploader, registered_at, _, _ = image_of(registry, image_id)
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    assert image_of(registry, image_id) == (uploader, registered_at, ISSUED_AT, 1)


def test_event_is_enough_to_recover_the_classifier(registry, domain, alice, classifier, diagnosis, signature):
    event = registry.recordDiagnosis(diagnosis, signature, {"from": alice}).events["DiagnosisRecorded"]
    claimed = diagnosis._replace(
        imageId=bytes(event["imageId"]),
        modelId=bytes(event["modelId"]),
        label=event["label"],
        confidence=event["confidence"],
        manifestHash=bytes(event["manifestHash"]),
        issuedAt=event["issuedAt"],
    )
    assert domain.recover(claimed, bytes(event["signature"])) == event["classifier"] == classifier.address


def test_later_diagnosis_adds_to_the_count(registry, domain, alice, classifier, image_id, diagnosis, signature):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    second = diagnosis._replace(label=0, confidence=0, issuedAt=ISSUED_AT + 1)
    registry.recordDiagnosis(second, domain.sign(classifier, second), {"from": alice})
    assert image_of(registry, image_id)[2:] == (ISSUED_AT + 1, 2)


@pytest.mark.parametrize("confidence", [0, 10_000])
def test_bounds_of_confidence(registry, domain, alice, classifier, diagnosis, confidence):
    bound = diagnosis._replace(confidence=confidence)
    tx = registry.recordDiagnosis(bound, domain.sign(classifier, bound), {"from": alice})
    assert tx.events["DiagnosisRecorded"]["confidence"] == confidence


def test_clock_up_to_15_minutes_ahead(registry, domain, alice, classifier, image_id, diagnosis):
    ahead = diagnosis._replace(issuedAt=chain[-1].timestamp + 15 * 60)
    registry.recordDiagnosis(ahead, domain.sign(classifier, ahead), {"from": alice})
    assert image_of(registry, image_id)[2] == ahead.issuedAt


def test_up_to_7_days_old(registry, domain, alice, classifier, image_id, diagnosis):
    # The next block's time may be a few seconds later.
    old = diagnosis._replace(issuedAt=chain[-1].timestamp - MAX_AGE_S + 60)
    registry.recordDiagnosis(old, domain.sign(classifier, old), {"from": alice})
    assert image_of(registry, image_id)[2] == old.issuedAt


@pytest.mark.parametrize("label", [1, LABELS])
def test_bounds_of_the_label(registry, domain, alice, classifier, diagnosis, label):
    bound = diagnosis._replace(label=label)
    tx = registry.recordDiagnosis(bound, domain.sign(classifier, bound), {"from": alice})
    assert tx.events["DiagnosisRecorded"]["label"] == label


def test_abstention(registry, domain, alice, classifier, diagnosis):
    abstention = diagnosis._replace(label=0, confidence=0)
    tx = registry.recordDiagnosis(abstention, domain.sign(classifier, abstention), {"from": alice})
    assert (tx.events["DiagnosisRecorded"]["label"], tx.events["DiagnosisRecorded"]["confidence"]) == (0, 0)


def test_images_have_counts_of_their_own(registry, domain, alice, bob, cid, classifier, image_id, diagnosis, signature):
    other = registry.registerImage(cid, bytes(32), {"from": bob}).return_value
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    assert image_of(registry, other)[2:] == (0, 0)
