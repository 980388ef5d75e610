"""The shapes of requests and answers: camelCase outside, snake_case inside."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Range, Regexp

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


class CheckSchema(CamelCase):
    name = String()
    passed = Boolean()
    expected = String()
    found = String()


class StandingSchema(CamelCase):
    diagnosis_id = String()
    status = String()


class VerificationSchema(CamelCase):
    image_id = String()
    passed = Boolean()
    diagnoses = List(Nested(StandingSchema))
    checks = List(Nested(CheckSchema))


class ReferenceSchema(CamelCase):
    title = String()
    publisher = String()
    url = String()


class NextStepSchema(CamelCase):
    text = String()
    reference = Nested(ReferenceSchema)


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
    next_steps = Dict(keys=String(), values=List(Nested(NextStepSchema)))
    chain_status = String(allow_none=True)


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
