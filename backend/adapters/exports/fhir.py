"""A record as FHIR R4 (4.0.1): a Bundle whose resources refer to each other only.

The result is one Observation with what is valid now, so that no reader takes an overridden or a withdrawn label for a
finding. The classifier's signature is over the diagnosis on the chain, not over these resources, so it is no
Signature of theirs. Nobody is named as the patient: who has the map of a de-identified study can put the patient in.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.adapters.exports.wording import (
    Json,
    as_json,
    did,
    instant,
    ipfs,
    is_sealed,
    newest,
    result_text,
    statements,
    urn,
    valid_label,
    valid_text,
)
from backend.domain import ClassifierCompromisedEvent, DiagnosisStatus, DicomReference
from backend.exports import DiagnosisFacts, ExportedFile, Originals, Picture, RecordFacts, ReviewFacts

MEDIA_TYPE = "application/fhir+json"
STATUS = {
    DiagnosisStatus.ASSERTED: "preliminary",
    DiagnosisStatus.ABSTAINED: "preliminary",
    DiagnosisStatus.CONFIRMED: "final",
    DiagnosisStatus.OVERRIDDEN: "corrected",
    DiagnosisStatus.WITHDRAWN: "entered-in-error",
}
"""Of report and observation: http://hl7.org/fhir/R4/valueset-diagnostic-report-status.html."""

_TERMS = "http://terminology.hl7.org/CodeSystem"
_URI = "urn:ietf:rfc:3986"
"""The system of identifiers that are URIs themselves."""
_NAMES = "urn:scanproof"
_IMAGING = ("18748-4", "Diagnostic imaging study"), ("IMG", "Diagnostic Imaging")
_PATHOLOGY = ("11526-1", "Pathology study"), ("PAT", "Pathology (gross & histopath, not surgical)")
_KINDS_OF_REPORT = {"breast-histology": _PATHOLOGY}
"""Code (LOINC) and category (HL7 v2 table 0074) of a report by the model's modality; imaging elsewhere."""


def bundle(facts: RecordFacts, originals: Originals | None = None) -> Json:
    """A Bundle of the type ``collection``, ready for JSON. ``originals`` put the patient and the UIDs back."""
    maker = _Maker(facts, originals or Originals({}, {}))
    return {
        "resourceType": "Bundle",
        "identifier": {"system": _URI, "value": maker.name("bundle")},
        "type": "collection",
        "timestamp": instant(newest(facts)),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in maker.resources()],
    }


def write(facts: RecordFacts, originals: Originals | None) -> ExportedFile:
    return ExportedFile(as_json(bundle(facts, originals)), MEDIA_TYPE, "json")


