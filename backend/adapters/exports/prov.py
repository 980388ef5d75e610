"""A record as PROV-JSON: who made what from what, by which activity.

Source: https://www.w3.org/submissions/2013/SUBM-prov-json-20130424/
"""

from __future__ import annotations

from backend.adapters.exports.wording import Json, as_json, did, instant, statements, valid_label
from backend.domain import ClassifierCompromisedEvent, DiagnosisStatus, Verdict
from backend.exports import ExportedFile, Originals, RecordFacts, ReviewFacts

MEDIA_TYPE = "application/json"

_UPLOAD, _CLASSIFICATION, _REGISTRATION = "activity:upload", "activity:classification", "activity:registration"


def write(facts: RecordFacts, _originals: Originals | None) -> ExportedFile:
    return ExportedFile(as_json(document(facts)), MEDIA_TYPE, "json")


def document(facts: RecordFacts) -> Json:
    """The PROV-JSON document, ready for JSON. Every name that a relation uses is declared."""
    graph = _Graph()
    diagnosis = facts.diagnosis
    image, result, record = f"ipfs:{facts.cid}", f"diagnosis:{diagnosis.diagnosis_id}", f"record:{facts.image_id}"
    manifest = f"ipfs:{diagnosis.manifest_cid}"
    uploader, classifier = f"account:{facts.uploader}", f"account:{diagnosis.classifier}"
    model = f"model:{diagnosis.model.sha256}"

    graph.add("agent", uploader, {"prov:label": "uploader", "scanproof:did": did(facts.chain_id, facts.uploader)})
    graph.add(
        "agent",
        classifier,
        {
            "prov:type": _name("prov:SoftwareAgent"),
            "prov:label": "classifier, which signed the result",
            "scanproof:did": did(facts.chain_id, diagnosis.classifier),
        },
    )
    graph.add(
        "agent",
        model,
        {
            "prov:type": _name("prov:SoftwareAgent"),
            "prov:label": f"model {diagnosis.model.name} {diagnosis.model.version}",
            "scanproof:sha256": diagnosis.model.sha256,
        },
    )
    graph.relate("actedOnBehalfOf", {"prov:delegate": model, "prov:responsible": classifier})

    graph.add("activity", _UPLOAD, {"prov:label": "upload"})
    graph.add("entity", image, _image(facts))
    graph.relate("wasGeneratedBy", {"prov:entity": image, "prov:activity": _UPLOAD})
    graph.relate("wasAssociatedWith", {"prov:activity": _UPLOAD, "prov:agent": uploader})
    graph.relate("wasAttributedTo", {"prov:entity": image, "prov:agent": uploader})
    for cid, sha256 in _slices(facts):
        graph.add("entity", f"ipfs:{cid}", {"prov:label": "image", "scanproof:sha256": sha256})
        graph.relate("hadMember", {"prov:collection": image, "prov:entity": f"ipfs:{cid}"})

    issued = instant(diagnosis.issued_at)
    graph.add("activity", _CLASSIFICATION, {"prov:label": "classification", "prov:endTime": issued})
    graph.relate("used", {"prov:activity": _CLASSIFICATION, "prov:entity": image})
    for agent in (model, classifier):
        graph.relate("wasAssociatedWith", {"prov:activity": _CLASSIFICATION, "prov:agent": agent})
    # The manifest of a study is the study's own document.
    if manifest != image:
        graph.add("entity", manifest, {"prov:label": "manifest", "scanproof:sha256": diagnosis.manifest_hash[2:]})
        graph.relate("wasGeneratedBy", {"prov:entity": manifest, "prov:activity": _CLASSIFICATION})
    graph.add("entity", result, _result(facts))
    graph.relate("wasGeneratedBy", {"prov:entity": result, "prov:activity": _CLASSIFICATION})
    graph.relate("wasDerivedFrom", {"prov:generatedEntity": result, "prov:usedEntity": image})
    graph.relate("wasAttributedTo", {"prov:entity": result, "prov:agent": classifier})

    graph.add("activity", _REGISTRATION, _registration(facts))
    graph.add("entity", record, _record(facts))
    for used in dict.fromkeys((image, manifest, result)):
        graph.relate("used", {"prov:activity": _REGISTRATION, "prov:entity": used})
    graph.relate(
        "wasGeneratedBy",
        {"prov:entity": record, "prov:activity": _REGISTRATION, "prov:time": instant(diagnosis.block.timestamp)},
    )
    graph.relate("wasAssociatedWith", {"prov:activity": _REGISTRATION, "prov:agent": uploader})
    for review in diagnosis.reviews:
        _add_review(graph, facts, review, result)
    if diagnosis.compromise:
        _add_compromise(graph, facts, diagnosis.compromise, result)
    return {"prefix": _prefixes(facts), **graph.document}


class _Graph:
    """``document`` has the elements by kind and name, and the relations by kind, which have blank names."""

    def __init__(self) -> None:
        self.document: dict[str, Json] = {}

    def add(self, kind: str, name: str, attributes: Json) -> None:
        self.document.setdefault(kind, {})[name] = attributes

    def relate(self, kind: str, ends: Json) -> None:
        relations = self.document.setdefault(kind, {})
        relations[f"_:{kind}{len(relations) + 1}"] = ends


