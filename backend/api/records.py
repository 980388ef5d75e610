"""The records of the chain: search, one record, its verification, and its evidence as one file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, Float, Integer, List, Nested, String
from apiflask.validators import Length
from eth_utils.address import to_checksum_address
from flask import Response

from backend.api.access import container
from backend.api.downloads import begin_download
from backend.api.images import UploadSchema, one_file
from backend.api.kinds import KindFilterSchema, KindSchema, kind_answer
from backend.api.limits import limiter, uploads_allowed
from backend.api.openapi import file_response, responses
from backend.api.paging import IndexStatusSchema, PageSchema, PagingSchema, cursor_of, position_of
from backend.api.schemas import Address, AnswerSchema, BlockSchema, Hash, ModelNameSchema, Signature, Values
from backend.api.transactions import TransactionLinkSchema, transaction_link
from backend.api.validation import hash_in_path
from backend.cids import raw_cid
from backend.domain import (
    SEALED_LABEL,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    DiagnosisStatus,
    ImageKind,
    Outcome,
    Record,
    RecordFilter,
    Verdict,
)
from backend.errors import InvalidInput
from backend.services.attestation import BASIS_POINTS
from backend.services.evidence_file import MEDIA_TYPE, pack
from backend.services.kind_sources import kind_filter
from backend.services.statements import Statement
from backend.services.verification import SHOWN_NOISE

blueprint = APIBlueprint("records", __name__, tag="Records")
Published = Callable[[DiagnosisReviewedEvent], Statement | None]
RECORDS_OF_A_FILE = 20
"""The most records that a look-up by file answers with: any number of people may record one image."""


class CurrentLabelSchema(AnswerSchema):
    label = String()
    label_text = String()
    label_code = Integer()


class SliceOutlineSchema(AnswerSchema):
    """`outline` on the slice whose `order` (from 0) and `cid` are those of a slice of the study; else of none."""

    order = Integer()
    cid = String()
    outline = List(List(List(Float(), validate=Length(equal=2))))


class ReviewSchema(AnswerSchema):
    """`label` is null and `labelCode` 0 when the diagnosis was withdrawn."""

    review_id = Hash()
    verdict = Enum(Verdict, by_value=True)
    label = String(allow_none=True)
    label_code = Integer()
    reviewer = Address()
    supersedes = Hash()
    reason_hash = Hash()
    statement = String(
        allow_none=True,
        metadata={"description": "The reviewer's reason once it is published, in the answer for a single record."},
    )
    outline = List(
        List(List(Float(), validate=Length(equal=2))),
        allow_none=True,
        metadata={"description": "The reviewer's contours in place of the model's; null: not corrected."},
    )
    slice_outlines = List(
        Nested(SliceOutlineSchema),
        metadata={"description": "The same for slices of a study; none for those that were not corrected."},
    )
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


class DiagnosisSchema(AnswerSchema):
    """A sealed one shows no label: `labelCode` is that of SEALED, and `confidence` is null.

    `confidence` is in [0, 1], `issuedAt` in Unix seconds.
    """

    diagnosis_id = Hash()
    sealed = Boolean()
    status = Enum(DiagnosisStatus, by_value=True)
    current = Nested(
        CurrentLabelSchema,
        allow_none=True,
        metadata={"description": "The label that is valid now, null when the diagnosis was withdrawn."},
    )
    label = String()
    label_text = String()
    label_code = Integer()
    confidence = Float(allow_none=True)
    model_id = Hash()
    model = Nested(ModelNameSchema, allow_none=True)
    manifest_hash = Hash()
    manifest_cid = String()
    issued_at = Integer()
    classifier = Address()
    compromised_since = Integer(
        allow_none=True,
        metadata={
            "description": "Since when the classifier's key is reported as compromised, in Unix seconds, if that is at "
            "or before the time of the block or of the signature: whoever has the key can have signed it. Else null."
        },
    )
    signature = Signature()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)
    reviews = List(Nested(ReviewSchema))


class ImageRecordSchema(AnswerSchema):
    image_id = Hash()
    cid = String()
    uploader = Address()
    commitment = Hash()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)
    image_available = Boolean()
    study = Boolean(metadata={"description": "Whether the record is of a study: its CID is that of a study manifest."})
    kind = Nested(KindSchema)
    diagnoses = List(Nested(DiagnosisSchema))


class FilterSchema(KindFilterSchema):
    """`from` and `to` as Unix seconds, or as a date or time in ISO 8601, UTC where it names no zone.
    `modality`, `bodyPart`, `sequence` and `magnification` as in `kind`, or `unknown`."""

    q = String(load_default="", validate=Length(max=200))
    model = String(load_default="", validate=Length(max=100))
    label = String(load_default="", validate=Length(max=100))
    status = Enum(DiagnosisStatus, by_value=True, load_default=None)
    first_time = String(load_default=None, data_key="from", validate=Length(max=40))
    last_time = String(load_default=None, data_key="to", validate=Length(max=40))


class RecordQuerySchema(FilterSchema, PagingSchema):
    pass


class RecordPageSchema(PageSchema):
    records = List(Nested(ImageRecordSchema))


class LookupSchema(AnswerSchema):
    """`cid` is that of the file without its metadata, the blocks of which `stripped` names."""

    cid = String()
    stripped = List(String())
    records = List(Nested(ImageRecordSchema))
    index = Nested(IndexStatusSchema)


class CheckSchema(AnswerSchema):
    name = String()
    passed = Boolean()
    expected = String()
    found = String()


class VerifiedDiagnosisSchema(AnswerSchema):
    diagnosis_id = Hash()
    status = Enum(DiagnosisStatus, by_value=True)


class CompletenessSchema(AnswerSchema):
    """Nothing of the record up to and with this block was left out."""

    block = Nested(BlockSchema)


class NoiseSchema(AnswerSchema):
    """A review of a diagnosis that was never recorded: any reviewer can add it, and it changes nothing."""

    review_id = Hash()
    diagnosis_id = Hash()
    reviewer = Address()
    verdict = Enum(Verdict, by_value=True)
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


class VerificationSchema(AnswerSchema):
    """`completeness` is null when the registry's state does not show it."""

    image_id = Hash()
    passed = Boolean()
    verdict = Enum(Outcome, by_value=True)
    completeness = Nested(CompletenessSchema, allow_none=True)
    noise = List(Nested(NoiseSchema), metadata={"description": "At most 20 of `noiseCount`."})
    noise_count = Integer()
    diagnoses = List(Nested(VerifiedDiagnosisSchema))
    checks = List(Nested(CheckSchema))


