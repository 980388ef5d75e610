"""The report, read by highdicom and by dcmtk."""

from __future__ import annotations

import io
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom
import pytest
from pydicom.sr.codedict import codes

from backend.adapters.exports.writers import write
from backend.domain import DiagnosisStatus, Verdict
from backend.exports import RecordFacts, outline_facts
from tests.backend.adapters.exports.documents import STATES
from tests.backend.adapters.exports.facts import (
    AREA,
    MODEL,
    OUTLINE,
    REVIEWER,
    SIDE,
    clean,
    facts,
    original,
    picture,
    png,
    review,
    study,
)
from tests.backend.adapters.exports.reports import measurements_of
from tests.dicoms import deidentified
from tests.needs import needs_dcmtk


def reported(record: RecordFacts) -> highdicom.sr.Comprehensive3DSR:
    found = highdicom.sr.srread(io.BytesIO(write("sr", record, None).content))
    assert isinstance(found, highdicom.sr.Comprehensive3DSR)
    return found


def texts(report: highdicom.sr.Comprehensive3DSR) -> dict[str, str]:
    """The texts of the report itself, by the meaning of their names."""
    items = [item for item in report.content[0].ContentSequence if item.ValueType == "TEXT"]
    return {item.ConceptNameCodeSequence[0].CodeMeaning: item.TextValue for item in items}


def numbers(group: highdicom.sr.MeasurementsAndQualitativeEvaluations) -> dict[tuple[str, str], float]:
    return {(each.name.meaning, each.unit.value): each.value for each in group.get_measurements()}


def coded(group: highdicom.sr.MeasurementsAndQualitativeEvaluations) -> dict[str, str]:
    return {each.name.meaning: each.value.meaning for each in group.get_qualitative_evaluations()}