def _prefixes(facts: RecordFacts) -> Json:
    return {
        "scanproof": "urn:scanproof:vocabulary#",
        "ipfs": "ipfs://",
        "account": f"did:pkh:eip155:{facts.chain_id}:",
        "activity": f"urn:scanproof:activity:{facts.diagnosis.diagnosis_id}:",
        **{
            kind: f"urn:scanproof:{kind}:" for kind in ("record", "diagnosis", "model", "review", "reviewing", "report")
        },
    }


def _name(qualified: str) -> Json:
    return {"$": qualified, "type": "xsd:QName"}


def _image(facts: RecordFacts) -> Json:
    if facts.study is None:
        return {
            "prov:label": "image",
            "scanproof:sha256": facts.sha256,
            "scanproof:mediaType": facts.pictures[0].media_type,
        }
    return {
        "prov:type": _name("prov:Collection"),
        "prov:label": "study manifest",
        "scanproof:sha256": facts.sha256,
        "scanproof:root": facts.study.root,
    }


def _slices(facts: RecordFacts) -> list[tuple[str, str]]:
    return [(each.cid, each.sha256) for each in facts.study.slices] if facts.study else []


def _result(facts: RecordFacts) -> Json:
    diagnosis = facts.diagnosis
    output = (
        {"scanproof:abstained": True, **({"scanproof:reason": diagnosis.reason} if diagnosis.reason else {})}
        if diagnosis.abstained
        else {"scanproof:label": diagnosis.label, "scanproof:confidence": diagnosis.confidence}
    )
    valid = valid_label(diagnosis)
    return {
        "prov:label": "result of the model",
        **output,
        "scanproof:status": diagnosis.status_name,
        **({"scanproof:validLabel": valid} if valid else {}),
        "scanproof:statement": list(statements(facts)),
    }


def _registration(facts: RecordFacts) -> Json:
    return {
        "prov:label": "registration",
        "prov:startTime": instant(facts.block.timestamp),
        "prov:endTime": instant(facts.diagnosis.block.timestamp),
        "scanproof:transaction": list(dict.fromkeys((facts.transaction_hash, facts.diagnosis.transaction_hash))),
        **_registry(facts),
    }


def _registry(facts: RecordFacts) -> Json:
    return {"scanproof:chainId": facts.chain_id, "scanproof:registry": facts.contract}


def _record(facts: RecordFacts) -> Json:
    return {
        "prov:label": "record on the chain",
        "scanproof:transaction": facts.transaction_hash,
        **_registry(facts),
        "scanproof:verify": facts.verify,
    }


def _add_compromise(graph: _Graph, facts: RecordFacts, report: ClassifierCompromisedEvent, result: str) -> None:
    activity, admin, time = (
        f"report:{report.transaction_hash}",
        f"account:{report.admin}",
        instant(report.block.timestamp),
    )
    graph.add(
        "activity",
        activity,
        {
            "prov:label": "report that the classifier's key is compromised",
            "prov:endTime": time,
            "scanproof:compromisedSince": instant(report.since),
            "scanproof:transaction": report.transaction_hash,
        },
    )
    known = graph.document["agent"].get(admin, {"scanproof:did": did(facts.chain_id, report.admin)})
    graph.add("agent", admin, {"prov:label": "administrator of the registry", **known})
    graph.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": admin})
    graph.relate("wasInvalidatedBy", {"prov:entity": result, "prov:activity": activity, "prov:time": time})


def _add_review(graph: _Graph, facts: RecordFacts, review: ReviewFacts, result: str) -> None:
    activity, entity, reviewer = (
        f"reviewing:{review.review_id}",
        f"review:{review.review_id}",
        f"account:{review.reviewer}",
    )
    time = instant(review.block.timestamp)
    graph.add(
        "activity",
        activity,
        {"prov:label": "review", "prov:endTime": time, "scanproof:transaction": review.transaction_hash},
    )
    known = graph.document["agent"].get(reviewer, {"scanproof:did": did(facts.chain_id, review.reviewer)})
    graph.add("agent", reviewer, {"prov:label": "reviewer", **known})
    graph.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": reviewer})
    graph.relate("used", {"prov:activity": activity, "prov:entity": result})
    graph.add(
        "entity",
        entity,
        {
            "prov:label": "review",
            "scanproof:verdict": review.verdict,
            **({"scanproof:label": review.label} if review.label else {}),
            **({"scanproof:reason": review.reason} if review.reason else {}),
        },
    )
    graph.relate("wasGeneratedBy", {"prov:entity": entity, "prov:activity": activity, "prov:time": time})
    graph.relate("wasAttributedTo", {"prov:entity": entity, "prov:agent": reviewer})
    overridden = review.verdict is Verdict.OVERRIDDEN
    graph.relate(
        "wasDerivedFrom",
        {
            "prov:generatedEntity": entity,
            "prov:usedEntity": result,
            "prov:activity": activity,
            **({"prov:type": _name("prov:Revision")} if overridden else {}),
        },
    )
    newest = review is facts.diagnosis.reviews[-1]
    if newest and facts.diagnosis.status in (DiagnosisStatus.OVERRIDDEN, DiagnosisStatus.WITHDRAWN):
        graph.relate("wasInvalidatedBy", {"prov:entity": result, "prov:activity": activity, "prov:time": time})
