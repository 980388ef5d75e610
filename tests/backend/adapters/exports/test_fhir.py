"""FHIR bundles, against the R4 models of fhirclient and the bindings and invariants that those leave out.

Source: https://hl7.org/fhir/R4/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fhirclient.models.bundle import Bundle

from backend.adapters.exports import fhir
from backend.domain import Verdict
from backend.exports import DiagnosisFacts, Originals
from tests.backend.adapters.exports.documents import (
    ABSTAINED,
    ASSERTED,
    CID,
    CLASSIFIER,
    DICOM,
    OVERRIDDEN,
    REASON,
    STATES,
    UPLOADER,
    WITHDRAWN,
    facts,
)
from tests.backend.adapters.exports.facts import MODEL, REVIEWER, review, study

BINDINGS = {
    ("Bundle", "type"): {"collection"},
    ("DiagnosticReport", "status"): {
        *("registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "cancelled"),
        *("entered-in-error", "unknown"),
    },
    ("Observation", "status"): {
        *("registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"),
    },
    ("ImagingStudy", "status"): {"registered", "available", "cancelled", "entered-in-error", "unknown"},
    ("Media", "status"): {
        *("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"),
    },
    ("Device", "status"): {"active", "inactive", "entered-in-error", "unknown"},
}
"""The required bindings of the fields that bundles use."""
REQUIRED = {
    "DiagnosticReport": {"status", "code"},
    "Observation": {"status", "code"},
    "ImagingStudy": {"status", "subject"},
    "Media": {"status", "content"},
    "Device": set(),
    "Provenance": {"target", "recorded", "agent"},
}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]+")
CODE = re.compile(r"[^\s]+(\s[^\s]+)*")


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def one(bundle: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = resources(bundle, kind)
    return found


def check(bundle: dict[str, Any]) -> None:
    """Structures by fhirclient, then the rules of R4 that it does not check."""
    assert Bundle(bundle, strict=True).as_json() == bundle

    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)  # bdl-7
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", url) for url in urls)
    for node in nodes(bundle):
        assert node and all(value not in ("", [], {}, None) for value in node.values()), node  # ele-1
        if isinstance(node.get("reference"), str):
            assert node["reference"] in urls
        if "system" in node:
            assert URI.fullmatch(node["system"]), node
        if node.get("system") == "urn:ietf:rfc:3986":
            assert URI.fullmatch(node.get("value") or node["code"]), node
        if "code" in node and isinstance(node["code"], str):
            assert CODE.fullmatch(node["code"]), node
        for name in ("issued", "recorded", "timestamp"):
            assert name not in node or INSTANT.fullmatch(node[name])
        if "valueQuantity" in node:
            assert node["valueQuantity"]["system"]  # qty-3: a code has its system
    for entry in [{"resource": bundle}, *bundle["entry"]]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        assert REQUIRED.get(kind, set()) <= resource.keys()
        for (bound, field), codes in BINDINGS.items():
            assert bound != kind or resource.get(field) in codes, (kind, field)
        if "text" in resource:
            root = ET.fromstring(resource["text"]["div"])
            assert root.tag == "{http://www.w3.org/1999/xhtml}div"  # txt-1
            assert "".join(root.itertext()).strip()  # txt-2
            assert resource["text"]["status"] == "generated"
    for observation in resources(bundle, "Observation"):
        assert not {"valueCodeableConcept", "dataAbsentReason"} <= observation.keys()  # obs-6
        assert "valueCodeableConcept" in observation or "dataAbsentReason" in observation
        for component in observation["component"]:
            assert component["code"]["coding"][0]["code"] != observation["code"]["coding"][0]["code"]  # obs-7


@pytest.mark.parametrize("dicom", [False, True])
@pytest.mark.parametrize("state", STATES)
def test_every_bundle_is_valid_r4(state: str, dicom: bool):
    check(fhir.bundle(facts(STATES[state], dicom=dicom)))


def test_the_check_finds_what_r4_forbids():
    bundle = fhir.bundle(facts())
    one(bundle, "DiagnosticReport")["status"] = "asserted"

    with pytest.raises(AssertionError):
        check(bundle)


STATUS = {
    "asserted": "preliminary",
    "abstained": "preliminary",
    "confirmed": "final",
    "confirmed abstention": "final",
    "overridden": "corrected",
    "overridden abstention": "corrected",
    "overridden without an answer": "corrected",
    "overridden under a seal": "corrected",
    "withdrawn": "entered-in-error",
    "compromised": "entered-in-error",
    "compromised and overridden": "entered-in-error",
}


@pytest.mark.parametrize("state", STATES)
def test_the_status_is_that_of_the_newest_review(state: str):
    bundle = fhir.bundle(facts(STATES[state]))

    assert one(bundle, "DiagnosticReport")["status"] == STATUS[state]
    assert one(bundle, "Observation")["status"] == STATUS[state]


@pytest.mark.parametrize(
    ("diagnosis", "label"),
    [(ASSERTED, "glioma"), (OVERRIDDEN, "meningioma"), (STATES["overridden abstention"], "meningioma")],
)
def test_the_value_is_the_label_that_is_valid_now(diagnosis: DiagnosisFacts, label: str):
    value = one(fhir.bundle(facts(diagnosis)), "Observation")["valueCodeableConcept"]

    text = label.capitalize()
    assert value["coding"] == [{"system": f"urn:scanproof:model:{MODEL.sha256}", "code": label, "display": text}]
    assert value["text"] == text


@pytest.mark.parametrize("diagnosis", [ABSTAINED, STATES["confirmed abstention"]])
def test_an_abstention_is_no_finding(diagnosis: DiagnosisFacts):
    observation = one(fhir.bundle(facts(diagnosis)), "Observation")

    assert "valueCodeableConcept" not in observation
    assert observation["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert observation["dataAbsentReason"]["text"] == REASON
    assert "valueQuantity" not in json.dumps(observation)


def test_a_label_that_a_clinician_replaced_by_none_is_no_finding():
    observation = one(fhir.bundle(facts(STATES["overridden without an answer"])), "Observation")

    assert "valueCodeableConcept" not in observation
    assert observation["dataAbsentReason"]["text"] == "No answer was given"


def test_a_label_that_a_clinician_sealed_is_masked():
    bundle = fhir.bundle(facts(STATES["overridden under a seal"]))

    observation = one(bundle, "Observation")
    assert "valueCodeableConcept" not in observation
    assert observation["dataAbsentReason"]["coding"][0]["code"] == "masked"
    assert (
        "Known to whoever holds the opening, as a clinician decided." in one(bundle, "DiagnosticReport")["conclusion"]
    )


def test_a_withdrawn_label_is_no_finding():
    observation = one(fhir.bundle(facts(WITHDRAWN)), "Observation")

    assert "valueCodeableConcept" not in observation
    assert observation["dataAbsentReason"] == {"text": "A clinician withdrew the result"}
    said = {component["code"]["coding"][0]["code"]: component for component in observation["component"]}
    assert said["model-label"]["valueString"] == "glioma"


def test_the_confidence_is_a_component():
    components = one(fhir.bundle(facts()), "Observation")["component"]

    (confidence,) = (each for each in components if each["code"]["coding"][0]["code"] == "confidence")
    assert confidence["valueQuantity"] == {"value": 0.9123, "system": "http://unitsofmeasure.org", "code": "1"}


@pytest.mark.parametrize("state", ["compromised", "compromised and overridden"])
def test_what_a_compromised_key_signed_has_no_value(state: str):
    bundle = fhir.bundle(facts(STATES[state]))

    observation = one(bundle, "Observation")
    assert observation["dataAbsentReason"]["text"] == "The key that signed the result is reported as compromised"
    assert "valueCodeableConcept" not in observation
    assert "No result is valid" in one(bundle, "DiagnosticReport")["conclusion"]
    provenance = [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == "Provenance"]
    assert provenance[-1]["entity"][0]["what"]["identifier"]["value"] == "0x" + "03" * 32


@pytest.mark.parametrize("state", STATES)
def test_report_and_observation_say_what_they_are_not(state: str):
    found = facts(STATES[state])
    bundle = fhir.bundle(found)

    report = one(bundle, "DiagnosticReport")
    notes = [note["text"] for note in one(bundle, "Observation")["note"]]
    for text in (report["conclusion"], report["text"]["div"], " ".join(notes)):
        assert "AI result, not a diagnosis." in text
        assert found.diagnosis.status_text[1:] in text
    assert ("Unverified" in report["conclusion"]) == (not found.diagnosis.reviews)


def test_a_dicom_record_is_an_imaging_study():
    bundle = fhir.bundle(facts(dicom=True))

    study = one(bundle, "ImagingStudy")
    assert study["identifier"][0] == {"system": "urn:dicom:uid", "value": f"urn:oid:{DICOM.study}"}
    (series,) = study["series"]
    assert (series["uid"], series["number"], series["modality"]["code"]) == (DICOM.series, 3, "MR")
    assert series["instance"] == [
        {
            "uid": DICOM.sop_instance,
            "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{DICOM.sop_class}"},
            "number": 12,
        }
    ]
    assert study["subject"] == {"display": "pseudonymous"}
    assert not resources(bundle, "Media")
    (link,) = one(bundle, "DiagnosticReport")["imagingStudy"]
    assert link == one(bundle, "Observation")["derivedFrom"][0]


def test_what_dicom_does_not_say_is_left_out():
    bare = replace(DICOM, series_number=None, instance_number=None, modality="")
    found = facts(dicom=True)
    (picture,) = found.pictures

    bundle = fhir.bundle(replace(found, pictures=(replace(picture, dicom=bare),)))

    check(bundle)
    (series,) = one(bundle, "ImagingStudy")["series"]
    assert "number" not in series and "number" not in series["instance"][0]
    assert series["modality"]["code"] == "OT"


def test_another_picture_is_a_media_with_its_cid():
    found = facts()
    bundle = fhir.bundle(found)

    media = one(bundle, "Media")
    assert media["content"] == {
        "contentType": "image/png",
        "url": f"ipfs://{CID}",
        "size": len(found.pictures[0].content),
    }
    assert media["identifier"] == [
        {"system": "urn:ietf:rfc:3986", "value": f"ipfs://{CID}"},
        {"system": "urn:scanproof:sha-256", "value": found.sha256},
    ]
    assert not resources(bundle, "ImagingStudy")


def test_histology_is_a_pathology_report():
    diagnosis = replace(ASSERTED, model=replace(MODEL, modality="breast-histology"))

    report = one(fhir.bundle(facts(diagnosis)), "DiagnosticReport")

    assert report["code"]["coding"][0]["code"] == "11526-1"
    assert report["category"][0]["coding"][0]["code"] == "PAT"


def test_a_study_counts_all_its_slices():
    bundle = fhir.bundle(replace(facts(dicom=True), study=study(3)))

    check(bundle)
    imaging = one(bundle, "ImagingStudy")
    assert (imaging["numberOfInstances"], imaging["series"][0]["numberOfInstances"]) == (3, 3)
    assert len(imaging["series"][0]["instance"]) == 1
    displays = [entity["what"]["display"] for each in resources(bundle, "Provenance") for entity in each["entity"]]
    assert "Study manifest" in displays and "Image" not in displays


def agents(provenance: dict[str, Any]) -> dict[str, str]:
    return {
        agent["type"]["coding"][0]["code"]: agent["who"].get("identifier", {}).get("value", "a resource")
        for agent in provenance["agent"]
    }


def test_provenance_names_who_did_what():
    upload, classification, reviewed = resources(fhir.bundle(facts(OVERRIDDEN)), "Provenance")

    assert agents(upload) == {"enterer": f"did:pkh:eip155:31337:{UPLOADER}"}
    assert agents(classification) == {
        "performer": "a resource",
        "attester": f"did:pkh:eip155:31337:{CLASSIFIER}",
    }
    assert agents(reviewed) == {"verifier": f"did:pkh:eip155:31337:{REVIEWER}"}
    assert reviewed["reason"] == [{"text": "Seen on two slices."}]
    assert reviewed["activity"]["coding"][0]["code"] == "overridden"


def test_everything_names_the_transaction_and_nothing_claims_a_signature():
    found = facts(OVERRIDDEN)
    bundle = fhir.bundle(found)

    for provenance in resources(bundle, "Provenance")[:2]:
        values = [entity["what"]["identifier"]["value"] for entity in provenance["entity"]]
        assert found.transaction_hash in values
        assert f"ipfs://{CID}" in values
        assert "signature" not in provenance
    for text in (found.sha256, MODEL.sha256, found.contract, "31337", found.transaction_hash, CID):
        assert text in one(bundle, "DiagnosticReport")["text"]["div"]


def test_the_patient_comes_back_from_the_senders_map():
    attributes = {"PatientID": "4711", "PatientName": "Doe^Jane", "AccessionNumber": "A-9"}
    uids = {DICOM.study: "1.2.3", DICOM.series: "1.2.3.4", DICOM.sop_instance: "1.2.3.4.5"}

    bundle = fhir.bundle(facts(dicom=True), Originals(uids, attributes))

    check(bundle)
    study = one(bundle, "ImagingStudy")
    assert study["subject"] == {"type": "Patient", "identifier": {"value": "4711"}, "display": "Doe^Jane"}
    assert study["identifier"][0]["value"] == "urn:oid:1.2.3"
    assert study["identifier"][1]["value"] == "A-9"
    assert study["series"][0]["uid"] == "1.2.3.4"
    assert study["series"][0]["instance"][0]["uid"] == "1.2.3.4.5"
    assert one(bundle, "DiagnosticReport")["subject"] == study["subject"]


def test_a_patient_without_a_name_has_the_number_alone():
    bundle = fhir.bundle(facts(dicom=True), Originals({}, {"PatientID": "4711"}))

    check(bundle)
    assert one(bundle, "ImagingStudy")["subject"] == {"type": "Patient", "identifier": {"value": "4711"}}


def test_markup_in_a_reason_stays_text():
    diagnosis = replace(ABSTAINED, reason="<script>alert(1)</script> & more")

    bundle = fhir.bundle(facts(diagnosis))

    check(bundle)
    assert "&lt;script&gt;" in one(bundle, "DiagnosticReport")["text"]["div"]


def test_reviews_without_a_published_reason_have_none():
    diagnosis = replace(WITHDRAWN, reviews=(review(Verdict.WITHDRAWN, None, None),))

    bundle = fhir.bundle(facts(diagnosis))

    check(bundle)
    assert "reason" not in resources(bundle, "Provenance")[-1]


def test_the_file_is_the_same_every_time():
    assert fhir.write(facts(), None) == fhir.write(facts(), None)
    file = fhir.write(facts(), None)
    assert (file.media_type, file.suffix) == ("application/fhir+json", "json")
    check(json.loads(file.content))