@blueprint.get("/records/<image_id>")
@blueprint.output(ImageRecordSchema)
@blueprint.doc(summary="One record; an image just mined is found at once")
def record(image_id: str) -> Values:
    found = container().records.find(hash_in_path("the image id", image_id))
    cid = found.image.cid
    there = kept([found])
    if not there.of(found) and container().studies.recover(cid):
        there = kept([found])
    there = there._replace(kinds={cid: container().kinds.of(cid)})
    return record_answer(found, kept=there, published=container().reviews.published)


@blueprint.get("/records")
@blueprint.input(RecordQuerySchema, location="query")
@blueprint.output(RecordPageSchema)
@blueprint.doc(summary="Search records, newest first")
def search(query_data: Values) -> Values:
    page = container().records.search(
        record_filter(query_data), limit=query_data["limit"], before=position_of(query_data["cursor"])
    )
    found = kept(page.records)
    return {
        "records": [record_answer(record, kept=found) for record in page.records],
        "next": cursor_of(page.next),
        "index": page.index,
    }


@blueprint.post("/records/lookup")
@limiter.limit(uploads_allowed, error_message="look-ups")
@blueprint.input(UploadSchema, location="files", unknown="raise")
@blueprint.output(LookupSchema)
@blueprint.doc(
    summary="The newest records of a file or of its original; nothing is pinned", responses={413: "", 415: "", 429: ""}
)
def lookup(files_data: Values) -> Values:
    facts = container().intake.identify(one_file(files_data))
    page = container().records.of_image(facts.cid, limit=RECORDS_OF_A_FILE)
    found = kept(page.records)
    return {
        "cid": facts.cid,
        "stripped": facts.stripped,
        "records": [record_answer(record, kept=found) for record in page.records],
        "index": page.index,
    }


@blueprint.get("/records/<image_id>/verification")
@blueprint.output(VerificationSchema)
@blueprint.doc(summary="Check a record against chain, store and model")
def verification(image_id: str) -> Values:
    found = container().verification.verify(hash_in_path("the image id", image_id))
    return {
        "image_id": found.image_id,
        "passed": found.passed,
        "verdict": found.verdict,
        "completeness": {"block": found.complete_to} if found.complete_to else None,
        "noise": [
            {
                "review_id": review.review_id,
                "diagnosis_id": review.diagnosis_id,
                "reviewer": to_checksum_address(review.reviewer),
                "verdict": review.verdict,
                "transaction": transaction_link(review.transaction_hash),
                "block": review.block,
            }
            for review in found.noise[:SHOWN_NOISE]
        ],
        "noise_count": len(found.noise),
        "diagnoses": found.diagnoses,
        "checks": found.checks,
    }


@blueprint.get("/records/<image_id>/evidence")
@limiter.limit(uploads_allowed, error_message="evidence files")
@blueprint.doc(
    summary="Everything needed to check a record without this server, as a ZIP",
    responses=responses({200: file_response(MEDIA_TYPE, "The evidence file"), 404: "", 429: ""}),
)
def evidence(image_id: str) -> Response:
    found = container().evidence.collect(hash_in_path("the image id", image_id))
    # Not before: a node that hangs would take the places of other downloads.
    with begin_download() as download:
        response = Response(pack(found), content_type=MEDIA_TYPE)
        response.headers["Content-Disposition"] = f'attachment; filename="scanproof-{found.image_id[2:10]}.zip"'
        return download.answer(response)


