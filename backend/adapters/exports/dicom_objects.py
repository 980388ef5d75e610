"""What the DICOM objects of a record share: their UIDs, patient and study, and how they are written."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from backend.adapters.dicom.deidentification import IMPLEMENTATION_NAME, IMPLEMENTATION_UID
from backend.adapters.dicom.identity_map import PATIENT_ATTRIBUTES, STUDY_ATTRIBUTES
from backend.adapters.dicom.replacement import uuid_uid
from backend.adapters.exports.wording import newest
from backend.domain import DICOM_TYPE, DicomReference
from backend.exports import ExportedFile, Originals, OutlineFacts, Picture, RecordFacts

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset

MANUFACTURER = "ScanProof"
SERIES_NUMBERS = {"sr": 9001, "seg": 9002, "sc": 9003}
"""Beyond those of scanners, so that a viewer lists them last."""
_NAMESPACE = "scanproof.export"
_REQUIRED = frozenset(
    {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", *STUDY_ATTRIBUTES} - {"StudyDescription"}
)
"""May be empty, but not left out (PS3.3, C.7.1.1 and C.7.2.1)."""


class Outlined(NamedTuple):
    picture: Picture
    outline: OutlineFacts


@dataclass(frozen=True, slots=True)
class Objects:
    """The DICOM objects of one record, with the UIDs and the patient of its de-identified files, or the original ones.

    A UID is derived from what the object is made of, so that the same record gives the same object, and another
    review, or the originals, another one. Its bytes are the same too: its times are those of the chain.
    """

    facts: RecordFacts
    originals: Originals | None

    @property
    def shown(self) -> Picture:
        return self.facts.shown

    @property
    def time(self) -> datetime:
        """When the newest event of the diagnosis was recorded, in UTC."""
        return datetime.fromtimestamp(newest(self.facts), UTC)

    @property
    def study(self) -> str:
        dicom = self.shown.dicom
        return self.original(dicom.study) if dicom else self.derived("study", self.facts.image_id)

    def series(self, kind: str) -> str:
        return self.derived("series", self.facts.image_id, kind, self._whose)

    def instance(self, kind: str) -> str:
        diagnosis = self.facts.diagnosis
        reviews = [review.review_id for review in diagnosis.reviews]
        compromised = [diagnosis.compromise.transaction_hash] if diagnosis.compromise else []
        return self.derived("instance", diagnosis.diagnosis_id, kind, self._whose, *reviews[-1:], *compromised)

    def original(self, uid: str) -> str:
        """The original of a UID of a de-identified file, where the map has it."""
        return self.originals.uid(uid) if self.originals else uid

    def derived(self, *parts: str) -> str:
        """A UID below 2.25 (PS3.5, section B.2) that depends on ``parts`` alone."""
        return uuid_uid(hashlib.sha256("\0".join((_NAMESPACE, *parts)).encode()).digest())

    def attribute(self, keyword: str) -> str:
        """An attribute of the patient or the study; empty where it is unknown."""
        if self.originals:
            return self.originals.attributes.get(keyword, "")
        dicom = self.shown.dicom
        if dicom is None:
            return ""
        return {
            "PatientName": dicom.patient_name,
            "PatientID": dicom.patient_id,
            "PatientSex": dicom.patient_sex,
            "StudyDate": dicom.study_date,
        }.get(keyword, "")

    def tracking(self, segment: int) -> str:
        """The Tracking UID of a segment's region, the same in report and segmentation."""
        return self.derived("tracking", self.facts.image_id, self._whose, *([str(segment)] if segment > 1 else []))

    @property
    def placed(self) -> bool:
        """Whether the shown picture has a known place in the patient's coordinates. A segmentation of one without, such
        as a photo, refers to its secondary capture."""
        return self.shown.dicom is not None and _placed(self.shown.dicom)

    @property
    def outlined(self) -> Sequence[Outlined]:
        """The pictures with an outline that one segmentation can refer to: those of the same size, spacing and
        direction, one at each position, since a scanner may show one more than once, with the clinician's outline if
        one of them has it; or without a place the shown one alone."""
        pictures, same = self.facts.pictures if self.placed else (self.shown,), _geometry(self.shown)
        found: dict[object, Outlined] = {}
        for each in pictures:
            place = each.dicom and each.dicom.position
            if each.outline and _geometry(each) == same and (place not in found or each.outline.reviewer):
                found[place] = Outlined(each, each.outline)
        return list(found.values())

    def source(self, picture: Picture, dicom: DicomReference) -> Dataset:
        """The image of ``picture``, which says ``dicom`` of itself, as far as objects that refer to it repeat it."""
        from pydicom import Dataset
        from pydicom.uid import UID, ExplicitVRLittleEndian

        data_set = Dataset()
        instance = self.original(dicom.sop_instance)
        data_set.file_meta = _meta(dicom.sop_class, instance, str(ExplicitVRLittleEndian))
        data_set.SOPClassUID, data_set.SOPInstanceUID = UID(dicom.sop_class), UID(instance)
        data_set.SeriesInstanceUID = UID(self.original(dicom.series))
        data_set.Modality = dicom.modality
        data_set.SeriesNumber, data_set.InstanceNumber = dicom.series_number, dicom.instance_number
        data_set.Rows, data_set.Columns = picture.height, picture.width
        if _placed(dicom):
            data_set.FrameOfReferenceUID = UID(self.original(dicom.frame_of_reference))
            data_set.PixelSpacing, data_set.SliceThickness = list(dicom.spacing or ()), dicom.thickness
            data_set.ImagePositionPatient = list(dicom.position or ())
            data_set.ImageOrientationPatient = list(dicom.orientation or ())
        return self.anonymous(data_set)

    def anonymous(self, data_set: Dataset) -> Dataset:
        """``data_set`` of this study, without a patient: highdicom copies and checks what ``written`` sets later."""
        data_set.StudyInstanceUID = self.study
        for keyword in _REQUIRED:
            setattr(data_set, keyword, "")
        return data_set

    def identify(self, data_set: Dataset) -> None:
        """Set the patient and the study, exactly as the hospital has them, whether or not the standard allows it: a
        PACS compares them."""
        from pydicom import DataElement, config
        from pydicom.datadict import dictionary_VR, tag_for_keyword

        data_set.StudyInstanceUID = self.study
        for keyword in (*PATIENT_ATTRIBUTES, *STUDY_ATTRIBUTES):
            tag, value = tag_for_keyword(keyword), self.attribute(keyword)
            if tag is not None and (value or keyword in _REQUIRED):
                data_set[tag] = DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE)
        if self.originals is None and self.shown.dicom:
            data_set.PatientIdentityRemoved = "YES"
            data_set.DeidentificationMethod = "ScanProof, PS3.15 Annex E"

    def written(self, data_set: Dataset) -> ExportedFile:
        """The file. Its times are those of the chain."""
        from pydicom import dcmwrite

        self.identify(data_set)
        date, time = f"{self.time:%Y%m%d}", f"{self.time:%H%M%S}"
        for name in ("InstanceCreation", "Content", "Series"):
            setattr(data_set, f"{name}Date", date)
            setattr(data_set, f"{name}Time", time)
        if "DateOfSecondaryCapture" in data_set:
            data_set.DateOfSecondaryCapture, data_set.TimeOfSecondaryCapture = date, time
        for equipment in data_set.get("ContributingEquipmentSequence", ()):
            equipment.ContributionDateTime = date + time
        data_set.SpecificCharacterSet = "ISO_IR 192"
        syntax = str(data_set.file_meta.TransferSyntaxUID)
        data_set.file_meta = _meta(str(data_set.SOPClassUID), str(data_set.SOPInstanceUID), syntax)
        file = io.BytesIO()
        dcmwrite(file, data_set, enforce_file_format=True)
        return ExportedFile(file.getvalue(), DICOM_TYPE, "dcm")

    @property
    def _whose(self) -> str:
        return "original" if self.originals else "pseudonymous"


def _placed(dicom: DicomReference) -> bool:
    """Whether the image has a known place in the patient's coordinates, and a thickness."""
    return all((dicom.frame_of_reference, dicom.spacing, dicom.position, dicom.orientation, dicom.thickness))


def _geometry(picture: Picture) -> object:
    dicom = picture.dicom
    if dicom is None:
        return None
    frame = (dicom.study, dicom.series, dicom.frame_of_reference, dicom.spacing, dicom.orientation)
    return picture.width, picture.height, frame


def _meta(sop_class: str, instance: str, syntax: str) -> FileMetaDataset:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(instance)
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    return meta
