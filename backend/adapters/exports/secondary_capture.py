"""DICOM Secondary Capture (PS3.3 A.8.1): the picture with the outline and the result drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backend.adapters.exports.dicom_objects import MANUFACTURER, SERIES_NUMBERS, Objects
from backend.adapters.exports.pictures import Drawing, draw
from backend.exports import NOT_A_DIAGNOSIS, ExportedFile, Originals, RecordFacts

if TYPE_CHECKING:
    from pydicom import Dataset


def write(facts: RecordFacts, originals: Originals | None) -> ExportedFile:
    """The file. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
    objects = Objects(facts, originals)
    return objects.written(capture(objects, draw(facts.shown, facts)))


def capture(objects: Objects, drawing: Drawing) -> Dataset:
    """The object with the pixels of ``drawing``, which shows ``facts.shown``."""
    from highdicom.sc import SCImage

    dicom = objects.facts.shown.dicom
    spacing = dicom.spacing if dicom else None
    data_set: Dataset = SCImage(
        np.asarray(drawing.image),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=objects.study,
        series_instance_uid=objects.series("sc"),
        series_number=SERIES_NUMBERS["sc"],
        sop_instance_uid=objects.instance("sc"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        patient_orientation=("L", "P"),
        pixel_spacing=(spacing[0] / drawing.scale, spacing[1] / drawing.scale) if spacing else None,
    )
    data_set.PatientOrientation = None  # highdicom asks for one, but it may be empty: nobody knows it of a photo
    data_set.SeriesDescription = f"ScanProof: {NOT_A_DIAGNOSIS}"
    data_set.ImageComments = f"{NOT_A_DIAGNOSIS}. Check it: {objects.facts.verify}"
    data_set.BurnedInAnnotation = "NO"
    return data_set
