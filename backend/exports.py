"""What the exports of a record are made from: its facts, once it was verified. Frozen, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.contours import pixels_inside
from backend.domain import (
    DICOM_TYPE,
    BlockRef,
    ClassifierCompromisedEvent,
    DiagnosisStatus,
    DicomReference,
    ModelFacts,
    SliceResult,
    StudySeries,
    StudySummary,
    Verdict,
    describe_time,
)

NOT_A_DIAGNOSIS = "AI result, not a diagnosis"
"""Visible on every export with a picture."""


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """A review. ``label`` is None for a withdrawal; ``reason`` is the published one, None where none is published."""

    review_id: str
    verdict: Verdict
    label: str | None
    label_code: int
    reviewer: str
    reason: str | None
    transaction_hash: str
    block: BlockRef


@dataclass(frozen=True, slots=True)
class DiagnosisFacts:
    """A diagnosis as its classifier signed it, and what its reviews made of it.

    ``number`` counts the record's diagnoses from 1. ``confidence`` and ``probabilities`` are in [0, 1]; the latter are
    empty for a study. ``reason`` says why the model ``abstained``. ``issued_at`` is in Unix seconds. ``current_label``
    is valid now, None after a withdrawal. ``reviews`` are oldest first; the newest decides. ``compromise`` is the
    report that the classifier's key was not its own by then: anybody can have signed this, so nothing of it is valid.
    """

    number: int
    diagnosis_id: str
    label: str
    label_text: str
    label_code: int
    confidence: float
    probabilities: Mapping[str, float]
    abstained: bool
    reason: str | None
    model: ModelFacts
    manifest_hash: str
    manifest_cid: str
    classifier: str
    issued_at: int
    transaction_hash: str
    block: BlockRef
    status: DiagnosisStatus
    current_label: str | None
    current_label_text: str | None
    reviews: tuple[ReviewFacts, ...]
    compromise: ClassifierCompromisedEvent | None = None

    @property
    def model_id(self) -> str:
        """The on-chain id, with 0x."""
        return "0x" + self.model.sha256

    @property
    def verified(self) -> bool:
        """Whether a clinician reviewed the result, and something is valid now."""
        return self.compromise is None and self.status in (DiagnosisStatus.CONFIRMED, DiagnosisStatus.OVERRIDDEN)

    @property
    def void(self) -> bool:
        """Whether nothing is valid: after a withdrawal, and where the classifier's key is compromised."""
        return self.compromise is not None or self.status is DiagnosisStatus.WITHDRAWN

    @property
    def status_name(self) -> str:
        """That of the diagnosis, or ``compromised``."""
        return "compromised" if self.compromise else self.status

    @property
    def status_text(self) -> str:
        """For readers who do not know the names of the status."""
        if self.compromise:
            since = describe_time(self.compromise.since)
            return f"not valid: the key that signed it is reported as compromised since {since}; do not rely on it"
        return _STATUS_TEXTS[self.status]


_STATUS_TEXTS = {
    DiagnosisStatus.ASSERTED: "unverified: asserted by an AI model, reviewed by no clinician",
    DiagnosisStatus.ABSTAINED: "unverified: the AI model gave no answer, and no clinician reviewed it",
    DiagnosisStatus.CONFIRMED: "confirmed by a clinician",
    DiagnosisStatus.OVERRIDDEN: "overridden by a clinician",
    DiagnosisStatus.WITHDRAWN: "withdrawn by a clinician",
}


