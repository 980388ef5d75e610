"""What APIFlask's description of the API leaves out: unions, named enumerations, the type of errors and of files."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

from apiflask import APIFlask, Schema
from apiflask.fields import Enum, Field
from apiflask.types import ResponseObjectType, ResponsesType
from apispec import APISpec, BasePlugin
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from backend.api.problems import MEDIA_TYPE
from backend.api.schemas import Union, Verbatim

Json = dict[str, Any]
"""A part of the description."""
_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


class DescribedApp(APIFlask):
    """An application whose ``/openapi.json`` is complete."""

    def __init__(self, import_name: str, **kwargs: Any) -> None:
        super().__init__(import_name, spec_plugins=[_Fields()], **kwargs)
        self.schema_name_resolver = _name
        self.spec_processor(_complete)

    def _register_schema_and_get_ref(self, spec: APISpec, registered: dict[int, str], schema: Schema) -> Json:
        """APIFlask's own cannot describe a schema that is both an answer and a part of another one."""
        reference: Json = _converter(self._ma_plugin).resolve_nested_schema(schema)
        return reference


def responses(by_status: Mapping[int, str | ResponseObjectType]) -> ResponsesType:
    """For ``doc``. APIFlask accepts texts and objects in one dictionary, but its type does not."""
    return cast(ResponsesType, dict(by_status))


def file_response(media_type: str, description: str, *others: str) -> ResponseObjectType:
    """The description of an answer that is no JSON; ``others`` are more media types that it may have."""
    content: Json = {"schema": {"type": "string", "format": "binary"}}
    return {"description": description, "content": dict.fromkeys((media_type, *others), content)}


def json_response(schema: type[Schema] | Json, description: str) -> ResponseObjectType:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


class _Fields(BasePlugin):
    """Describes the fields that marshmallow's plugin does not know."""

    def schema_helper(self, name: str, definition: Json, **kwargs: Any) -> Json:
        schema = kwargs.get("schema")
        return _description(schema if isinstance(schema, type) else type(schema)) if schema else {}

    def init_spec(self, spec: APISpec) -> None:
        (plugin,) = (each for each in spec.plugins if isinstance(each, MarshmallowPlugin))
        for describe in (_describe_enum, _describe_union, _describe_verbatim):
            _converter(plugin).add_attribute_function(describe)


def _converter(plugin: MarshmallowPlugin) -> OpenAPIConverter:
    if plugin.converter is None:
        raise RuntimeError("apispec makes the converter when it takes the plugin")
    return plugin.converter


def _describe_enum(self: Any, field: Field[Any], ret: Json) -> Json:
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


def _describe_union(self: Any, field: Field[Any], ret: Json) -> Json:
    if not isinstance(field, Union):
        return {}
    name = field.name_of_union
    if name not in self.spec.components.schemas:
        mapping = {value: self.resolve_nested_schema(schema)["$ref"] for value, schema in field.schemas.items()}
        variants = [{"$ref": reference} for reference in dict.fromkeys(mapping.values())]
        discriminator = {"propertyName": field.by, "mapping": mapping}
        self.spec.components.schema(name, {"oneOf": variants, "discriminator": discriminator})
    return {"$ref": f"#/components/schemas/{name}"}


def _describe_verbatim(self: Any, field: Field[Any], ret: Json) -> Json:
    described: Json = self.resolve_nested_schema(field.schema) if isinstance(field, Verbatim) else {}
    return described


def _description(class_: type) -> Json:
    """Its own docstring, not an inherited one."""
    text = class_.__dict__.get("__doc__")
    return {"description": inspect.cleandoc(text)} if text else {}


def _name(schema: type[Schema] | Schema) -> str:
    return (schema if isinstance(schema, type) else type(schema)).__name__.removesuffix("Schema")


def _complete(description: Json | str) -> Json | str:
    """Errors are problem details, a 200 beside a 201 has the same body, and each tag is listed once."""
    if isinstance(description, str):
        raise TypeError("expected the description as an object, found it as YAML")
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
            schema = parameter["schema"]
            # A parameter is left out, never null.
            if schema.pop("nullable", False):
                schema.pop("default", None)
            # apispec gives an enumeration no type, and lists null in one that may be left out.
            if "enum" in schema:
                schema |= {"type": "string", "enum": [value for value in schema["enum"] if value is not None]}
    description["tags"] = [{"name": tag} for tag in dict.fromkeys(tag for each in operations for tag in each["tags"])]
    return description
