"""DICOM Comprehensive 3D SR of a Measurement Report (PS3.16, TID 1500): the result with where it comes from.

Labels and facts without a code of a standard have one of the scheme 99SCANPROOF.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backend.adapters.exports import segmentation
from backend.adapters.exports.dicom_objects import MANUFACTURER, SERIES_NUMBERS, Objects
from backend.adapters.exports.wording import valid_label
from backend.exports import NOT_A_DIAGNOSIS, DiagnosisFacts, ExportedFile, Originals, OutlineFacts, RecordFacts
from backend.printable import one_line

if TYPE_CHECKING:
    from highdicom.sr import (
        CodedConcept,
        Measurement,
        MeasurementReport,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
        PlanarROIMeasurementsAndQualitativeEvaluations,
    )
    from pydicom import Dataset

SCHEME = "99SCANPROOF"
_LONGEST_MEANING = 64
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def write(facts: RecordFacts, originals: Originals | None) -> ExportedFile:
    """The file. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
    from highdicom.sr import Comprehensive3DSR

    objects = Objects(facts, originals)
    outlines = segmentation.build(objects)
    images = _images(objects) or [_capture(objects)]
    others = [outlines, *([] if objects.placed else [_capture(objects)])] if outlines else []
    diagnosis = facts.diagnosis
    reviewer = diagnosis.reviews[-1].reviewer if diagnosis.verified else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # highdicom warns of a name without ^, as an address is
        data_set: Dataset = Comprehensive3DSR(
            evidence=[*images, *others],
            content=_report(objects, images, outlines)[0],
            series_instance_uid=objects.series("sr"),
            series_number=SERIES_NUMBERS["sr"],
            sop_instance_uid=objects.instance("sr"),
            instance_number=1,
            manufacturer=MANUFACTURER,
            is_complete=True,
            is_final=diagnosis.verified,
            is_verified=diagnosis.verified,
            verifying_observer_name=reviewer,
            verifying_organization=f"Account on chain {facts.chain_id}" if reviewer else None,
        )
    data_set.SeriesDescription = f"ScanProof: {NOT_A_DIAGNOSIS}"
    for observer in data_set.get("VerifyingObserverSequence", ()):
        observer.VerificationDateTime = f"{objects.time:%Y%m%d%H%M%S}"
    return objects.written(data_set)


def _images(objects: Objects) -> list[Dataset]:
    """The pictures that are DICOM files, of the study and series of the shown one."""
    shown = objects.shown.dicom
    return [
        objects.source(each, each.dicom)
        for each in objects.facts.pictures
        if shown and each.dicom and (each.dicom.study, each.dicom.series) == (shown.study, shown.series)
    ]


def _capture(objects: Objects) -> Dataset:
    """The secondary capture that stands for an image of another format, as far as evidence names it."""
    from pydicom import Dataset

    data_set = Dataset()
    data_set.SOPClassUID, data_set.SOPInstanceUID = _SECONDARY_CAPTURE, objects.instance("sc")
    data_set.SeriesInstanceUID = objects.series("sc")
    return objects.anonymous(data_set)


