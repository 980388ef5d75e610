"""Checks of request bodies and path parameters, before a view uses them."""

from __future__ import annotations

import json
import re

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from backend.api.access import container
from backend.cids import parse_cid
from backend.errors import InvalidInput, NotFound

MAX_JSON_BYTES = 16 * 1024
MAX_NESTING = 32
"""Of arrays and objects in a body. The interpreter's own limit may be any, and past its stack it ends the process."""
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[][{}]")
_LARGER_BODIES = {"studies.begin": 8 * 1024 * 1024}
"""A study lists its files: a folder of ten thousand is to be refused with a sentence, not as a large body."""
JSON = "application/json"
MULTIPART = "multipart/form-data"
_STORE = "dicomweb_store.store"
"""It reads its body itself."""
UPLOADS = ("images.upload", "records.lookup", "studies.add", "slides.upload")
SLIDE_UPLOAD = "slides.upload"
MULTIPART_OVERHEAD = 64 * 1024


def check_body() -> None:
    """Raises UnsupportedMediaType, InvalidInput, RequestEntityTooLarge."""
    if request.method not in ("POST", "PUT") or request.url_rule is None or request.endpoint == _STORE:
        return
    if request.endpoint == SLIDE_UPLOAD:
        request.max_content_length = container().slides.max_bytes + MULTIPART_OVERHEAD
    expected = MULTIPART if request.endpoint in UPLOADS else JSON
    if expected == JSON:
        most = _LARGER_BODIES.get(request.endpoint or "", MAX_JSON_BYTES)
        request.max_content_length = most
        body = whole_body(cache=True)
        if not body:
            return
    if request.mimetype != expected:
        raise UnsupportedMediaType(f"expected a body of type {expected}, found {request.mimetype or 'none'}")
    if expected == JSON:
        _parse(body)


def whole_body(*, cache: bool) -> bytes:
    """The body of the request; ``cache`` keeps it for others. Raises RequestEntityTooLarge."""
    body = request.get_data(cache=cache)
    # A body in chunks is cut at the limit, so that one that reaches it may have had more.
    if request.content_length is None and len(body) >= (request.max_content_length or 0):
        raise RequestEntityTooLarge
    return body


def _parse(body: bytes) -> None:
    """Refuse what Python's parser would let pass: NaN, infinities, duplicate names; and other roots than an object."""
    if _nesting(body) > MAX_NESTING:
        raise InvalidInput("the body is nested too deeply")
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
    except ValueError as error:
        raise InvalidInput(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidInput("the body must be a JSON object")


def _nesting(body: bytes) -> int:
    """How deep arrays and objects are in each other, brackets in strings left out."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return value


def cid_in_path(text: str) -> str:
    """A CID in the one form that is stored: upper case and version 0 name the same bytes. Raises InvalidCid."""
    return str(parse_cid(text))


def study_in_path(text: str) -> str:
    """The id of an unfinished study. Raises InvalidInput."""
    return _id_in_path("the study's id", text)


def series_in_path(text: str) -> str:
    """The id of a received series. Raises InvalidInput."""
    return _id_in_path("the series' id", text)


def _id_in_path(name: str, text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise InvalidInput(f"{name} must be 64 lower-case hex digits, not {text[:80]!r}")
    return text


def order_in_path(text: str) -> int:
    """The place of a slice in its study, from 0. Raises InvalidInput."""
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise InvalidInput(f"the order of a slice must be a whole number from 0, not {text[:80]!r}")
    return int(text)


def place_in_path(text: str) -> int:
    """A level, column or row of a tile. Raises NotFound: there is no tile at another place."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise NotFound(f"there is no tile {text[:80]!r}")
    return int(text)


def hash_in_path(name: str, text: str) -> str:
    """A 32-byte hash with 0x, in lower case. Raises InvalidInput."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise InvalidInput(f"{name} must be 0x and 64 hex digits, not {text[:80]!r}")
    return text.lower()


def account_in_path(text: str) -> str:
    """The id of an account. Raises InvalidInput."""
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise InvalidInput(f"the account's id must be 32 lower-case hex digits, not {text[:80]!r}")
    return text
