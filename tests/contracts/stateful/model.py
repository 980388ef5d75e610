"""The registry's rules once more, as plain Python: the oracle of the state machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.contracts.support import (
    CLASSIFIER_ROLE,
    CLINICIAN_ROLE,
    DEFAULT_ADMIN_ROLE,
    MAX_AGE_S,
    MODEL_ADMIN_ROLE,
    SEALED,
    Diagnosis,
    Domain,
    Image,
    Review,
    Status,
    Training,
    Verdict,
    error,
    image_id_of,
)


class Refused(Exception):
    """The registry must revert with this text, in which ANY_TIME stands for a block's time."""


ANY_TIME = "<time>"


@dataclass(slots=True)
class RegistryModel:
    """All that the registry keeps. Callers are addresses; a refused call changes nothing."""

    domain: Domain
    admin: str
    roles: dict[bytes, set[str]]
    images: dict[bytes, Image] = field(default_factory=dict)
    models: dict[bytes, Status] = field(default_factory=dict)
    labels: dict[bytes, int] = field(default_factory=dict)
    compromises: dict[str, int] = field(default_factory=dict)
    trainings: dict[bytes, bytes] = field(default_factory=dict)
    newest_reviews: dict[bytes, bytes] = field(default_factory=dict)

    def register(self, uploader: str, cids: list[str]) -> list[bytes]:
        """Register all or none; the block's time is filled in by ``mined``."""
        added: dict[bytes, Image] = {}
        for cid in cids:
            _check_cid(cid)
            image_id = image_id_of(uploader, cid)
            if image_id in self.images or image_id in added:
                raise Refused(error("ImageAlreadyRegistered", image_id))
            added[image_id] = Image(uploader, 0, 0, 0)
        self.images |= added
        return list(added)

    def mined(self, image_ids: list[bytes], timestamp: int) -> None:
        for image_id in image_ids:
            self.images[image_id] = self.images[image_id]._replace(registeredAt=timestamp)

    def record(self, caller: str, diagnosis: Diagnosis, signer: str, now: int) -> None:
        """Record a diagnosis at ``now``, the chain's time in seconds; the next block may be somewhat later."""
        image_id, label, confidence = diagnosis.imageId, diagnosis.label, diagnosis.confidence
        image = self.images.get(image_id)
        if image is None:
            raise Refused(error("ImageNotRegistered", image_id))
        if image.uploader != caller:
            raise Refused(error("NotUploader", image_id, caller))
        if confidence > 10_000:
            raise Refused(error("ConfidenceOutOfRange", confidence))
        if diagnosis.issuedAt <= image.lastIssuedAt:
            raise Refused(error("DiagnosisNotNewer", diagnosis.issuedAt, image.lastIssuedAt))
        if diagnosis.issuedAt < now - MAX_AGE_S:
            raise Refused(error("DiagnosisExpired", diagnosis.issuedAt, ANY_TIME))
        self._check_in_use(diagnosis.modelId)
        if label == SEALED and confidence:
            raise Refused(error("SealedConfidence", confidence))
        self._check_label(label, diagnosis.modelId)
        if label == 0 and confidence:
            raise Refused(error("AbstentionConfidence", confidence))
        if signer not in self.roles[CLASSIFIER_ROLE]:
            raise Refused(error("ClassifierNotAuthorized", signer))
        self.images[image_id] = image._replace(lastIssuedAt=diagnosis.issuedAt, diagnosisCount=image.diagnosisCount + 1)

    def register_with_diagnosis(
        self, caller: str, cid: str, diagnosis: Diagnosis, signer: str, now: int
    ) -> list[bytes]:
        before = dict(self.images)
        try:
            (image_id,) = self.register(caller, [cid])
            if diagnosis.imageId != image_id:
                raise Refused(error("ImageIdMismatch", image_id, diagnosis.imageId))
            self.record(caller, diagnosis, signer, now)
        except Refused:
            self.images = before
            raise
        return [image_id]

    def review(self, caller: str, diagnosis: Diagnosis, review: Review) -> None:
        self._check_role(caller, CLINICIAN_ROLE)
        image = self.images.get(diagnosis.imageId)
        if image is None:
            raise Refused(error("ImageNotRegistered", diagnosis.imageId))
        if image.uploader == caller:
            raise Refused(error("ReviewerIsUploader", diagnosis.imageId))
        diagnosis_id = self.domain.digest(diagnosis)
        if not 0 < diagnosis.issuedAt <= image.lastIssuedAt:
            raise Refused(error("DiagnosisNotRecorded", diagnosis_id))
        newest = self.newest_reviews.get(diagnosis_id, diagnosis_id)
        if review.supersedes != newest:
            raise Refused(error("NotNewestStep", newest, review.supersedes))
        if review.label not in _labels(review.verdict, diagnosis.label):
            raise Refused(error("LabelDoesNotFit", review.verdict, diagnosis.label, review.label))
        if review.verdict == Verdict.OVERRIDDEN:
            self._check_label(review.label, diagnosis.modelId)
        if not any(review.reasonHash):
            raise Refused(error("ReasonMissing"))
        self.newest_reviews[diagnosis_id] = review.id(diagnosis_id, caller)

    def review_all(self, caller: str, reviewed: list[tuple[Diagnosis, Review]]) -> None:
        self._check_role(caller, CLINICIAN_ROLE)
        before = dict(self.newest_reviews)
        try:
            for diagnosis, review in reviewed:
                self.review(caller, diagnosis, review)
        except Refused:
            self.newest_reviews = before
            raise

    def register_model(self, caller: str, model_id: bytes, labels: int, card_cid: str) -> None:
        self._check_role(caller, MODEL_ADMIN_ROLE)
        if not any(model_id):
            raise Refused(error("ZeroHash"))
        if labels in (0, SEALED):
            raise Refused(error("LabelCountOutOfRange", labels))
        _check_cid(card_cid)
        if model_id in self.models:
            raise Refused(error("ModelAlreadyRegistered", model_id))
        self.models[model_id] = Status.IN_USE
        self.labels[model_id] = labels

    def retire_model(self, caller: str, model_id: bytes) -> None:
        self._check_role(caller, MODEL_ADMIN_ROLE)
        self._check_in_use(model_id)
        self.models[model_id] = Status.RETIRED

    def anchor(self, caller: str, training: Training) -> None:
        self._check_role(caller, MODEL_ADMIN_ROLE)
        if not any(training.trainingId) or not any(training.modelId):
            raise Refused(error("ZeroHash"))
        if not training.participants:
            raise Refused(error("NoParticipants"))
        if any(training.parentModelId) and training.parentModelId not in self.trainings:
            raise Refused(error("ParentNotAnchored", training.parentModelId))
        if training.modelId in self.trainings:
            raise Refused(error("TrainingAlreadyAnchored", training.modelId, self.trainings[training.modelId]))
        self.trainings[training.modelId] = training.trainingId

    def change_role(self, caller: str, role: bytes, account: str, granted: bool) -> None:
        self._check_admin(caller)
        if granted and role == CLASSIFIER_ROLE and account in self.compromises:
            raise Refused(error("ClassifierIsCompromised", account, self.compromises[account]))
        (self.roles[role].add if granted else self.roles[role].discard)(account)

    def report(self, caller: str, classifier: str, since: int, now: int) -> None:
        self._check_admin(caller)
        if not 0 < since <= now:
            raise Refused(error("CompromiseTimeOutOfRange", since, ANY_TIME))
        reported = self.compromises.get(classifier)
        if reported is not None and since >= reported:
            raise Refused(error("CompromiseNotEarlier", since, reported))
        self.compromises[classifier] = since
        self.roles[CLASSIFIER_ROLE].discard(classifier)

    def renounce(self, caller: str, role: bytes, account: str) -> None:
        if caller != account:
            raise Refused(error("AccessControlBadConfirmation"))
        self.roles[role].discard(account)

    def hand_on(self, caller: str, successor: str) -> None:
        """Begin a transfer of the admin role that the successor accepts after the delay."""
        self._check_admin(caller)
        self.admin = successor

    def _check_admin(self, caller: str) -> None:
        if caller != self.admin:
            raise Refused(error("AccessControlUnauthorizedAccount", caller, DEFAULT_ADMIN_ROLE))

    def _check_role(self, caller: str, role: bytes) -> None:
        if caller not in self.roles[role]:
            raise Refused(error("AccessControlUnauthorizedAccount", caller, role))

    def _check_label(self, label: int, model_id: bytes) -> None:
        labels = self.labels.get(model_id, 0)
        if label != SEALED and label > labels:
            raise Refused(error("LabelOutOfRange", label, labels))

    def _check_in_use(self, model_id: bytes) -> None:
        status = self.models.get(model_id, Status.UNKNOWN)
        if status != Status.IN_USE:
            raise Refused(error("ModelNotInUse", model_id, status))


def _check_cid(cid: str) -> None:
    if len(cid) != 59 or cid[:3] != "baf":
        raise Refused(error("InvalidCid", cid))


def _labels(verdict: int, diagnosed: int) -> set[int]:
    """Return the labels that may stand beside a verdict."""
    if verdict == Verdict.WITHDRAWN:
        return {0}
    if verdict == Verdict.CONFIRMED or diagnosed == SEALED:
        return {diagnosed}
    return set(range(SEALED)) - {diagnosed}
