import pytest

from tests.contracts.support import LABELS, MODEL_ID, Diagnosis, Review, Verdict, hexed


@pytest.fixture
def recorded(registry, alice, diagnosis, signature):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    return diagnosis


@pytest.fixture
def diagnosis_id(domain, diagnosis):
    return domain.digest(diagnosis)


def test_no_review_before(registry, recorded, diagnosis_id):
    assert registry.newestReviewOf(diagnosis_id) == hexed(bytes(32))


def test_returns_review_id(registry, clinician, recorded, diagnosis_id, first_review):
    tx = registry.reviewDiagnosis(recorded, first_review, {"from": clinician})
    assert tx.return_value == hexed(first_review.id(diagnosis_id, clinician))


def test_becomes_the_newest(registry, clinician, recorded, diagnosis_id, first_review):
    registry.reviewDiagnosis(recorded, first_review, {"from": clinician})
    assert registry.newestReviewOf(diagnosis_id) == hexed(first_review.id(diagnosis_id, clinician))


@pytest.mark.parametrize(
    ("verdict", "label"),
    [
        (Verdict.CONFIRMED, 2),
        (Verdict.OVERRIDDEN, 1),
        (Verdict.OVERRIDDEN, 0),
        (Verdict.OVERRIDDEN, LABELS),
        (Verdict.WITHDRAWN, 0),
    ],
)
def test_emits_one_event_with_exact_fields(registry, clinician, recorded, diagnosis_id, first_review, verdict, label):
    review = first_review._replace(verdict=verdict, label=label)
    tx = registry.reviewDiagnosis(recorded, review, {"from": clinician})
    assert [(event.name, dict(event)) for event in tx.events] == [
        (
            "DiagnosisReviewed",
            {
                "imageId": hexed(recorded.imageId),
                "diagnosisId": hexed(diagnosis_id),
                "reviewer": clinician,
                "reviewId": hexed(review.id(diagnosis_id, clinician)),
                "supersedes": hexed(diagnosis_id),
                "reasonHash": hexed(review.reasonHash),
                "verdict": verdict,
                "label": label,
            },
        )
    ]
    topics = [bytes(topic) for topic in tx.logs[0].topics[1:]]
    assert topics == [recorded.imageId, diagnosis_id, bytes(12) + bytes.fromhex(clinician.address[2:])]


def test_each_verdict_may_follow_each(registry, clinician, recorded, diagnosis_id, first_review):
    newest = first_review.supersedes
    labels = {Verdict.CONFIRMED: 2, Verdict.OVERRIDDEN: 1, Verdict.WITHDRAWN: 0}
    for before in Verdict:
        for after in Verdict:
            for verdict in (before, after):
                review = Review(newest, verdict=verdict, label=labels[verdict])
                tx = registry.reviewDiagnosis(recorded, review, {"from": clinician})
                assert tx.events["DiagnosisReviewed"]["supersedes"] == hexed(newest)
                newest = review.id(diagnosis_id, clinician)
    assert registry.newestReviewOf(diagnosis_id) == hexed(newest)


def test_each_diagnosis_of_an_image_has_a_life_of_its_own(
    registry, domain, alice, classifier, clinician, recorded, diagnosis_id, first_review
):
    later = recorded._replace(issuedAt=recorded.issuedAt + 1)
    registry.recordDiagnosis(later, domain.sign(classifier, later), {"from": alice})
    registry.reviewDiagnosis(recorded, first_review, {"from": clinician})
    assert registry.newestReviewOf(domain.digest(later)) == hexed(bytes(32))
    registry.reviewDiagnosis(later, Review(domain.digest(later)), {"from": clinician})
    assert registry.newestReviewOf(diagnosis_id) == hexed(first_review.id(diagnosis_id, clinician))


def test_record_is_untouched(registry, clinician, recorded, image_id, first_review):
    before = registry.imageOf(image_id)
    registry.reviewDiagnosis(recorded, first_review, {"from": clinician})
    assert registry.imageOf(image_id) == before


def test_of_a_retired_model(registry, admin, clinician, recorded, first_review):
    registry.retireModel(MODEL_ID, {"from": admin})
    override = first_review._replace(verdict=Verdict.OVERRIDDEN, label=LABELS)
    tx = registry.reviewDiagnosis(recorded, override, {"from": clinician})
    assert tx.events["DiagnosisReviewed"]["label"] == LABELS


def test_abstention_is_reviewed(registry, domain, alice, classifier, clinician, image_id):
    abstention = Diagnosis(image_id, label=0, confidence=0)
    registry.recordDiagnosis(abstention, domain.sign(classifier, abstention), {"from": alice})
    review = Review(domain.digest(abstention), verdict=Verdict.OVERRIDDEN, label=3)
    tx = registry.reviewDiagnosis(abstention, review, {"from": clinician})
    assert tx.events["DiagnosisReviewed"]["label"] == 3