def no_statement(_review: DiagnosisReviewedEvent) -> None:
    """No statements: each is an object of the store, and a list would ask for many."""


class Kept(NamedTuple):
    """CIDs of what is pinned here, and what kind of image each is."""

    images: frozenset[str]
    studies: frozenset[str]
    kinds: Mapping[str, ImageKind]

    def of(self, record: Record) -> bool:
        return record.image.cid in self.images or record.image.cid in self.studies


def kept(records: Sequence[Record]) -> Kept:
    cids = [record.image.cid for record in records]
    return Kept(container().intake.available(cids), container().studies.known(cids), container().kinds.known(cids))


def record_answer(record: Record, *, kept: Kept, published: Published = no_statement) -> Values:
    """``kept``: what of such records is pinned here. ``published`` gives the published statement of a review."""
    image = record.image
    return {
        "image_id": image.image_id,
        "cid": image.cid,
        "uploader": to_checksum_address(image.uploader),
        "commitment": image.commitment,
        "transaction": transaction_link(image.transaction_hash),
        "block": image.block,
        "image_available": image.cid in kept.images,
        "study": image.cid in kept.studies,
        "kind": kind_answer(kept.kinds.get(image.cid) or ImageKind(image.cid)),
        "diagnoses": [diagnosis_answer(record, diagnosis, published=published) for diagnosis in record.diagnoses],
    }


def diagnosis_answer(
    record: Record, diagnosis: DiagnosisRecordedEvent, *, published: Published = no_statement
) -> Values:
    models = container().models
    sealed = diagnosis.label == SEALED_LABEL
    label, text = models.label(diagnosis.model_id, diagnosis.label)
    holds = record.label_of(diagnosis)
    current = None if holds is None else _label(diagnosis.model_id, holds)
    return {
        "diagnosis_id": diagnosis.diagnosis_id,
        "sealed": sealed,
        "status": record.status_of(diagnosis),
        "current": current,
        "label": label,
        "label_text": text,
        "label_code": diagnosis.label,
        "confidence": None if sealed else diagnosis.confidence / BASIS_POINTS,
        "model_id": diagnosis.model_id,
        "model": models.facts(diagnosis.model_id),
        "manifest_hash": diagnosis.manifest_hash,
        "manifest_cid": raw_cid(diagnosis.manifest_hash),
        "issued_at": diagnosis.issued_at,
        "classifier": to_checksum_address(diagnosis.classifier),
        "compromised_since": record.compromised_since(diagnosis),
        "signature": diagnosis.signature,
        "transaction": transaction_link(diagnosis.transaction_hash),
        "block": diagnosis.block,
        "reviews": [_review(review, diagnosis.model_id, published) for review in record.reviews_of(diagnosis)],
    }


def _label(model_id: str, code: int) -> Values:
    label, text = container().models.label(model_id, code)
    return {"label": label, "label_text": text, "label_code": code}


def _review(review: DiagnosisReviewedEvent, model_id: str, published: Published) -> Values:
    withdrawn = review.verdict is Verdict.WITHDRAWN
    statement = published(review)
    return {
        "review_id": review.review_id,
        "verdict": review.verdict,
        "label": None if withdrawn else container().models.label(model_id, review.label)[0],
        "label_code": review.label,
        "reviewer": to_checksum_address(review.reviewer),
        "supersedes": review.supersedes,
        "reason_hash": review.reason_hash,
        "statement": statement and statement.reason,
        "outline": statement and statement.outline,
        "slice_outlines": statement.slice_outlines if statement else (),
        "transaction": transaction_link(review.transaction_hash),
        "block": review.block,
    }


def record_filter(query: Values) -> RecordFilter:
    """The filter that a query of FilterSchema asks for. Raises InvalidInput."""
    return container().records.filter(
        text=query["q"],
        model=query["model"],
        label=query["label"],
        status=query["status"],
        first_time=_moment("from", query["first_time"], time.min),
        last_time=_moment("to", query["last_time"], time.max),
        kind=kind_filter(**{name: query[name] for name in ImageKind.VALUES}),
    )


def _moment(name: str, text: str | None, time_of_day: time) -> int | None:
    """Unix seconds; a date alone stands for its first or last moment."""
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text)
    try:
        if re.fullmatch(r"[0-9-]+", text):
            moment = datetime.combine(date.fromisoformat(text), time_of_day)
        else:
            moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except ValueError:
        raise InvalidInput(f"{name} must be Unix seconds, or a date or time in ISO 8601, not {text!r}") from None
