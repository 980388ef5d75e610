"""Answers of the API against its own description: every client of the tests checks each JSON body that it gets."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.test import TestResponse

from backend.api.app import PREFIX, create_app

PROBLEM = {"$ref": "#/components/schemas/Problem"}


class DescribedClient(FlaskClient):
    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        # A streamed answer is for the test alone to read.
        if response.request.path.startswith(PREFIX) and "Content-Length" in response.headers:
            assert_described(self.application, response)
        return response


def assert_described(app: Any, response: TestResponse) -> None:
    """The status and the media type are in the description, and the body is as the schema says."""
    if response.request.method == "HEAD" or response.status_code == 304:
        return
    operation = _operation(app, response)
    described = operation["responses"].get(str(response.status_code)) or operation["responses"]["default"]
    media_types = described["content"]
    media_type = response.mimetype if response.mimetype in media_types else response.mimetype.split("/")[0] + "/*"
    assert media_type in media_types, f"{response.mimetype} is not one of {list(media_types)}"
    if response.is_json:
        errors = _validator(media_types[media_type]).iter_errors(response.json)
        found = [f"{error.json_path}: {error.message}" for error in errors]
        assert not found, f"{response.request.method} {response.request.path}: {found}"


def _operation(app: Any, response: TestResponse) -> dict:
    request = response.request
    try:
        rule, _ = app.url_map.bind("localhost").match(request.path, request.method, return_rule=True)
    except (NotFound, MethodNotAllowed):
        return {"responses": {"default": {"content": {"application/problem+json": {"schema": PROBLEM}}}}}
    path = rule.rule.replace("<", "{").replace(">", "}")
    return _description()["paths"][path][request.method.lower()]


@cache
def _description() -> dict:
    app = create_app(None)
    with app.app_context():
        return app.spec


_validators: dict[str, Draft202012Validator] = {}


def _validator(content: dict) -> Draft202012Validator:
    key = str(content)
    if key not in _validators:
        schema = {**content["schema"], "components": _description()["components"]}
        Draft202012Validator.check_schema(schema)
        _validators[key] = Draft202012Validator(schema)
    return _validators[key]
