import pytest
from brownie import accounts, reverts

from tests.contracts.support import CLINICIAN_ROLE, ISSUED_AT, Review, Verdict, error, hexed


@pytest.fixture
def recorded(registry, domain, alice, classifier, diagnosis):
    """Three diagnoses of one image."""
    diagnoses = [diagnosis._replace(issuedAt=ISSUED_AT + index) for index in range(3)]
    for each in diagnoses:
        registry.recordDiagnosis(each, domain.sign(classifier, each), {"from": alice})
    return diagnoses


@pytest.fixture
def reviews(domain, recorded):
    return [Review(domain.digest(each)) for each in recorded]


def test_ids_in_the_order_of_the_reviews(registry, domain, clinician, recorded, reviews):
    tx = registry.reviewDiagnoses(recorded, reviews, {"from": clinician})
    expected = [
        hexed(review.id(domain.digest(each), clinician)) for each, review in zip(recorded, reviews, strict=True)
    ]
    assert list(tx.return_value) == expected
    assert [registry.newestReviewOf(domain.digest(each)) for each in recorded] == expected


def test_an_event_for_each(registry, clinician, recorded, reviews):
    tx = registry.reviewDiagnoses(recorded, reviews, {"from": clinician})
    assert [(event.name, event["supersedes"]) for event in tx.events] == [
        ("DiagnosisReviewed", hexed(review.supersedes)) for review in reviews
    ]


def test_one_after_another_of_the_same_diagnosis(registry, domain, clinician, recorded, reviews):
    first = reviews[0]
    second = Review(first.id(first.supersedes, clinician), verdict=Verdict.WITHDRAWN, label=0)
    registry.reviewDiagnoses([recorded[0]] * 2, [first, second], {"from": clinician})
    assert registry.newestReviewOf(first.supersedes) == hexed(second.id(first.supersedes, clinician))


def test_review_all_or_none(registry, clinician, recorded, reviews):
    twice = [*reviews[:2], reviews[0]]
    newest = reviews[0].id(reviews[0].supersedes, clinician)
    with reverts(error("NotNewestStep", newest, reviews[0].supersedes)):
        registry.reviewDiagnoses([*recorded[:2], recorded[0]], twice, {"from": clinician})
    assert [int(str(registry.newestReviewOf(review.supersedes)), 16) for review in reviews] == [0, 0, 0]


def test_empty_batch(registry, clinician):
    with reverts(error("EmptyBatch")):
        registry.reviewDiagnoses([], [], {"from": clinician})


@pytest.mark.parametrize(("diagnoses", "reviewed"), [(3, 2), (2, 3), (1, 0)])
def test_a_review_for_each_diagnosis(registry, clinician, recorded, reviews, diagnoses, reviewed):
    with reverts(error("ReviewCountMismatch", diagnoses, reviewed)):
        registry.reviewDiagnoses(recorded[:diagnoses], reviews[:reviewed], {"from": clinician})


@pytest.mark.parametrize("index", [0, 1, 2, 3, *range(5, 10)])
def test_every_other_account_refused(registry, recorded, reviews, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], CLINICIAN_ROLE)):
        registry.reviewDiagnoses(recorded, reviews, {"from": accounts[index]})
