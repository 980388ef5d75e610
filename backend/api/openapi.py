"""What APIFlask's description of the API leaves out: unions, named enumerations, the type of errors and of files."""

from __future__ import annotations

import inspect
from typing import Any

from apiflask import APIFlask, Schema
from apiflask.fields import Enum, Field
from apispec import APISpec, BasePlugin
from apispec.ext.marshmallow import MarshmallowPlugin

from backend.api.problems import MEDIA_TYPE
from backend.api.schemas import Union, Verbatim

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


class DescribedApp(APIFlask):
    """An application whose ``/openapi.json`` is complete."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, spec_plugins=[_Fields()], **kwargs)
        self.schema_name_resolver = _name
        self.spec_processor(_complete)

    def _register_schema_and_get_ref(self, spec: APISpec, registered: dict, schema: Schema) -> dict:
        """APIFlask's own cannot describe a schema that is both an answer and a part of another one."""
        return self._ma_plugin.converter.resolve_nested_schema(schema)


def file_response(media_type: str, description: str) -> dict:
    """The description of an answer that is no JSON."""
    return {"description": description, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}


def json_response(schema: type[Schema] | dict, description: str) -> dict:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


class _Fields(BasePlugin):
    """Describes the fields that marshmallow's plugin does not know."""

    def schema_helper(self, name: str, definition: dict, **kwargs: Any) -> dict:
        schema = kwargs.get("schema")
        return _description(schema if isinstance(schema, type) else type(schema)) if schema else {}

    def init_spec(self, spec: APISpec) -> None:
        (plugin,) = (each for each in spec.plugins if isinstance(each, MarshmallowPlugin))
        plugin.converter.add_attribute_function(_describe_enum)
        plugin.converter.add_attribute_function(_describe_union)
        plugin.converter.add_attribute_function(_describe_verbatim)


def _describe_enum(self: Any, field: Field, ret: dict) -> dict:
    """A component of its own, so that clients have one name for it; ``self`` is apispec's converter."""
    if not isinstance(field, Enum):
        return {}
    name = field.enum.__name__
    if name not in self.spec.components.schemas:
        values = [member.value for member in field.enum]
        described = {"type": "string", "enum": values}
        self.spec.components.schema(name, described | _description(field.enum))
    del ret["enum"]
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {"anyOf": [reference, {"type": "null"}]} if field.allow_none else reference


def _describe_union(self: Any, field: Field, ret: dict) -> dict:
    if not isinstance(field, Union):
        return {}
    name = field.name_of_union
    if name not in self.spec.components.schemas:
        mapping = {value: self.resolve_nested_schema(schema)["$ref"] for value, schema in field.schemas.items()}
        variants = [{"$ref": reference} for reference in dict.fromkeys(mapping.values())]
        discriminator = {"propertyName": field.by, "mapping": mapping}
        self.spec.components.schema(name, {"oneOf": variants, "discriminator": discriminator})
    return {"$ref": f"#/components/schemas/{name}"}


def _describe_verbatim(self: Any, field: Field, ret: dict) -> dict:
    return self.resolve_nested_schema(field.schema) if isinstance(field, Verbatim) else {}


def _description(class_: type) -> dict:
    """Its own docstring, not an inherited one."""
    text = class_.__dict__.get("__doc__")
    return {"description": inspect.cleandoc(text)} if text else {}


def _name(schema: type[Schema] | Schema) -> str:
    return (schema if isinstance(schema, type) else type(schema)).__name__.removesuffix("Schema")


def _complete(description: dict) -> dict:
    """Errors are problem details, a 200 beside a 201 has the same body, and each tag is listed once."""
    operations = [operation for methods in description["paths"].values() for operation in methods.values()]
    for operation in operations:
        responses = operation["responses"]
        if "201" in responses and "200" in responses:
            responses["200"]["content"] = responses["201"]["content"]
        for status, response in responses.items():
            if response.get("content", {}).get("application/json") == _PROBLEM:
                responses[status] = {**response, "content": {MEDIA_TYPE: _PROBLEM}}
        responses["default"] = {"description": "Any other error", "content": {MEDIA_TYPE: _PROBLEM}}
        for parameter in operation.get("parameters", []):
            # A parameter is left out, never null.
            if parameter["schema"].pop("nullable", False):
                parameter["schema"].pop("default", None)
    description["tags"] = [{"name": tag} for tag in dict.fromkeys(tag for each in operations for tag in each["tags"])]
    return description
