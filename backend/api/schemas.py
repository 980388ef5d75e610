"""The shapes of requests and answers: camelCase outside, snake_case inside."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Length, Range, Regexp

HASH = Regexp(r"0x[0-9a-fA-F]{64}\Z", error="must be 0x and 64 hex digits.")
ADDRESS = Regexp(r"0x[0-9a-fA-F]{40}\Z", error="must be 0x and 40 hex digits.")


class CamelCase(Schema):
    def on_bind_field(self, field_name, field) -> None:
        head, *tail = field_name.split("_")
        field.data_key = head + "".join(word.capitalize() for word in tail)


class ProblemSchema(CamelCase):
    """Problem details (RFC 9457)."""

    type = String()
    title = String()
    status = Integer()
    detail = String()
    instance = String()


class CurrencySchema(CamelCase):
    name = String()
    symbol = String()
    decimals = Integer()


class ChainSchema(CamelCase):
    id = Integer()
    name = String()
    rpc_url = String(allow_none=True)
    currency = Nested(CurrencySchema)
    explorer_url = String(allow_none=True)
    contract = String()
    start_block = Integer()
    confirmations = Integer()
    development = Boolean()


class StorageSchema(CamelCase):
    name = String()
    public = Boolean()


class LimitsSchema(CamelCase):
    max_bytes = Integer()
    max_pixels = Integer()
    media_types = List(String())


class ConfigSchema(CamelCase):
    version = String()
    chain = Nested(ChainSchema)
    storage = Nested(StorageSchema)
    classifier = String()
    limits = Nested(LimitsSchema)
    notice = String()


class ModelSchema(CamelCase):
    name = String()
    version = String()
    sha256 = String()
    modality = String()


class BlockSchema(CamelCase):
    number = Integer()
    hash = String()
    timestamp = Integer()


class TransactionQuerySchema(CamelCase):
    sender = String(load_default=None, validate=ADDRESS)
    nonce = Integer(load_default=None, validate=Range(min=0, max=2**63))

    def on_bind_field(self, field_name, field) -> None:
        # "from" is the field's name everywhere else, but a keyword of Python.
        field.data_key = "from" if field_name == "sender" else field_name


class TransactionSchema(CamelCase):
    hash = String()
    state = String()
    confirmations = Integer()
    required = Integer()
    block = Nested(BlockSchema, allow_none=True)
    gas_used = Integer(allow_none=True)
    sender = String(allow_none=True)
    nonce = Integer(allow_none=True)
    revert_reason = String(allow_none=True)
    explorer_url = String(allow_none=True)
    image_ids = List(String())


class TransactionLinkSchema(CamelCase):
    hash = String()
    explorer_url = String(allow_none=True)


class ModelNameSchema(CamelCase):
    name = String()
    version = String()


class DiagnosisSchema(CamelCase):
    label = String()
    label_text = String()
    label_code = Integer()
    confidence = Float()
    model_id = String()
    model = Nested(ModelNameSchema, allow_none=True)
    manifest_hash = String()
    manifest_cid = String()
    issued_at = Integer()
    classifier = String()
    signature = String()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


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


class IndexStatusSchema(CamelCase):
    block = Integer(allow_none=True)
    head = Integer(allow_none=True)
    synced = Boolean()


class RecordQuerySchema(CamelCase):
    q = String(load_default="", validate=Length(max=200))
    limit = Integer(load_default=20, validate=Range(min=1, max=100))
    cursor = String(load_default=None, validate=Length(max=40))


class RecordPageSchema(CamelCase):
    records = List(Nested(ListedRecordSchema))
    next = String(allow_none=True)
    index = Nested(IndexStatusSchema)


class CheckSchema(CamelCase):
    name = String()
    passed = Boolean()
    expected = String()
    found = String()


class VerificationSchema(CamelCase):
    image_id = String()
    passed = Boolean()
    checks = List(Nested(CheckSchema))


class LabelSchema(CamelCase):
    label = String()
    code = Integer()
    text = String()


class ModelCardSchema(ModelSchema):
    kind = String()
    architecture = String()
    weak = String(allow_none=True)
    classes = List(Nested(LabelSchema))
    metrics = Raw()
    default = Boolean()
    card = String()


class ModelListSchema(CamelCase):
    models = List(Nested(ModelCardSchema))


class ExplanationSchema(CamelCase):
    data = String()
    text = String()


class PublishedSchema(CamelCase):
    source = String()
    network = String()
    data = String()
    loss = Float(allow_none=True)
    auc = Float(allow_none=True)
    accuracy = Float()


class NotTrainedSchema(CamelCase):
    data = String()
    networks = List(String())


class ResultsSchema(CamelCase):
    results = List(Raw(), metadata={"description": "Results of the schema scanproof.result/1, as the files have them."})
    comparisons = List(Nested(ExplanationSchema))
    published = List(Nested(PublishedSchema))
    not_trained = List(Nested(NotTrainedSchema))


class HealthSchema(CamelCase):
    status = String()


class ReadinessSchema(CamelCase):
    status = String()
    checks = Dict(keys=String(), values=String())
