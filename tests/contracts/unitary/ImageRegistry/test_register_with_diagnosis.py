import pytest
from brownie import reverts

from tests.contracts.support import ISSUED_AT, ZERO_ADDRESS, Diagnosis, cid_of, error, image_id_of, image_of

COMMITMENT = bytes(range(32))


@pytest.fixture
def image_id(alice, cid):
    """The image that is about to be registered."""
    return image_id_of(alice, cid)


def test_returns_image_id(registry, alice, cid, image_id, diagnosis, signature):
    tx = registry.registerWithDiagnosis(cid, COMMITMENT, diagnosis, signature, {"from": alice})
    assert tx.return_value == "0x" + image_id.hex()


def test_stores_record(registry, alice, cid, image_id, diagnosis, signature):
    tx = registry.registerWithDiagnosis(cid, COMMITMENT, diagnosis, signature, {"from": alice})
    assert image_of(registry, image_id) == (alice, tx.timestamp, ISSUED_AT, 1)


def test_emits_both_events_in_order(registry, alice, cid, image_id, classifier, diagnosis, signature):
    tx = registry.registerWithDiagnosis(cid, COMMITMENT, diagnosis, signature, {"from": alice})
    assert [(event.name, dict(event)) for event in tx.events] == [
        (
            "ImageRegistered",
            {
                "imageId": "0x" + image_id.hex(),
                "uploader": alice,
                "cid": cid,
                "commitment": "0x" + COMMITMENT.hex(),
            },
        ),
        (
            "DiagnosisRecorded",
            {
                "imageId": "0x" + image_id.hex(),
                "modelId": "0x" + diagnosis.modelId.hex(),
                "classifier": classifier.address,
                "label": diagnosis.label,
                "confidence": diagnosis.confidence,
                "manifestHash": "0x" + diagnosis.manifestHash.hex(),
                "issuedAt": ISSUED_AT,
                "signature": "0x" + signature.hex(),
            },
        ),
    ]


def test_later_diagnosis_follows(registry, domain, alice, cid, image_id, classifier, diagnosis, signature):
    registry.registerWithDiagnosis(cid, COMMITMENT, diagnosis, signature, {"from": alice})
    later = diagnosis._replace(issuedAt=ISSUED_AT + 1)
    registry.recordDiagnosis(later, domain.sign(classifier, later), {"from": alice})
    assert image_of(registry, image_id)[2:] == (ISSUED_AT + 1, 2)


def test_copied_from_the_mempool(registry, bob, cid, image_id, diagnosis, signature):
    with reverts(error("ImageIdMismatch", image_id_of(bob, cid), image_id)):
        registry.registerWithDiagnosis(cid, COMMITMENT, diagnosis, signature, {"from": bob})


def test_diagnosis_of_another_registered_image(registry, domain, alice, cid, image_id, classifier):
    other_cid = cid_of(b"other")
    registry.registerImage(other_cid, bytes(32), {"from": alice})
    other = Diagnosis(image_id_of(alice, other_cid))
    with reverts(error("ImageIdMismatch", image_id, other.imageId)):
        registry.registerWithDiagnosis(cid, COMMITMENT, other, domain.sign(classifier, other), {"from": alice})


def test_already_registered(registry, alice, cid, image_id, diagnosis, signature):
    registry.registerImage(cid, bytes(32), {"from": alice})
    with reverts(error("ImageAlreadyRegistered", image_id)):
        registry.registerWithDiagnosis(cid, COMMITMENT, diagnosis, signature, {"from": alice})


def test_invalid_cid(registry, alice, diagnosis, signature):
    with reverts(error("InvalidCid", "baf")):
        registry.registerWithDiagnosis("baf", COMMITMENT, diagnosis, signature, {"from": alice})


def test_confidence_out_of_range(registry, domain, alice, cid, classifier, diagnosis):
    excessive = diagnosis._replace(confidence=10_001)
    with reverts(error("ConfidenceOutOfRange", 10_001)):
        registry.registerWithDiagnosis(cid, COMMITMENT, excessive, domain.sign(classifier, excessive), {"from": alice})


def test_refused_signature_registers_nothing(registry, alice, cid, image_id, diagnosis):
    with reverts(error("ClassifierNotAuthorized", ZERO_ADDRESS)):
        registry.registerWithDiagnosis(cid, COMMITMENT, diagnosis, b"", {"from": alice})
    assert not registry.isRegistered(image_id)