@dataclass(frozen=True, slots=True)
class OutlineFacts:
    """Contours as those of ``domain.Outline``, by ``model``, or corrected by the clinician ``reviewer``: one of both
    is None. ``pixels`` is the enclosed area in pixels, ``area`` in mm², None where the spacing is unknown."""

    contours: tuple[tuple[tuple[float, float], ...], ...]
    model: ModelFacts | None
    reviewer: str | None
    pixels: int
    area: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the record: the one, or a chosen slice of a study, whose place is then ``order`` (from 0).

    ``content`` are its bytes as they are pinned; ``decoding`` is the version of the rules by which the model saw them.
    ``width`` and ``height`` are in pixels. ``outline`` is None, with ``no_outline`` as the reason, where there is none.
    ``dicom`` is None for a file of another format.
    """

    order: int | None
    cid: str
    sha256: str
    media_type: str
    width: int
    height: int
    content: bytes
    decoding: int
    outline: OutlineFacts | None
    no_outline: str | None
    dicom: DicomReference | None


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study as its manifest (``scanproof.study/1``) and its slice list say."""

    series: StudySeries | None
    slices: tuple[SliceResult, ...]
    slices_cid: str
    manifests_cid: str
    root: str
    rule: str
    summary: StudySummary
    time: str


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """One verified record with one of its diagnoses.

    ``sha256`` is that of the bytes with the CID: the image, or the study manifest. ``pictures`` are the image, or the
    slices with a clinician's outline and those that decided, without any the middle one. ``link`` is the address of the
    record's page, ``verify`` the command that checks it.
    """

    image_id: str
    uploader: str
    cid: str
    sha256: str
    transaction_hash: str
    block: BlockRef
    chain_id: int
    chain_name: str
    contract: str
    diagnosis: DiagnosisFacts
    study: StudyFacts | None
    pictures: tuple[Picture, ...]
    link: str
    verify: str

    @property
    def shown(self) -> Picture:
        """The picture that stands for the record: of a study, the middle one, of those that a clinician outlined if
        there are any."""
        drawn = [each for each in self.pictures if each.outline and each.outline.reviewer] or self.pictures
        return drawn[len(drawn) // 2]


def outline_facts(
    contours: tuple[tuple[tuple[float, float], ...], ...],
    *,
    model: ModelFacts | None = None,
    reviewer: str | None = None,
    width: int,
    height: int,
    spacing: tuple[float, float] | None,
) -> OutlineFacts:
    """``spacing`` in mm, of rows and columns."""
    pixels = pixels_inside(contours, width=width, height=height)
    area = None if spacing is None else round(pixels * spacing[0] * spacing[1], 2)
    return OutlineFacts(contours, model, reviewer, pixels, area)


@dataclass(frozen=True, slots=True)
class Originals:
    """What the sender of a de-identified study keeps to itself: ``uids`` are the original UIDs by the new ones,
    ``attributes`` the original patient and study, by the keywords of DICOM, ``files`` the SHA-256 of the de-identified
    files: results of other pixels are not of this patient."""

    uids: Mapping[str, str]
    attributes: Mapping[str, str]
    files: frozenset[str] = frozenset()

    def uid(self, new: str) -> str:
        """The original of a UID, or the UID itself where there is none."""
        return self.uids.get(new, new)


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """``suffix`` is that of the file's name, without the dot."""

    content: bytes
    media_type: str
    suffix: str


@dataclass(frozen=True, slots=True)
class ExportKind:
    """``about`` says in one line what the file is; ``identified``: whether the originals of a map can be put in."""

    title: str
    about: str
    media_type: str
    identified: bool = False


KINDS = {
    "sr": ExportKind("DICOM structured report", "The result with its figures (TID 1500), for a PACS", DICOM_TYPE, True),
    "seg": ExportKind("DICOM segmentation", "The outline as a layer, for a PACS viewer", DICOM_TYPE, True),
    "sc": ExportKind("DICOM secondary capture", "The picture with the outline drawn in", DICOM_TYPE, True),
    "fhir": ExportKind("FHIR R4 report", "The result as a bundle, for a record system", "application/fhir+json", True),
    "pdf": ExportKind("PDF page", "Picture, result, status and how to check it, to print", "application/pdf"),
    "prov": ExportKind("PROV-JSON", "Who made what from what, as a graph", "application/json"),
    "c2pa": ExportKind(
        "Content Credentials",
        "The picture, signed with what was recorded of it (C2PA); a validator reports our signer as untrusted",
        "image/*",
    ),
    "vc": ExportKind("Verifiable Credential", "The result, signed by its classifier as a JWT", "application/vc+jwt"),
}
"""By the name on the command line and in the address."""


def file_name(image_id: str, kind: str, suffix: str) -> str:
    """Of an export, for example ``scanproof-1a2b3c4d-sr.dcm``."""
    return f"scanproof-{image_id[2:10]}-{kind}.{suffix}"