class _Maker:
    def __init__(self, facts: RecordFacts, originals: Originals) -> None:
        self._facts = facts
        self._diagnosis = facts.diagnosis
        self._originals = originals
        self._dicom = [picture.dicom for picture in facts.pictures if picture.dicom]

    def name(self, *names: str) -> str:
        return urn(self._facts, "fhir", *names)

    def resources(self) -> Iterable[tuple[str, Json]]:
        yield self.name("report"), self._report()
        yield self.name("observation"), self._observation()
        yield self.name("model"), self._model()
        if self._dicom:
            yield self.name("study"), self._imaging_study()
        else:
            for picture in self._facts.pictures:
                yield self.name(*_media_name(picture)), self._media(picture)
        yield self.name("upload"), self._upload()
        yield self.name("classification"), self._classification()
        for review in self._diagnosis.reviews:
            yield self.name("review", review.review_id), self._review(review)
        if self._diagnosis.compromise:
            yield self.name("compromise"), self._compromise(self._diagnosis.compromise)

    def _report(self) -> Json:
        (code, name), (category, category_name) = _KINDS_OF_REPORT.get(self._diagnosis.model.modality, _IMAGING)
        said = [*statements(self._facts), result_text(self._diagnosis)]
        return {
            "resourceType": "DiagnosticReport",
            "text": _narrative([*said, self._provenance_text()]),
            "identifier": [_identifier(f"{_NAMES}:diagnosis", self._diagnosis.diagnosis_id)],
            "status": _status(self._diagnosis),
            "category": [_concept(_coding(f"{_TERMS}/v2-0074", category, category_name))],
            "code": _concept(_coding("http://loinc.org", code, name), text=f"AI result: {name}"),
            "subject": self._subject(),
            "issued": instant(newest(self._facts)),
            **self._interpreters("resultsInterpreter"),
            "result": [self._reference("observation")],
            **self._images(),
            "conclusion": " ".join(_ended(sentence) for sentence in said),
        }

    def _provenance_text(self) -> str:
        facts = self._facts
        return (
            f"Image {facts.cid}, SHA-256 {facts.sha256}. Model {self._diagnosis.model.name} "
            f"{self._diagnosis.model.version}, SHA-256 {self._diagnosis.model.sha256}. Recorded by transaction "
            f"{self._diagnosis.transaction_hash} in the registry {facts.contract} on chain {facts.chain_id}. "
            f"Check: {facts.verify}"
        )

    def _images(self) -> Json:
        """ImagingStudy is for DICOM alone; a picture of another format is a Media."""
        if self._dicom:
            return {"imagingStudy": [self._reference("study")]}
        return {"media": [{"link": reference} for reference in self._pictures()]}

    def _pictures(self) -> list[Json]:
        if self._dicom:
            return [self._reference("study")]
        return [self._reference(*_media_name(picture)) for picture in self._facts.pictures]

    def _observation(self) -> Json:
        diagnosis = self._diagnosis
        return {
            "resourceType": "Observation",
            "identifier": [_identifier(f"{_NAMES}:diagnosis", diagnosis.diagnosis_id)],
            "status": _status(diagnosis),
            "category": [_concept(_coding(f"{_TERMS}/observation-category", "imaging", "Imaging"))],
            "code": _concept(
                _coding(f"{_NAMES}:observation", "classification", "Classification of an image by an AI model"),
                text=f"Class of a {diagnosis.model.modality} image",
            ),
            "subject": self._subject(),
            "issued": instant(newest(self._facts)),
            **self._interpreters("performer"),
            **self._value(),
            "note": [{"text": sentence} for sentence in statements(self._facts)],
            "device": self._reference("model"),
            "derivedFrom": self._pictures(),
            "component": self._components(),
        }

    def _value(self) -> Json:
        """The valid label, or why there is none; never both (invariant obs-6)."""
        diagnosis = self._diagnosis
        if diagnosis.compromise:
            return {"dataAbsentReason": {"text": "The key that signed the result is reported as compromised"}}
        if diagnosis.status is DiagnosisStatus.WITHDRAWN:
            return {"dataAbsentReason": {"text": "A clinician withdrew the result"}}
        if label := valid_label(diagnosis):
            coding = _coding(f"{_NAMES}:model:{diagnosis.model.sha256}", label, valid_text(diagnosis))
            return {"valueCodeableConcept": _concept(coding, text=valid_text(diagnosis))}
        if is_sealed(diagnosis):
            masked = _coding(f"{_TERMS}/data-absent-reason", "masked", "Masked")
            return {"dataAbsentReason": _concept(masked, text=valid_text(diagnosis))}
        unknown = _coding(f"{_TERMS}/data-absent-reason", "unknown", "Unknown")
        return {"dataAbsentReason": _concept(unknown, text=diagnosis.reason or "No answer was given")}

    def _components(self) -> list[Json]:
        diagnosis = self._diagnosis
        if diagnosis.abstained:
            reason = diagnosis.reason or "no reason is stated"
            return [_component("abstention", "The model abstained", {"valueString": reason})]
        quantity = {"value": round(diagnosis.confidence, 6), "system": "http://unitsofmeasure.org", "code": "1"}
        confidence = _component(
            "confidence", "Confidence of the model in its label, from 0 to 1", {"valueQuantity": quantity}
        )
        # A label that is not valid any more stays visible, but as what the model said.
        said = _component("model-label", "Label that the model gave", {"valueString": diagnosis.label})
        return [said, confidence]

    def _model(self) -> Json:
        model = self._diagnosis.model
        return {
            "resourceType": "Device",
            "identifier": [_identifier(f"{_NAMES}:model", model.sha256), _uri(f"{_NAMES}:model:{model.sha256}")],
            "status": "active",
            "modelNumber": model.version,
            "deviceName": [{"name": model.name, "type": "model-name"}],
            "type": {"text": "AI model (software)"},
            "version": [{"value": model.version}],
            "note": [{"text": f"The SHA-256 of its bundle is {model.sha256}"}],
        }

    def _imaging_study(self) -> Json:
        """With the exported slices as instances; the numbers count all slices that were classified."""
        series: dict[str, list[DicomReference]] = {}
        for image in self._dicom:
            series.setdefault(image.series, []).append(image)
        count = len(self._facts.study.slices) if self._facts.study else len(self._dicom)
        return {
            "resourceType": "ImagingStudy",
            "identifier": [
                _identifier("urn:dicom:uid", f"urn:oid:{self._uid(self._dicom[0].study)}"),
                *self._accession(),
                _uri(ipfs(self._facts.cid)),
                _identifier(f"{_NAMES}:sha-256", self._facts.sha256),
            ],
            "status": "available",
            "subject": self._subject(),
            "numberOfSeries": len(series),
            "numberOfInstances": count,
            "series": [self._series(uid, images, count) for uid, images in series.items()],
        }

    def _series(self, uid: str, images: Sequence[DicomReference], count: int) -> Json:
        first = images[0]
        return {
            "uid": self._uid(uid),
            **({} if first.series_number is None else {"number": first.series_number}),
            "modality": _coding("http://dicom.nlm.nih.gov/resources/ontology/DCM", first.modality or "OT"),
            "numberOfInstances": count,
            "instance": [self._instance(image) for image in images],
        }

    def _instance(self, image: DicomReference) -> Json:
        return {
            "uid": self._uid(image.sop_instance),
            "sopClass": _coding(_URI, f"urn:oid:{image.sop_class}"),
            **({} if image.instance_number is None else {"number": image.instance_number}),
        }

    def _uid(self, uid: str) -> str:
        return self._originals.uid(uid)

    def _accession(self) -> list[Json]:
        number = self._originals.attributes.get("AccessionNumber")
        kind = _concept(_coding(f"{_TERMS}/v2-0203", "ACSN", "Accession ID"))
        return [{"type": kind, "value": number}] if number else []

    def _media(self, picture: Picture) -> Json:
        return {
            "resourceType": "Media",
            "identifier": [_uri(ipfs(picture.cid)), _identifier(f"{_NAMES}:sha-256", picture.sha256)],
            "status": "completed",
            "type": _concept(_coding(f"{_TERMS}/media-type", "image", "Image")),
            "modality": {"text": self._diagnosis.model.modality},
            "subject": self._subject(),
            "height": picture.height,
            "width": picture.width,
            "content": {"contentType": picture.media_type, "url": ipfs(picture.cid), "size": len(picture.content)},
        }

    def _subject(self) -> Json:
        attributes = self._originals.attributes
        if number := attributes.get("PatientID"):
            name = attributes.get("PatientName")
            return {"type": "Patient", "identifier": {"value": number}, **({"display": name} if name else {})}
        return {"display": "pseudonymous"}

    def _upload(self) -> Json:
        facts = self._facts
        return self._provenance(
            targets=self._pictures(),
            recorded=facts.block.timestamp,
            activity=_coding(f"{_NAMES}:activity", "registration", "Registration of an image on a chain"),
            agents=[_agent("enterer", "Enterer", self._account(facts.uploader, "uploader"))],
            entities=[
                _entity(_uri(ipfs(facts.cid)), "Image" if facts.study is None else "Study manifest"),
                self._transaction(facts.transaction_hash),
            ],
        )

    def _classification(self) -> Json:
        diagnosis = self._diagnosis
        classifier = self._account(diagnosis.classifier, "classifier, which signed the result (EIP-712)")
        return self._provenance(
            targets=[self._reference("report"), self._reference("observation")],
            recorded=diagnosis.block.timestamp,
            occurred=diagnosis.issued_at,
            activity=_coding(f"{_NAMES}:activity", "classification", "Classification of an image by an AI model"),
            agents=[
                _agent("performer", "Performer", self._reference("model")),
                _agent("attester", "Attester", classifier),
            ],
            entities=[
                _entity(_uri(ipfs(self._facts.cid)), "Image" if self._facts.study is None else "Study manifest"),
                _entity(_uri(ipfs(diagnosis.manifest_cid)), "Manifest of the result"),
                self._transaction(diagnosis.transaction_hash),
            ],
        )

    def _review(self, review: ReviewFacts) -> Json:
        return self._provenance(
            targets=[self._reference("report"), self._reference("observation")],
            recorded=review.block.timestamp,
            activity=_coding(f"{_NAMES}:activity", review.verdict, f"Review: {review.verdict}"),
            reason=review.reason,
            agents=[_agent("verifier", "Verifier", self._account(review.reviewer, "reviewer"))],
            entities=[
                _entity(_identifier(f"{_NAMES}:review", review.review_id), "Review on the chain"),
                self._transaction(review.transaction_hash),
            ],
        )

    def _compromise(self, report: ClassifierCompromisedEvent) -> Json:
        return self._provenance(
            targets=[self._reference("report"), self._reference("observation")],
            recorded=report.block.timestamp,
            activity=_coding(f"{_NAMES}:activity", "compromise", "Report that the classifier's key is compromised"),
            reason=self._diagnosis.status_text,
            agents=[_agent("verifier", "Verifier", self._account(report.admin, "administrator"))],
            entities=[self._transaction(report.transaction_hash)],
        )

    def _provenance(
        self,
        *,
        targets: list[Json],
        recorded: int,
        activity: Json,
        agents: list[Json],
        entities: list[Json],
        occurred: int | None = None,
        reason: str | None = None,
    ) -> Json:
        return {
            "resourceType": "Provenance",
            "target": targets,
            **({} if occurred is None else {"occurredDateTime": instant(occurred)}),
            "recorded": instant(recorded),
            **({"reason": [{"text": reason}]} if reason else {}),
            "activity": _concept(activity),
            "agent": agents,
            "entity": entities,
        }

    def _interpreters(self, field: str) -> Json:
        """Who stands for the result: its reviewers, if there are any."""
        reviewers = dict.fromkeys(review.reviewer for review in self._diagnosis.reviews)
        found = [self._account(reviewer, "reviewer") for reviewer in reviewers]
        return {field: found} if found else {}

    def _account(self, address: str, role: str) -> Json:
        """Nobody knows the person behind an account, so it is named by an identifier alone."""
        return {"identifier": _uri(did(self._facts.chain_id, address)), "display": f"{role} {address}"}

    def _transaction(self, hash_: str) -> Json:
        facts = self._facts
        text = f"Transaction in the registry {facts.contract} on chain {facts.chain_id}"
        return _entity(_identifier(f"{_NAMES}:transaction:{facts.chain_id}", hash_), text)

    def _reference(self, *names: str) -> Json:
        return {"reference": self.name(*names)}


def _status(diagnosis: DiagnosisFacts) -> str:
    return "entered-in-error" if diagnosis.compromise else STATUS[diagnosis.status]


def _media_name(picture: Picture) -> tuple[str, str, str]:
    return "media", picture.cid, str(picture.order)


def _coding(system: str, code: str, display: str | None = None) -> Json:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def _concept(coding: Json, *, text: str | None = None) -> Json:
    return {"coding": [coding], **({"text": text} if text else {})}


def _identifier(system: str, value: str) -> Json:
    return {"system": system, "value": value}


def _uri(uri: str) -> Json:
    return _identifier(_URI, uri)


def _component(code: str, text: str, value: Mapping[str, Any]) -> Json:
    return {"code": _concept(_coding(f"{_NAMES}:observation", code), text=text), **value}


def _agent(code: str, display: str, who: Json) -> Json:
    return {"type": _concept(_coding(f"{_TERMS}/provenance-participant-type", code, display)), "who": who}


def _entity(identifier: Json, display: str) -> Json:
    return {"role": "source", "what": {"identifier": identifier, "display": display}}


def _narrative(sentences: Sequence[str]) -> Json:
    text = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'}


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
