"""DICOM Segmentation (PS3.3 A.51): what the outline encloses, one binary segment for each who drew it: a model, a
clinician."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from backend.adapters.exports.dicom_objects import MANUFACTURER, SERIES_NUMBERS, Objects, Outlined
from backend.adapters.exports.pictures import draw, mask_of
from backend.adapters.exports.secondary_capture import capture
from backend.adapters.exports.wording import valid_label, valid_text
from backend.errors import Conflict
from backend.exports import NOT_A_DIAGNOSIS, ExportedFile, Originals, OutlineFacts, RecordFacts

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from pydicom import Dataset

_NO_LABEL = "Outline"
"""Of a segment whose record has no valid label."""


def write(facts: RecordFacts, originals: Originals | None) -> ExportedFile:
    """The file. Raises Conflict without an outline; UnsupportedImage, ImageTooLarge, ServerBusy."""
    objects = Objects(facts, originals)
    found = build(objects)
    if found is None:
        raise Conflict(f"nothing is outlined on this record: {objects.shown.no_outline}")
    return objects.written(found)


def build(objects: Objects) -> Dataset | None:
    """The object, None without an outline. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
    outlined = objects.outlined
    if not outlined:
        return None
    if objects.placed:
        return _segmentation(
            objects, outlined, [objects.source(each, each.dicom) for each, _ in outlined if each.dicom]
        )
    drawing = draw(objects.shown, objects.facts)
    source = capture(objects, drawing)
    if "PixelSpacing" in source:  # without a thickness, highdicom could not read what it wrote
        del source.PixelSpacing
    return _segmentation(objects, outlined, [source], drawing.place(mask_of(objects.shown)))


def frames_of(objects: Objects, segmentation: Dataset) -> Sequence[tuple[int, Dataset]]:
    """The frame, counted from 1, of each picture of ``objects.outlined``, and how the frame names its source."""
    frames, (shared,) = {}, segmentation.SharedFunctionalGroupsSequence
    for number, groups in enumerate(segmentation.PerFrameFunctionalGroupsSequence, 1):
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        (identified,) = (groups if "SegmentIdentificationSequence" in groups else shared).SegmentIdentificationSequence
        segment = identified.ReferencedSegmentNumber
        frames[source.ReferencedSOPInstanceUID, segment] = number, source
    if not objects.placed:
        return list(frames.values())
    outlined = objects.outlined
    return [
        frames[objects.original(each.dicom.sop_instance), segment]
        for (each, _), segment in zip(outlined, segments_of(outlined), strict=True)
        if each.dicom
    ]


def segments_of(outlined: Sequence[Outlined]) -> Sequence[int]:
    """The number of each outline's segment, counted from 1: those of a clinician have another than those of a model."""
    drawers = _drawers(outlined)
    return [1 + drawers.index(bool(outline.reviewer)) for _, outline in outlined]


def _drawers(outlined: Sequence[Outlined]) -> Sequence[bool]:
    """Whether a clinician drew it, for each segment."""
    return sorted({bool(outline.reviewer) for _, outline in outlined})


def _segmentation(
    objects: Objects, outlined: Sequence[Outlined], sources: Sequence[Dataset], mask: np.ndarray | None = None
) -> Dataset:
    """``sources`` are the images of the pictures that are ``outlined``; ``mask`` is that of a single one."""
    from highdicom.seg import Segmentation

    segments = segments_of(outlined)
    masks = [mask_of(each) for each, _ in outlined] if mask is None else [mask]
    first_of = [segments.index(number) for number in sorted(set(segments))]
    data_set: Dataset = Segmentation(
        sources,
        np.stack([mask * np.uint8(segment) for mask, segment in zip(masks, segments, strict=True)]),
        segmentation_type="BINARY",
        segment_descriptions=[
            _segment(objects, outlined[first].outline, number) for number, first in enumerate(first_of, 1)
        ],
        series_instance_uid=objects.series("seg"),
        series_number=SERIES_NUMBERS["seg"],
        sop_instance_uid=objects.instance("seg"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=objects.facts.diagnosis.model.name,
        software_versions=objects.facts.diagnosis.model.version,
        device_serial_number=objects.facts.diagnosis.model.sha256,
        content_label="OUTLINE",
        content_description=NOT_A_DIAGNOSIS,
        content_creator_name=f"{MANUFACTURER}^",
        omit_empty_frames=len(first_of) > 1,
    )
    data_set.SeriesDescription = f"ScanProof: {NOT_A_DIAGNOSIS}"
    dimensions = objects.derived("dimensions", str(data_set.SOPInstanceUID))
    for item in (*data_set.get("DimensionOrganizationSequence", ()), *data_set.get("DimensionIndexSequence", ())):
        item.DimensionOrganizationUID = dimensions
    return data_set


def _segment(objects: Objects, outline: OutlineFacts, number: int) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription
    from pydicom.sr.codedict import codes

    diagnosis, model = objects.facts.diagnosis, outline.model
    algorithm = None
    if model:
        algorithm = AlgorithmIdentificationSequence(
            name=model.name,
            family=codes.DCM.ArtificialIntelligence,
            version=model.version,
            source=MANUFACTURER,
            parameters={"sha256": model.sha256},
        )
    return SegmentDescription(
        segment_number=number,
        segment_label=(valid_text(diagnosis) if valid_label(diagnosis) else _NO_LABEL)[:64],
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Tumor,
        algorithm_type="AUTOMATIC" if model else "MANUAL",
        algorithm_identification=algorithm,
        tracking_uid=objects.tracking(number),
        tracking_id=objects.facts.image_id,
    )
