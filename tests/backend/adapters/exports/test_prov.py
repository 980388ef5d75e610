"""PROV-JSON documents, by the structure of the W3C submission and PROV's rules about names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from backend.adapters.exports import prov
from backend.domain import DiagnosisStatus
from backend.exports import RecordFacts
from tests.backend.adapters.exports.documents import (
    ABSTAINED,
    CID,
    CLASSIFIER,
    CONTRACT,
    MANIFEST_CID,
    OVERRIDDEN,
    REASON,
    STATES,
    UPLOADER,
    WITHDRAWN,
    facts,
)
from tests.backend.adapters.exports.facts import MODEL, REVIEWER, study

NAME = {"type": "string", "pattern": r"^(_|[A-Za-z][A-Za-z0-9_-]*):\S+$"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
LITERAL = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {
            "type": "object",
            "properties": {"$": {"type": "string"}, "type": {"type": "string"}, "lang": {"type": "string"}},
            "required": ["$"],
            "additionalProperties": False,
        },
    ]
}
VALUES = {"anyOf": [LITERAL, {"type": "array", "minItems": 1, "items": LITERAL}]}
RELATIONS = {
    "wasGeneratedBy": (("entity",), ("activity",)),
    "used": (("activity",), ("entity",)),
    "wasAssociatedWith": (("activity",), ("agent", "plan")),
    "wasAttributedTo": (("entity", "agent"), ()),
    "wasDerivedFrom": (("generatedEntity", "usedEntity"), ("activity", "generation", "usage")),
    "actedOnBehalfOf": (("delegate", "responsible"), ("activity",)),
    "wasInvalidatedBy": (("entity",), ("activity",)),
    "hadMember": (("collection", "entity"), ()),
}
"""The ends of each relation: the required ones, the others."""
ENDS = {
    **dict.fromkeys(("entity", "generatedEntity", "usedEntity", "collection"), "entity"),
    **dict.fromkeys(("agent", "delegate", "responsible"), "agent"),
    "activity": "activity",
}
"""The kind of element that an end names."""


def elements(properties: dict[str, Any] | None = None) -> dict[str, Any]:
    attributes = {"type": "object", "properties": properties or {}, "additionalProperties": VALUES}
    return {"type": "object", "propertyNames": NAME, "additionalProperties": attributes}


def relations(required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    ends = {f"prov:{end}": NAME for end in (*required, *optional)}
    return {
        "type": "object",
        "propertyNames": NAME,
        "additionalProperties": {
            "type": "object",
            "properties": {**ends, "prov:time": TIME},
            "required": [f"prov:{end}" for end in required],
            "additionalProperties": VALUES,
        },
    }


SCHEMA = {
    "type": "object",
    "properties": {
        "prefix": {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}},
        "entity": elements(),
        "agent": elements(),
        "activity": elements({"prov:startTime": TIME, "prov:endTime": TIME}),
        **{kind: relations(*ends) for kind, ends in RELATIONS.items()},
    },
    "required": ["prefix"],
    "additionalProperties": False,
}


def names(value: Any) -> Iterator[str]:
    """The qualified names of a document: keys, ends of relations and typed values."""
    for key, inner in value.items():
        yield key
        if isinstance(inner, dict) and inner.get("type") == "xsd:QName":
            yield inner["$"]
        elif isinstance(inner, dict):
            yield from names(inner)
        elif key.removeprefix("prov:") in ENDS:
            yield inner


def check(document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCHEMA)
    declared = {"prov", "xsd", "_", *document["prefix"]}
    for kind in document.keys() - {"prefix"}:
        for name in names(document[kind]):
            assert name.partition(":")[0] in declared, name
    for kind in RELATIONS:
        for relation in document.get(kind, {}).values():
            for end, name in relation.items():
                if end.removeprefix("prov:") in ENDS:
                    assert name in document[ENDS[end.removeprefix("prov:")]], (kind, name)


def ends(document: dict[str, Any], kind: str) -> set[tuple[str, ...]]:
    return {
        tuple(value for end, value in relation.items() if end.removeprefix("prov:") in ENDS)
        for relation in document.get(kind, {}).values()
    }


@pytest.mark.parametrize("state", STATES)
def test_every_document_is_valid_and_declares_its_names(state: str):
    check(prov.document(facts(STATES[state])))


def test_the_check_finds_a_name_that_nobody_declared():
    document = prov.document(facts())
    document["used"]["_:used1"]["prov:entity"] = "ipfs:other"

    with pytest.raises(AssertionError):
        check(document)


def test_who_did_what():
    found = facts(OVERRIDDEN)
    document = prov.document(found)

    image, result = f"ipfs:{CID}", f"diagnosis:{found.diagnosis.diagnosis_id}"
    assert document["agent"].keys() == {
        f"account:{UPLOADER}",
        f"account:{CLASSIFIER}",
        f"account:{REVIEWER}",
        f"model:{MODEL.sha256}",
    }
    assert document["prefix"]["account"] == "did:pkh:eip155:31337:"
    review = found.diagnosis.reviews[0].review_id
    assert ends(document, "wasAssociatedWith") == {
        ("activity:upload", f"account:{UPLOADER}"),
        ("activity:classification", f"model:{MODEL.sha256}"),
        ("activity:classification", f"account:{CLASSIFIER}"),
        ("activity:registration", f"account:{UPLOADER}"),
        (f"reviewing:{review}", f"account:{REVIEWER}"),
    }
    assert (result, image) in ends(document, "wasDerivedFrom")
    assert (f"record:{found.image_id}", "activity:registration") in ends(document, "wasGeneratedBy")
    assert {used for activity, used in ends(document, "used") if activity == "activity:registration"} == {
        image,
        f"ipfs:{MANIFEST_CID}",
        result,
    }


def test_the_record_names_transaction_chain_and_registry():
    found = facts()
    document = prov.document(found)

    record = document["entity"][f"record:{found.image_id}"]
    assert record["scanproof:transaction"] == found.transaction_hash
    assert (record["scanproof:chainId"], record["scanproof:registry"]) == (31337, CONTRACT)
    assert document["entity"][f"ipfs:{CID}"]["scanproof:sha256"] == found.sha256
    assert document["agent"][f"model:{MODEL.sha256}"]["scanproof:sha256"] == MODEL.sha256
    registration = document["activity"]["activity:registration"]
    assert registration["scanproof:transaction"] == [found.transaction_hash]


@pytest.mark.parametrize(
    ("state", "invalidated"), [(name, name.startswith(("over", "with", "comp"))) for name in STATES]
)
def test_what_a_review_replaced_is_invalidated(state: str, invalidated: bool):
    document = prov.document(facts(STATES[state]))

    assert ("wasInvalidatedBy" in document) == invalidated


def result(found: RecordFacts) -> dict[str, Any]:
    return prov.document(found)["entity"][f"diagnosis:{found.diagnosis.diagnosis_id}"]


@pytest.mark.parametrize("state", STATES)
def test_the_result_says_what_it_is_not(state: str):
    found = facts(STATES[state])

    assert "AI result, not a diagnosis." in result(found)["scanproof:statement"]
    assert result(found)["scanproof:status"] == found.diagnosis.status_name


def test_an_abstention_has_no_label():
    abstained = result(facts(ABSTAINED))

    assert abstained["scanproof:abstained"] is True
    assert abstained["scanproof:reason"] == REASON
    assert not {"scanproof:label", "scanproof:validLabel", "scanproof:confidence"} & abstained.keys()


def test_the_valid_label_is_that_of_the_clinician():
    assert result(facts(OVERRIDDEN))["scanproof:validLabel"] == "meningioma"
    assert "scanproof:validLabel" not in result(facts(WITHDRAWN))
    assert "scanproof:validLabel" not in result(facts(STATES["compromised"]))
    assert "scanproof:validLabel" not in result(facts(STATES["overridden under a seal"]))


def test_a_clinician_who_uploaded_is_one_agent():
    found = facts(replace(WITHDRAWN, status=DiagnosisStatus.WITHDRAWN))

    document = prov.document(replace(found, uploader=REVIEWER))

    check(document)
    assert document["agent"][f"account:{REVIEWER}"]["prov:label"] == "uploader"


def test_a_study_has_its_slices_as_members():
    found = facts()
    # The manifest of a study is the document that has the CID.
    found = replace(found, study=study(2), diagnosis=replace(found.diagnosis, manifest_cid=CID))

    document = prov.document(found)

    check(document)
    assert ends(document, "hadMember") == {(f"ipfs:{CID}", f"ipfs:bafk{order}") for order in range(2)}
    assert document["entity"][f"ipfs:{CID}"]["prov:type"]["$"] == "prov:Collection"


def test_the_file_is_json():
    file = prov.write(facts(), None)

    check(json.loads(file.content))
    assert (file.media_type, file.suffix) == ("application/json", "json")
