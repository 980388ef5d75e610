"""A sealed diagnosis tells neither label nor confidence, in its record or in its reviews."""

import pytest
from brownie import reverts

from tests.contracts.support import SEALED, Diagnosis, Review, Verdict, error


@pytest.fixture
def diagnosis(image_id):
    return Diagnosis(image_id, label=SEALED, confidence=0)


@pytest.fixture
def recorded(registry, alice, diagnosis, signature):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    return diagnosis


def test_label_is_the_last_of_its_type(registry):
    assert registry.SEALED() == SEALED == 2**16 - 1


def test_recorded_without_label_and_confidence(registry, alice, diagnosis, signature):
    event = registry.recordDiagnosis(diagnosis, signature, {"from": alice}).events["DiagnosisRecorded"]
    assert (event["label"], event["confidence"]) == (SEALED, 0)


@pytest.mark.parametrize("confidence", [1, 10_000])
def test_confidence_in_clear(registry, domain, alice, classifier, diagnosis, confidence):
    telling = diagnosis._replace(confidence=confidence)
    with reverts(error("SealedConfidence", confidence)):
        registry.recordDiagnosis(telling, domain.sign(classifier, telling), {"from": alice})


@pytest.mark.parametrize(
    ("verdict", "label"), [(Verdict.CONFIRMED, SEALED), (Verdict.OVERRIDDEN, SEALED), (Verdict.WITHDRAWN, 0)]
)
def test_reviewed_without_a_label(registry, domain, clinician, recorded, verdict, label):
    review = Review(domain.digest(recorded), verdict=verdict, label=label)
    event = registry.reviewDiagnosis(recorded, review, {"from": clinician}).events["DiagnosisReviewed"]
    assert (event["verdict"], event["label"]) == (verdict, label)


@pytest.mark.parametrize(
    ("verdict", "label"),
    [
        (Verdict.CONFIRMED, 2),
        (Verdict.CONFIRMED, 0),
        (Verdict.OVERRIDDEN, 2),
        (Verdict.OVERRIDDEN, 0),
        (Verdict.WITHDRAWN, SEALED),
    ],
)
def test_review_that_tells_a_label(registry, domain, clinician, recorded, verdict, label):
    review = Review(domain.digest(recorded), verdict=verdict, label=label)
    with reverts(error("LabelDoesNotFit", verdict, SEALED, label)):
        registry.reviewDiagnosis(recorded, review, {"from": clinician})


def test_unsealed_by_no_later_change(registry, domain, alice, clinician, diagnosis, signature):
    """The signature commits to the seal: the label cannot be filled in by who relays it."""
    opened = diagnosis._replace(label=2, confidence=9_731)
    with reverts(error("ClassifierNotAuthorized", domain.recover(opened, signature))):
        registry.recordDiagnosis(opened, signature, {"from": alice})
