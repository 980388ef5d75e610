"""Facts of records in every status, for the writers of documents: one picture as PNG, or the same as DICOM."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from backend.domain import (
    ABSTAINED_LABEL,
    SEALED_LABEL,
    BlockRef,
    ClassifierCompromisedEvent,
    DiagnosisStatus,
    DicomReference,
    Verdict,
)
from backend.exports import DiagnosisFacts, RecordFacts
from tests.backend.adapters.exports import facts as records
from tests.backend.adapters.exports.facts import png, review

_FACTS = records.facts(records.picture(png()))
ASSERTED = replace(_FACTS.diagnosis, transaction_hash=_FACTS.transaction_hash)
UPLOADER, CONTRACT, CLASSIFIER = _FACTS.uploader, _FACTS.contract, ASSERTED.classifier
CID, MANIFEST_CID = _FACTS.cid, ASSERTED.manifest_cid
REASON = "the confidence 41 % is below the threshold 60 %"
DICOM = DicomReference(
    sop_class="1.2.840.10008.5.1.4.1.1.4",
    sop_instance="2.25.301",
    study="2.25.101",
    series="2.25.201",
    frame_of_reference="2.25.401",
    modality="MR",
    series_number=3,
    instance_number=12,
    rows=64,
    columns=64,
    spacing=(0.5, 0.5),
    position=None,
    orientation=None,
    thickness=None,
    patient_id="SP-1",
    patient_name="Pseudonym",
    patient_sex="",
    study_date="",
)
ABSTAINED = replace(
    ASSERTED,
    label="abstained",
    label_text="No answer",
    label_code=0,
    confidence=0.41,
    abstained=True,
    reason=REASON,
    status=DiagnosisStatus.ABSTAINED,
    current_label="abstained",
    current_label_text="No answer",
)
CONFIRMED = replace(ASSERTED, status=DiagnosisStatus.CONFIRMED, reviews=(review(Verdict.CONFIRMED),))
OVERRIDDEN = replace(
    ASSERTED,
    status=DiagnosisStatus.OVERRIDDEN,
    current_label="meningioma",
    current_label_text="Meningioma",
    reviews=(review(Verdict.OVERRIDDEN, "meningioma"),),
)
WITHDRAWN = replace(
    ASSERTED,
    status=DiagnosisStatus.WITHDRAWN,
    current_label=None,
    current_label_text=None,
    reviews=(review(Verdict.WITHDRAWN, None, None),),
)
COMPROMISED = replace(
    CONFIRMED,
    current_label=None,
    current_label_text=None,
    compromise=ClassifierCompromisedEvent(
        classifier=ASSERTED.classifier,
        since=1_790_000_000,
        admin="0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        transaction_hash="0x" + "03" * 32,
        log_index=0,
        block=BlockRef(10, "0x" + "04" * 32, 1_790_000_400),
    ),
)
STATES = {
    "asserted": ASSERTED,
    "abstained": ABSTAINED,
    "confirmed": CONFIRMED,
    "confirmed abstention": replace(
        ABSTAINED,
        status=DiagnosisStatus.CONFIRMED,
        reviews=(replace(review(Verdict.CONFIRMED, "abstained"), label_code=ABSTAINED_LABEL),),
    ),
    "overridden": OVERRIDDEN,
    "overridden abstention": replace(
        OVERRIDDEN, **{name: getattr(ABSTAINED, name) for name in ("label", "label_text", "abstained", "reason")}
    ),
    "overridden without an answer": replace(
        OVERRIDDEN,
        current_label="abstained",
        current_label_text="No answer",
        reviews=(replace(review(Verdict.OVERRIDDEN, "abstained"), label_code=ABSTAINED_LABEL),),
    ),
    "overridden under a seal": replace(
        OVERRIDDEN,
        current_label="Sealed",
        current_label_text="Known to whoever holds the opening",
        reviews=(replace(review(Verdict.OVERRIDDEN, "Sealed"), label_code=SEALED_LABEL),),
    ),
    "withdrawn": WITHDRAWN,
    "compromised": COMPROMISED,
    "compromised and overridden": replace(OVERRIDDEN, current_label=None, compromise=COMPROMISED.compromise),
}


def facts(diagnosis: DiagnosisFacts = ASSERTED, *, content: bytes | None = None, dicom: bool = False) -> RecordFacts:
    """The record of one picture, whose outline is drawn unless the model abstained."""
    content = png() if content is None else content
    picture = replace(
        _FACTS.shown,
        cid=CID,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="application/dicom" if dicom else "image/png",
        dicom=DICOM if dicom else None,
    )
    if diagnosis.abstained:
        picture = replace(picture, outline=None, no_outline="the classifier gave no answer")
    return replace(_FACTS, sha256=picture.sha256, diagnosis=diagnosis, pictures=(picture,))