def test_the_result_is_coded_and_its_figures_are_numbers() -> None:
    report = reported(facts())

    (group,) = measurements_of(report).get_image_measurement_groups()
    assert group.finding_type == highdicom.sr.CodedConcept("glioma", "99SCANPROOF", "Glioma")
    assert numbers(group) == {
        ("Certainty of Finding", "%"): 91.23,
        ("Probability of glioma", "%"): 91.23,
        ("Probability of notumor", "%"): 8.77,
    }
    assert coded(group) == {
        "Status": "unverified: asserted by an AI model, reviewed by no clinician",
        "Label by the AI model": "Glioma",
    }
    (source,) = [image.referenced_sop_instance_uid for image in group.source_images]
    reference = picture(clean()).dicom
    assert reference is not None and source == reference.sop_instance
    (evidence,) = report.CurrentRequestedProcedureEvidenceSequence
    named = {
        instance.ReferencedSOPInstanceUID
        for series in evidence.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    assert named >= {source} and evidence.StudyInstanceUID == reference.study


def test_the_model_is_the_device_that_observed() -> None:
    (context,) = measurements_of(reported(facts())).get_observer_contexts(observer_type=codes.DCM.Device)
    device = context.observer_identifying_attributes
    assert (device.name, device.model_name, device.serial_number) == ("brain-mri", "brain-mri 2.1.0", MODEL.sha256)


def test_it_names_where_the_result_comes_from() -> None:
    record = facts()
    found = texts(reported(record))
    assert found["Comment"] == "AI result, not a diagnosis"
    assert found["SHA-256 of the AI model"] == MODEL.sha256
    assert found["CID of the image or study in IPFS"] == record.cid
    assert found["Chain"] == "Ganache, chain id 31337"
    assert found["Registry contract"] == record.contract
    assert found["Transaction of the diagnosis"] == record.diagnosis.transaction_hash
    assert found["Transaction of the registration"] == record.transaction_hash
    assert found["Command that checks the record"] == record.verify
    assert "Reason of the review" not in found


def test_until_a_clinician_reviewed_it_the_report_is_unverified() -> None:
    report = reported(facts())
    assert (report.VerificationFlag, report.CompletionFlag, report.PreliminaryFlag) == (
        *("UNVERIFIED", "COMPLETE", "PRELIMINARY"),
    )
    assert "VerifyingObserverSequence" not in report


def test_a_confirmed_result_is_verified_by_the_account_of_the_clinician() -> None:
    report = reported(facts(status=DiagnosisStatus.CONFIRMED, reviews=(review(Verdict.CONFIRMED),)))

    assert (report.VerificationFlag, report.PreliminaryFlag) == ("VERIFIED", "FINAL")
    (observer,) = report.VerifyingObserverSequence
    assert (observer.VerifyingObserverName, observer.VerifyingOrganization) == (REVIEWER, "Account on chain 31337")
    assert observer.VerificationDateTime == "20260921141820"
    assert texts(report)["Reason of the review"] == "Seen on two slices."


def test_an_overridden_result_has_the_label_of_the_clinician() -> None:
    report = reported(
        facts(
            status=DiagnosisStatus.OVERRIDDEN,
            current_label="meningioma",
            current_label_text="Meningioma",
            reviews=(review(Verdict.OVERRIDDEN, "meningioma", None),),
        )
    )

    (group,) = measurements_of(report).get_image_measurement_groups()
    assert group.finding_type.meaning == "Meningioma"
    assert coded(group)["Label by the AI model"] == "Glioma"
    assert numbers(group)[("Confidence of the AI model", "%")] == 91.23
    assert report.VerificationFlag == "VERIFIED"
    assert "Reason of the review" not in texts(report)


def test_a_withdrawn_result_has_no_finding() -> None:
    report = reported(
        facts(
            status=DiagnosisStatus.WITHDRAWN,
            current_label=None,
            current_label_text=None,
            reviews=(review(Verdict.WITHDRAWN, None),),
        )
    )

    (group,) = measurements_of(report).get_image_measurement_groups()
    assert (group.finding_type, numbers(group)) == (None, {})
    assert coded(group) == {"Status": "withdrawn by a clinician"}
    assert report.VerificationFlag == "UNVERIFIED"


@pytest.mark.parametrize("state", ["compromised", "compromised and overridden"])
def test_what_a_compromised_key_signed_is_no_finding(state: str) -> None:
    report = reported(replace(facts(picture(clean(), outlined=False)), diagnosis=STATES[state]))

    (group,) = measurements_of(report).get_image_measurement_groups()
    assert (group.finding_type, numbers(group)) == (None, {})
    assert coded(group)["Status"].startswith("not valid: the key that signed it is reported as compromised")
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert texts(report)["Transaction that reports the key"] == "0x" + "03" * 32
    other = reported(replace(facts(), diagnosis=replace(STATES[state], compromise=None)))
    assert report.SOPInstanceUID != other.SOPInstanceUID


@pytest.mark.parametrize("state", ["overridden without an answer", "overridden under a seal"])
def test_a_review_without_an_open_label_is_no_finding(state: str) -> None:
    report = reported(replace(facts(), diagnosis=STATES[state]))

    (group,) = measurements_of(report).get_image_measurement_groups()
    assert group.finding_type is None
    assert coded(group)["Label by the AI model"] == "Glioma"


def test_an_abstention_has_its_reason_in_place_of_a_finding() -> None:
    report = reported(
        facts(
            picture(clean(), outlined=False),
            abstained=True,
            reason="the confidence is below 0.6",
            label="abstained",
            label_text="No answer",
            confidence=0.0,
            probabilities={},
            status=DiagnosisStatus.ABSTAINED,
            current_label="abstained",
            current_label_text="No answer",
        )
    )

    (group,) = measurements_of(report).get_image_measurement_groups()
    assert (group.finding_type, numbers(group)) == (None, {})
    assert texts(report)["Why the AI model gave no answer"] == "the confidence is below 0.6"
    assert list(measurements_of(report).get_planar_roi_measurement_groups()) == []


def test_the_outline_has_its_area_and_its_frame_of_the_segmentation() -> None:
    record = facts(*(picture(clean(number), order=number - 1) for number in (1, 2)), study=study(2))
    report = reported(record)
    segmentation = highdicom.seg.segread(io.BytesIO(write("seg", record, None).content))

    groups = measurements_of(report).get_planar_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == ["Outline, slice 1", "Outline, slice 2"]
    for group, shown in zip(groups, record.pictures, strict=True):
        assert numbers(group) == {("Area", "mm2"): AREA * 0.5 * 0.25, ("Area", "{pixels}"): AREA}
        assert group.method.meaning == "Outlined by the AI model tumour-outline 1.0.0"
        segment = group.referenced_segmentation_frame
        assert segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        (frame,) = segment.referenced_frame_numbers
        named = segmentation.PerFrameFunctionalGroupsSequence[frame - 1].DerivationImageSequence[0]
        assert shown.dicom is not None
        assert named.SourceImageSequence[0].ReferencedSOPInstanceUID == shown.dicom.sop_instance
    assert texts(report)["Rule that made the summary of the study"] == "two-neighbours/1"


def test_the_outline_of_a_clinician_says_so() -> None:
    outline = outline_facts(OUTLINE[:1], reviewer=REVIEWER, width=SIDE, height=SIDE, spacing=None)
    report = reported(facts(picture(clean(), outline=outline)))
    (group,) = measurements_of(report).get_planar_roi_measurement_groups()
    assert (group.method.meaning, numbers(group)) == ("Outlined by a clinician", {("Area", "{pixels}"): 400})


def test_the_outlines_of_model_and_clinician_name_their_segments() -> None:
    own = outline_facts(OUTLINE[:1], reviewer=REVIEWER, width=SIDE, height=SIDE, spacing=None)
    record = facts(picture(clean(1), order=0, outline=own), picture(clean(2), order=1), study=study(2))
    segmentation = highdicom.seg.segread(io.BytesIO(write("seg", record, None).content))

    groups = measurements_of(reported(record)).get_planar_roi_measurement_groups()

    assert [group.tracking_identifier for group in groups] == ["Outline, slice 1", "Outline, slice 2"]
    for group, segment, shown in zip(groups, (2, 1), record.pictures, strict=True):
        (number,) = group.referenced_segmentation_frame.referenced_frame_numbers
        frame = segmentation.PerFrameFunctionalGroupsSequence[number - 1]
        assert frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber == segment
        assert shown.dicom is not None
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == shown.dicom.sop_instance


def test_a_file_without_a_place_refers_to_its_secondary_capture_for_the_outline() -> None:
    content = deidentified(original(FrameOfReferenceUID=None))
    report = reported(facts(picture(content)))
    (group,) = measurements_of(report).get_planar_roi_measurement_groups()
    assert numbers(group)[("Area", "{pixels}")] == AREA


@needs_dcmtk
@pytest.mark.parametrize("content", [clean(), png()], ids=["DICOM", "PNG"])
def test_dcmtk_reads_it(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "report.dcm"
    file.write_bytes(write("sr", facts(picture(content)), None).content)
    shown = subprocess.run(["dsrdump", file], capture_output=True, text=True, check=True)
    assert "Comprehensive 3D SR Document" in shown.stdout
    assert re.search(r'NUM:\(,,"Certainty of Finding"\)="91.23"', shown.stdout)
    assert "E:" not in shown.stderr


def test_text_from_outside_cannot_break_the_report() -> None:
    hostile = review(Verdict.CONFIRMED, reason="line\nline \x1b[2J\\ and more")
    record = replace(facts(status=DiagnosisStatus.CONFIRMED, reviews=(hostile,)))
    assert texts(reported(record))["Reason of the review"] == "line\\nline \\x1b[2J\\ and more"
