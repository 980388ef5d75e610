"""The shapes of records, of searches for them, and of the review queue."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range

from backend.api.schemas import BlockSchema, CamelCase, ModelNameSchema, TransactionLinkSchema
from backend.domain import DiagnosisStatus

STATUS = OneOf([status.value for status in DiagnosisStatus])


class CurrentLabelSchema(CamelCase):
    label = String()
    label_text = String()
    label_code = Integer()


class ReviewSchema(CamelCase):
    """``statement`` is the reviewer's reason where it was published, in the answer for a single record."""

    review_id = String()
    verdict = String()
    label = String(allow_none=True)
    label_code = Integer()
    reviewer = String()
    supersedes = String()
    reason_hash = String()
    statement = String(allow_none=True)
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


class DiagnosisSchema(CamelCase):
    diagnosis_id = String()
    sealed = Boolean()
    status = String()
    current = Nested(CurrentLabelSchema, allow_none=True)
    label = String()
    label_text = String()
    label_code = Integer()
    confidence = Float(allow_none=True)
    model_id = String()
    model = Nested(ModelNameSchema, allow_none=True)
    manifest_hash = String()
    manifest_cid = String()
    issued_at = Integer()
    classifier = String()
    signature = String()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)
    reviews = List(Nested(ReviewSchema))


class RecordSchema(CamelCase):
    image_id = String()
    cid = String()
    uploader = String()
    commitment = String()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)
    image_available = Boolean()
    diagnoses = List(Nested(DiagnosisSchema))


class ListedRecordSchema(RecordSchema):
    """A class of its own, because the OpenAPI plugin cannot describe one both alone and nested."""


class QueuedDiagnosisSchema(DiagnosisSchema):
    image_id = String()
    cid = String()
    uploader = String()
    image_available = Boolean()


class IndexStatusSchema(CamelCase):
    block = Integer(allow_none=True)
    head = Integer(allow_none=True)
    synced = Boolean()


class FilterSchema(Schema):
    """``from`` and ``to`` as Unix seconds, or as a date or time in ISO 8601, UTC where it names no zone."""

    q = String(load_default="", validate=Length(max=200))
    model = String(load_default="", validate=Length(max=100))
    label = String(load_default="", validate=Length(max=100))
    status = String(load_default=None, validate=STATUS)
    first_time = String(load_default=None, data_key="from", validate=Length(max=40))
    last_time = String(load_default=None, data_key="to", validate=Length(max=40))


class PagingSchema(Schema):
    limit = Integer(load_default=20, validate=Range(min=1, max=100))
    cursor = String(load_default=None, validate=Length(max=40))


class RecordQuerySchema(FilterSchema, PagingSchema):
    pass


class QueueQuerySchema(PagingSchema):
    status = String(load_default=DiagnosisStatus.ASSERTED.value, validate=STATUS)


class RecordPageSchema(CamelCase):
    records = List(Nested(ListedRecordSchema))
    next = String(allow_none=True)
    index = Nested(IndexStatusSchema)


class QueuePageSchema(CamelCase):
    diagnoses = List(Nested(QueuedDiagnosisSchema))
    next = String(allow_none=True)
    index = Nested(IndexStatusSchema)
