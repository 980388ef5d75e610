"""The bases of all schemas, and the shapes that several resources share: camelCase outside, snake_case inside."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Integer, Nested, String
from apiflask.validators import Regexp

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


class ModelSchema(CamelCase):
    name = String()
    version = String()
    sha256 = String()
    modality = String()


class ModelNameSchema(CamelCase):
    name = String()
    version = String()


class BlockSchema(CamelCase):
    number = Integer()
    hash = String()
    timestamp = Integer()


class ReferenceSchema(CamelCase):
    title = String()
    publisher = String()
    url = String()


class NextStepSchema(CamelCase):
    text = String()
    reference = Nested(ReferenceSchema)