def _report(objects: Objects, images: Sequence[Dataset], outlines: Dataset | None) -> MeasurementReport:
    from highdicom.sr import MeasurementReport, TextContentItem
    from pydicom.sr.codedict import codes

    report = MeasurementReport(
        observation_context=_observer(objects),
        procedure_reported=_code("image-analysis", "Analysis of an image by an AI model"),
        imaging_measurements=[_result(objects, images), *_regions(objects, outlines)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    texts = [(codes.DCM.Comment, NOT_A_DIAGNOSIS)]
    texts += [(_code(name, meaning), value) for name, (meaning, value) in _texts(objects).items()]
    for name, value in texts:
        report[0].ContentSequence.append(TextContentItem(name, value, relationship_type="CONTAINS"))
    return report


def _observer(objects: Objects) -> ObservationContext:
    """The model as the device that observed."""
    from highdicom.sr import DeviceObserverIdentifyingAttributes, ObservationContext, ObserverContext
    from pydicom.sr.codedict import codes

    model = objects.facts.diagnosis.model
    device = DeviceObserverIdentifyingAttributes(
        uid=objects.derived("model", model.sha256),
        name=model.name,
        manufacturer_name=MANUFACTURER,
        model_name=f"{model.name} {model.version}",
        serial_number=model.sha256,
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _result(objects: Objects, images: Sequence[Dataset]) -> MeasurementsAndQualitativeEvaluations:
    """The result of the whole record: what is valid now, and what the model said."""
    from highdicom.sr import (
        AlgorithmIdentification,
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
    )

    diagnosis = objects.facts.diagnosis
    status = QualitativeEvaluation(_code("status", "Status"), _code(diagnosis.status_name, diagnosis.status_text))
    model_label = QualitativeEvaluation(_code("model-label", "Label by the AI model"), _label(diagnosis.label_text))
    relied_on = not diagnosis.void and not diagnosis.abstained
    finding = diagnosis.current_label_text if valid_label(diagnosis) else None
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=objects.derived("result", str(objects.instance("sr"))), identifier=objects.facts.image_id
        ),
        finding_type=_label(finding) if finding else None,
        algorithm_id=AlgorithmIdentification(diagnosis.model.name, diagnosis.model.version),
        measurements=_measurements(diagnosis) if relied_on else [],
        qualitative_evaluations=[status, *([model_label] if relied_on else [])],
        source_images=[SourceImageForMeasurementGroup(each.SOPClassUID, each.SOPInstanceUID) for each in images],
    )


def _measurements(diagnosis: DiagnosisFacts) -> list[Measurement]:
    """Confidence and probabilities in percent."""
    from highdicom.sr import Measurement
    from pydicom.sr.codedict import codes

    own = diagnosis.current_label == diagnosis.label
    confidence = codes.DCM.CertaintyOfFinding if own else _code("model-confidence", "Confidence of the AI model")
    percent = codes.UCUM.Percent
    return [
        Measurement(confidence, round(100 * diagnosis.confidence, 2), percent),
        *(
            Measurement(_code(f"p-{label}", f"Probability of {label}"), round(100 * share, 4), percent)
            for label, share in diagnosis.probabilities.items()
        ),
    ]


def _regions(objects: Objects, outlines: Dataset | None) -> list[PlanarROIMeasurementsAndQualitativeEvaluations]:
    """The outlined area of each picture, by its frame of the segmentation."""
    from highdicom.sr import (
        PlanarROIMeasurementsAndQualitativeEvaluations,
        ReferencedSegmentationFrame,
        SourceImageForSegmentation,
        TrackingIdentifier,
    )
    from pydicom.sr.codedict import codes

    if outlines is None:
        return []
    found = []
    frames = segmentation.frames_of(objects, outlines)
    segments = segmentation.segments_of(objects.outlined)
    for (picture, outline), number, (frame, source) in zip(objects.outlined, segments, frames, strict=True):
        segment = ReferencedSegmentationFrame(
            outlines.SOPClassUID,
            outlines.SOPInstanceUID,
            frame_number=frame,
            segment_number=number,
            source_image=SourceImageForSegmentation(source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID),
        )
        place = "" if picture.order is None else f", slice {picture.order + 1}"
        found.append(
            PlanarROIMeasurementsAndQualitativeEvaluations(
                tracking_identifier=TrackingIdentifier(objects.tracking(number), f"Outline{place}"),
                referenced_segment=segment,
                finding_type=codes.SCT.Tumor,
                method=_code("outline", _drawn_by(outline)),
                measurements=_areas(outline),
            )
        )
    return found


def _drawn_by(outline: OutlineFacts) -> str:
    if outline.model:
        return f"Outlined by the AI model {outline.model.name} {outline.model.version}"[:_LONGEST_MEANING]
    return "Outlined by a clinician"


def _areas(outline: OutlineFacts) -> list[Measurement]:
    """In mm² where the spacing is known, and in pixels."""
    from highdicom.sr import CodedConcept, Measurement
    from pydicom.sr.codedict import codes

    pixels = Measurement(codes.SCT.Area, outline.pixels, CodedConcept("{pixels}", "UCUM", "pixels"))
    if outline.area is None:
        return [pixels]
    return [Measurement(codes.SCT.Area, outline.area, codes.UCUM.SquareMillimeter), pixels]


def _texts(objects: Objects) -> Mapping[str, tuple[str, str]]:
    """Where the result comes from: meaning and value by code."""
    facts, diagnosis = objects.facts, objects.facts.diagnosis
    texts: dict[str, tuple[str, Any]] = {
        "status": ("Status", diagnosis.status_text),
        "no-answer": ("Why the AI model gave no answer", diagnosis.reason if diagnosis.abstained else None),
        "model-sha256": ("SHA-256 of the AI model", diagnosis.model.sha256),
        "cid": ("CID of the image or study in IPFS", facts.cid),
        "sha256": ("SHA-256 of the image or study manifest", facts.sha256),
        "chain": ("Chain", f"{facts.chain_name}, chain id {facts.chain_id}"),
        "registry": ("Registry contract", facts.contract),
        "image-id": ("Image id in the registry", facts.image_id),
        "transaction": ("Transaction of the diagnosis", diagnosis.transaction_hash),
        "registration": ("Transaction of the registration", facts.transaction_hash),
        "manifest": ("SHA-256 of the inference manifest", diagnosis.manifest_hash),
        "classifier": ("Account that signed the result", diagnosis.classifier),
        "rule": ("Rule that made the summary of the study", facts.study and facts.study.rule),
        "link": ("Page of the record", facts.link),
        "verify": ("Command that checks the record", facts.verify),
    }
    if diagnosis.compromise:
        texts["compromise"] = ("Transaction that reports the key", diagnosis.compromise.transaction_hash)
    if diagnosis.reviews:
        newest = diagnosis.reviews[-1]
        texts |= {
            "reviewer": ("Account of the clinician", newest.reviewer),
            "review": ("Transaction of the review", newest.transaction_hash),
            "reason": ("Reason of the review", newest.reason),
        }
    return {name: (meaning, one_line(str(value))) for name, (meaning, value) in texts.items() if value}


def _label(text: str) -> CodedConcept:
    return _code(text.lower().replace(" ", "-"), text)


def _code(value: str, meaning: str) -> CodedConcept:
    from highdicom.sr import CodedConcept

    return CodedConcept(value, SCHEME, meaning[:_LONGEST_MEANING])
