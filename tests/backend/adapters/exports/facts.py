"""Facts of records that no chain has, for the writers of exports."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from backend.adapters.dicom.reference import PooledDicomReader
from backend.domain import BlockRef, DiagnosisStatus, ModelFacts, SliceResult, StudySeries, StudySummary, Verdict
from backend.exports import DiagnosisFacts, Picture, RecordFacts, ReviewFacts, StudyFacts, outline_facts
from ml.preprocessing.images import DECODING
from tests.dicoms import deidentified, dicom

SIDE = 64
OUTLINE = (
    ((10.0, 20.0), (30.0, 20.0), (30.0, 40.0), (10.0, 40.0)),
    ((15.0, 25.0), (20.0, 25.0), (20.0, 27.0), (15.0, 27.0)),
)
"""A square with a hole, in pixels."""
AREA = 20 * 20 - 5 * 2
MODEL = ModelFacts("brain-mri", "2.1.0", "ab" * 32, "brain-mri")
OUTLINER = ModelFacts("tumour-outline", "1.0.0", "cd" * 32, "brain-mri")
REVIEWER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
IMAGE_ID, STUDY, SERIES = "0x" + "12" * 32, "1.2.840.99.1", "1.2.840.99.1.2"
PATIENT = {
    "PatientName": "Doe^Jane",
    "PatientID": "MRN-17",
    "PatientBirthDate": "19700102",
    "PatientSex": "F",
    "StudyDate": "20260203",
    "StudyTime": "101112",
    "AccessionNumber": "ACC-9",
    "StudyID": "S-5",
    "ReferringPhysicianName": "Who^Doctor",
}


def original(number: int = 1, **values: Any) -> bytes:
    """A slice as a scanner wrote it."""
    pixels = np.add.outer(np.arange(SIDE), np.arange(SIDE)).astype(np.uint16) * 20 + number
    placed: dict[str, Any] = {
        **PATIENT,
        "SOPInstanceUID": f"{SERIES}.{number}",
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "FrameOfReferenceUID": f"{STUDY}.9",
        "SeriesNumber": 3,
        "InstanceNumber": number,
        "PixelSpacing": [0.5, 0.25],
        "SliceThickness": 4,
        "ImagePositionPatient": [-8, -16, 4.0 * number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "WindowCenter": 1200,
        "WindowWidth": 2400,
    }
    return dicom(pixels, **{name: value for name, value in (placed | values).items() if value is not None})


@cache
def clean(number: int = 1) -> bytes:
    return deidentified(original(number))


def png() -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((SIDE, SIDE)).save(file, "PNG")
    return file.getvalue()


def picture(content: bytes, *, order: int | None = None, outlined: bool = True, **values: Any) -> Picture:
    reference = PooledDicomReader().reference(content)
    spacing = reference.spacing if reference else None
    outline = outline_facts(OUTLINE, model=OUTLINER, width=SIDE, height=SIDE, spacing=spacing)
    made = Picture(
        order=order,
        cid="bafkpicture",
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="application/dicom" if reference else "image/png",
        width=SIDE,
        height=SIDE,
        content=content,
        decoding=DECODING,
        outline=outline if outlined else None,
        no_outline=None if outlined else "the classifier found no tumour",
        dicom=reference,
    )
    return replace(made, **values)


def facts(*pictures: Picture, study: StudyFacts | None = None, **diagnosis: Any) -> RecordFacts:
    """``diagnosis`` are fields that differ; by default glioma, asserted, of one DICOM file."""
    return RecordFacts(
        image_id=IMAGE_ID,
        uploader="0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        cid="bafkrecord",
        sha256="34" * 32,
        transaction_hash="0x" + "56" * 32,
        block=BlockRef(7, "0x" + "78" * 32, 1_790_000_000),
        chain_id=31337,
        chain_name="Ganache",
        contract="0x5FbDB2315678afecb367f032d93F642f64180aa3",
        diagnosis=replace(_DIAGNOSIS, **diagnosis),
        study=study,
        pictures=pictures or (picture(clean()),),
        link=f"http://localhost:5000/records/{IMAGE_ID}",
        verify=f"scanproof verify --image-id {IMAGE_ID}",
    )


_DIAGNOSIS = DiagnosisFacts(
    number=1,
    diagnosis_id="0x" + "9a" * 32,
    label="glioma",
    label_text="Glioma",
    label_code=1,
    confidence=0.9123,
    probabilities={"glioma": 0.9123, "notumor": 0.0877},
    abstained=False,
    reason=None,
    model=MODEL,
    manifest_hash="0x" + "bc" * 32,
    manifest_cid="bafkmanifest",
    classifier="0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    issued_at=1_790_000_100,
    transaction_hash="0x" + "de" * 32,
    block=BlockRef(8, "0x" + "f0" * 32, 1_790_000_200),
    status=DiagnosisStatus.ASSERTED,
    current_label="glioma",
    current_label_text="Glioma",
    reviews=(),
)


def review(verdict: Verdict, label: str | None = "glioma", reason: str | None = "Seen on two slices.") -> ReviewFacts:
    return ReviewFacts(
        review_id="0x" + "ef" * 32,
        verdict=verdict,
        label=label,
        label_code=1 if label else 0,
        reviewer=REVIEWER,
        reason=reason,
        transaction_hash="0x" + "01" * 32,
        block=BlockRef(9, "0x" + "02" * 32, 1_790_000_300),
    )


def study(count: int) -> StudyFacts:
    """Of ``count`` slices, those of ``clean``, all of which decided."""
    hashes = [hashlib.sha256(clean(order + 1)).hexdigest() for order in range(count)]
    slices = tuple(
        SliceResult(order, f"bafk{order}", sha256, 1, "0x" + "cd" * 32, MODEL.sha256, "glioma", 1, 0.9, False)
        for order, sha256 in enumerate(hashes)
    )
    summary = StudySummary("glioma", 1, 0.9, False, None, (0, count - 1), {"glioma": count})
    series = StudySeries("2.25.1", "2.25.2")
    return StudyFacts(series, slices, "bafklist", "bafkmanifests", "ab" * 32, "two-neighbours/1", summary, "2026")
