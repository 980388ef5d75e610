"""The bases of all schemas, their fields, and the shapes that several resources share.

Names are camelCase outside and snake_case inside. A schema's docstring is its description in ``/openapi.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apiflask import Schema
from apiflask.fields import Dict, Field, Integer, List, Nested, Raw, String
from apiflask.validators import Equal, Regexp

from backend.services.json_values import camel_case

Values = dict[str, Any]
"""The values of a schema's fields by name: the input of a view that was checked, or its answer."""


class CamelCase(Schema):
    def on_bind_field(self, field_name: str, field: Field[Any]) -> None:
        if field.data_key is None:
            field.data_key = camel_case(field_name)


class AnswerSchema(CamelCase):
    """Every field is in every answer, but those in ``optional``; what is not known is null."""

    optional: frozenset[str] = frozenset()

    def on_bind_field(self, field_name: str, field: Field[Any]) -> None:
        super().on_bind_field(field_name, field)
        field.required = field_name not in self.optional


class Hex(String):
    """0x and the hex digits of ``size`` bytes."""

    size: int

    def __init__(self, **kwargs: Any) -> None:
        digits = 2 * self.size
        pattern = f"0x[0-9a-fA-F]{{{digits}}}"
        check = Regexp(pattern + r"\Z", error=f"must be 0x and {digits} hex digits.")
        # JSON Schema's dialect of patterns is that of JavaScript, which has no \Z.
        super().__init__(validate=check, metadata={"pattern": f"^{pattern}$"}, **kwargs)


class Hash(Hex):
    size = 32


class Address(Hex):
    size = 20


class Signature(Hex):
    size = 65


class Sha256(String):
    """Lower-case hex without 0x, as in bundles and manifests."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": "^[0-9a-f]{64}$"}, **kwargs)


class Literal(String):
    """Always ``value``."""

    def __init__(self, value: str) -> None:
        super().__init__(validate=Equal(value))


class Null(Raw):
    """A field that this variant of a union does not have."""

    def __init__(self) -> None:
        super().__init__(metadata={"type": "null"})


class Verbatim(Field[Any]):
    """Described by a schema, but sent as it is."""

    def __init__(self, schema: type[Schema]) -> None:
        super().__init__()
        self.schema = schema


class Union(Field[Any]):
    """One of several schemas, chosen by the value of the field ``by``; ``name`` is that of the union."""

    def __init__(self, name: str, *, by: str, schemas: Mapping[str, type[Schema]]) -> None:
        super().__init__()
        self.name_of_union = name
        self.by = by
        self.schemas = {value: schema() for value, schema in schemas.items()}

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return self.schemas[value[self.by]].dump(value)


class TextBoxSchema(AnswerSchema):
    """A place of an image in which a text seems to be. In pixels, from the upper left corner."""

    x = Integer()
    y = Integer()
    width = Integer()
    height = Integer()


class ProblemSchema(AnswerSchema):
    """Problem details (RFC 9457). `boxes` belong to the type `text-in-image`; `slices`, from 0, to `text-in-slices` and
    `unrecognised-slices`; `fields`, a message for each field of the form, to `invalid-fields`."""

    optional = frozenset({"boxes", "slices", "messages"})

    boxes = List(Nested(TextBoxSchema))
    slices = List(Integer())
    messages = Dict(data_key="fields", keys=String(), values=String())
    type = String()
    title = String()
    status = Integer()
    detail = String()
    instance = String()


class ModelNameSchema(AnswerSchema):
    name = String()
    version = String()


class ModelIdentitySchema(ModelNameSchema):
    """A model; 0x and its `sha256` are its id on the chain."""

    sha256 = Sha256()
    modality = String()


class BlockSchema(AnswerSchema):
    """`timestamp` in Unix seconds."""

    number = Integer()
    hash = Hash()
    timestamp = Integer()


class ReferenceSchema(AnswerSchema):
    title = String()
    publisher = String()
    url = String()


class NextStepSchema(AnswerSchema):
    """What a person may do after a result, and where that is said."""

    text = String()
    reference = Nested(ReferenceSchema)
