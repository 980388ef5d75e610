import pytest
from brownie import accounts, reverts, web3

from tests.contracts.support import (
    CLINICIAN_ROLE,
    ISSUED_AT,
    LABELS,
    MODEL_ID,
    SEALED,
    Diagnosis,
    Review,
    Verdict,
    error,
    image_id_of,
)

pytestmark = pytest.mark.node


@pytest.fixture
def recorded(registry, alice, diagnosis, signature):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    return diagnosis


@pytest.mark.parametrize("index", [0, 1, 2, 3, *range(5, 10)])
def test_every_other_account_refused(registry, recorded, first_review, index):
    with reverts(error("AccessControlUnauthorizedAccount", accounts[index], CLINICIAN_ROLE)):
        registry.reviewDiagnosis(recorded, first_review, {"from": accounts[index]})


def test_revoked_clinician(registry, admin, clinician, recorded, first_review):
    registry.revokeRole(CLINICIAN_ROLE, clinician, {"from": admin})
    with reverts(error("AccessControlUnauthorizedAccount", clinician, CLINICIAN_ROLE)):
        registry.reviewDiagnosis(recorded, first_review, {"from": clinician})


def test_uploader_cannot_review(registry, admin, alice, image_id, recorded, first_review):
    registry.grantRole(CLINICIAN_ROLE, alice, {"from": admin})
    with reverts(error("ReviewerIsUploader", image_id)):
        registry.reviewDiagnosis(recorded, first_review, {"from": alice})


def test_image_not_registered(registry, domain, bob, cid, clinician, recorded):
    unknown = Diagnosis(image_id_of(bob, cid))
    with reverts(error("ImageNotRegistered", unknown.imageId)):
        registry.reviewDiagnosis(unknown, Review(domain.digest(unknown)), {"from": clinician})


def test_image_without_diagnosis(registry, domain, clinician, diagnosis, first_review):
    with reverts(error("DiagnosisNotRecorded", domain.digest(diagnosis))):
        registry.reviewDiagnosis(diagnosis, first_review, {"from": clinician})


@pytest.mark.parametrize("issued_at", [0, ISSUED_AT + 1, 2**64 - 1])
def test_diagnosis_of_another_time(registry, domain, clinician, recorded, issued_at):
    other = recorded._replace(issuedAt=issued_at)
    with reverts(error("DiagnosisNotRecorded", domain.digest(other))):
        registry.reviewDiagnosis(other, Review(domain.digest(other)), {"from": clinician})


def test_review_of_an_invented_diagnosis_can_never_come_to_count(
    registry, domain, alice, classifier, clinician, recorded
):
    """What may be reviewed is no newer than the record, and what may be recorded is newer."""
    invented = recorded._replace(label=1)
    registry.reviewDiagnosis(invented, Review(domain.digest(invented), label=1), {"from": clinician})
    with reverts(error("DiagnosisNotNewer", ISSUED_AT, ISSUED_AT)):
        registry.recordDiagnosis(invented, domain.sign(classifier, invented), {"from": alice})


def test_second_of_two_at_once(registry, domain, admin, bob, clinician, recorded, first_review):
    registry.grantRole(CLINICIAN_ROLE, bob, {"from": admin})
    registry.reviewDiagnosis(recorded, first_review, {"from": clinician})
    newest = first_review.id(domain.digest(recorded), clinician)
    with reverts(error("NotNewestStep", newest, first_review.supersedes)):
        registry.reviewDiagnosis(recorded, first_review, {"from": bob})


def test_replay(registry, domain, clinician, recorded, first_review):
    registry.reviewDiagnosis(recorded, first_review, {"from": clinician})
    newest = first_review.id(domain.digest(recorded), clinician)
    with reverts(error("NotNewestStep", newest, first_review.supersedes)):
        registry.reviewDiagnosis(recorded, first_review, {"from": clinician})


@pytest.mark.parametrize("given", [bytes(32), 32 * b"\xff"])
def test_first_review_names_the_diagnosis(registry, domain, clinician, recorded, first_review, given):
    with reverts(error("NotNewestStep", domain.digest(recorded), given)):
        registry.reviewDiagnosis(recorded, first_review._replace(supersedes=given), {"from": clinician})


@pytest.mark.parametrize(
    ("verdict", "label"),
    [
        (Verdict.CONFIRMED, 1),
        (Verdict.CONFIRMED, 0),
        (Verdict.CONFIRMED, SEALED),
        (Verdict.OVERRIDDEN, 2),
        (Verdict.OVERRIDDEN, SEALED),
        (Verdict.WITHDRAWN, 2),
        (Verdict.WITHDRAWN, SEALED),
    ],
)
def test_label_does_not_fit(registry, clinician, recorded, first_review, verdict, label):
    with reverts(error("LabelDoesNotFit", verdict, recorded.label, label)):
        registry.reviewDiagnosis(recorded, first_review._replace(verdict=verdict, label=label), {"from": clinician})


@pytest.mark.parametrize("retired", [False, True])
@pytest.mark.parametrize("label", [LABELS + 1, 777, SEALED - 1])
def test_override_by_a_label_that_the_model_does_not_have(
    registry, admin, clinician, recorded, first_review, label, retired
):
    if retired:
        registry.retireModel(MODEL_ID, {"from": admin})
    with reverts(error("LabelOutOfRange", label, LABELS)):
        override = first_review._replace(verdict=Verdict.OVERRIDDEN, label=label)
        registry.reviewDiagnosis(recorded, override, {"from": clinician})


def test_override_of_a_model_that_never_was(registry, domain, clinician, recorded):
    invented = recorded._replace(modelId=bytes(range(32)))
    override = Review(domain.digest(invented), verdict=Verdict.OVERRIDDEN, label=1)
    with reverts(error("LabelOutOfRange", 1, 0)):
        registry.reviewDiagnosis(invented, override, {"from": clinician})


def test_reason_missing(registry, clinician, recorded, first_review):
    with reverts(error("ReasonMissing")):
        registry.reviewDiagnosis(recorded, first_review._replace(reasonHash=bytes(32)), {"from": clinician})


def test_unknown_verdict(registry, clinician, recorded, first_review):
    # Called through web3: Brownie fails in its own error report for a revert without data.
    data = registry.reviewDiagnosis.encode_input(recorded, first_review._replace(verdict=3))
    with pytest.raises(ValueError, match="revert"):
        web3.eth.call({"from": clinician.address, "to": registry.address, "data": data})
