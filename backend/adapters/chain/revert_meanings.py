"""What the registry's errors mean, for people."""

from __future__ import annotations

MEANINGS = {
    "AccessControlUnauthorizedAccount": "the account does not hold the role that this needs; the registry's admin "
    "grants it",
    "ClassifierNotAuthorized": "the diagnosis is not signed by an account that holds CLASSIFIER_ROLE",
    "ConfidenceOutOfRange": "a confidence has at most 10,000 basis points",
    "DiagnosisFromFuture": "the diagnosis is dated more than 15 minutes after the block: one of the clocks is wrong",
    "DiagnosisNotNewer": "the image has a diagnosis at least as new as this one",
    "DiagnosisNotRecorded": "no such diagnosis is recorded for its image",
    "EmptyBatch": "a batch needs at least one image",
    "ImageAlreadyRegistered": "this account registered this image before",
    "ImageIdMismatch": "the diagnosis is for another image",
    "ImageNotRegistered": "no image with this id is registered",
    "InvalidCid": "a CID of version 1 in base32 is needed",
    "LabelDoesNotFit": "to confirm, a review keeps the diagnosis' label; to override, it gives another one (none for "
    "a sealed diagnosis); to withdraw, it gives none",
    "LengthMismatch": "a batch needs one commitment for each CID",
    "ModelAlreadyRegistered": "this model was registered before; once retired, it stays so",
    "ModelNotInUse": "the registry does not know this model, or it was retired",
    "NoParticipants": "a training has at least one participant",
    "NotNewestStep": "the diagnosis was reviewed meanwhile: look at that review first",
    "NotUploader": "only the account that registered an image can record its diagnoses",
    "ParentNotAnchored": "the training of the model that this one began from must be anchored first",
    "ReasonMissing": "a review needs a reason",
    "ReviewerIsUploader": "the account that registered an image cannot review its diagnoses",
    "SealedConfidence": "a sealed diagnosis must not tell its confidence",
    "TooManyDiagnoses": "an image can have 65,535 diagnoses, and this one has",
    "TrainingAlreadyAnchored": "the training of this model is anchored already",
    "ZeroHash": "a hash of zero stands for nothing",
}
