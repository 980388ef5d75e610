"""Facts of records for the tests of documents: one MRI slice as PNG, reviewed or not, and the same as DICOM."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

from PIL import Image

from backend.domain import BlockRef, DiagnosisStatus, DicomReference, ModelFacts, Verdict
from backend.exports import DiagnosisFacts, OutlineFacts, Picture, RecordFacts, ReviewFacts

UPLOADER = "0x627306090abaB3A6e1400e9345bC60c78a8BEf57"
CLASSIFIER = "0x821aEa9a577a9b44299B9c15c88cf3087F3b5544"
REVIEWER = "0xC5fdf4076b8F3A5357c5E395ab970B5B54098Fef"
CONTRACT = "0x345cA3e014Aaf5dcA488057592ee47305D9B3e10"
MODEL = ModelFacts("brain-mri", "2.1.0", "ab" * 32, "brain-mri")
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
MANIFEST_CID = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
REASON = "the confidence 41 % is below the threshold 60 %"
CONTOUR = ((20.0, 12.0), (44.0, 12.0), (44.0, 36.0), (20.0, 36.0))
DICOM = DicomReference(
    sop_class="1.2.840.10008.5.1.4.1.1.4",
    sop_instance="2.25.301",
    study="2.25.101",
    series="2.25.201",
    frame_of_reference="2.25.401",
    modality="MR",
    series_number=3,
    instance_number=12,
    rows=48,
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


def image(format_: str = "PNG") -> bytes:
    output = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).save(output, format_)
    return output.getvalue()


def block(number: int) -> BlockRef:
    return BlockRef(number, "0x" + f"{number:064x}", 1_790_000_000 + number)


def review(verdict: Verdict, label: str | None, code: int, *, reason: str | None = "seen on T2") -> ReviewFacts:
    return ReviewFacts("0x" + "71" * 32, verdict, label, code, REVIEWER, reason, "0x" + "72" * 32, block(30))


ASSERTED = DiagnosisFacts(
    number=1,
    diagnosis_id="0x" + "d1" * 32,
    label="glioma",
    label_text="Glioma",
    label_code=1,
    confidence=0.9312,
    probabilities={"glioma": 0.9312, "meningioma": 0.05, "notumor": 0.0188},
    abstained=False,
    reason=None,
    model=MODEL,
    manifest_hash="0x" + "fa" * 32,
    manifest_cid=MANIFEST_CID,
    classifier=CLASSIFIER,
    issued_at=1_790_000_001,
    transaction_hash="0x" + "7a" * 32,
    block=block(20),
    status=DiagnosisStatus.ASSERTED,
    current_label="glioma",
    current_label_text="Glioma",
    reviews=(),
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
CONFIRMED = replace(ASSERTED, status=DiagnosisStatus.CONFIRMED, reviews=(review(Verdict.CONFIRMED, "glioma", 1),))
OVERRIDDEN = replace(
    ASSERTED,
    status=DiagnosisStatus.OVERRIDDEN,
    current_label="meningioma",
    current_label_text="Meningioma",
    reviews=(review(Verdict.OVERRIDDEN, "meningioma", 2),),
)
WITHDRAWN = replace(
    ASSERTED,
    status=DiagnosisStatus.WITHDRAWN,
    current_label=None,
    current_label_text=None,
    reviews=(review(Verdict.WITHDRAWN, None, 0, reason=None),),
)
ANSWERED_ABSTENTION = replace(
    OVERRIDDEN, **{name: getattr(ABSTAINED, name) for name in ("label", "label_code", "abstained", "reason")}
)
STATES = {
    "asserted": ASSERTED,
    "abstained": ABSTAINED,
    "confirmed": CONFIRMED,
    "confirmed abstention": replace(
        ABSTAINED, status=DiagnosisStatus.CONFIRMED, reviews=(review(Verdict.CONFIRMED, "abstained", 0),)
    ),
    "overridden": OVERRIDDEN,
    "overridden abstention": ANSWERED_ABSTENTION,
    "overridden without an answer": replace(
        OVERRIDDEN, current_label="abstained", reviews=(review(Verdict.OVERRIDDEN, "abstained", 0),)
    ),
    "withdrawn": WITHDRAWN,
}


def facts(diagnosis: DiagnosisFacts = ASSERTED, *, content: bytes | None = None, dicom: bool = False) -> RecordFacts:
    """The record of one image, whose outline is drawn unless the model abstained."""
    content = image() if content is None else content
    outline = None if diagnosis.abstained else OutlineFacts((CONTOUR,), MODEL, None, 576, 144.0)
    picture = Picture(
        order=None,
        cid=CID,
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="application/dicom" if dicom else "image/png",
        width=64,
        height=48,
        content=content,
        decoding=3,
        outline=outline,
        no_outline=None if outline else "the classifier gave no answer",
        dicom=DICOM if dicom else None,
    )
    image_id = "0x" + "1d" * 32
    return RecordFacts(
        image_id=image_id,
        uploader=UPLOADER,
        cid=CID,
        sha256=picture.sha256,
        transaction_hash="0x" + "7a" * 32,
        block=block(20),
        chain_id=1337,
        chain_name="Ganache",
        contract=CONTRACT,
        diagnosis=diagnosis,
        study=None,
        pictures=(picture,),
        link=f"http://localhost:5000/records/{image_id}",
        verify=f"scanproof verify --image-id {image_id}",
    )
