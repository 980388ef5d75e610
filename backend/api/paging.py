"""Pages of a list: what a request asks for, and the cursor from one page to the next."""

from __future__ import annotations

import re

from apiflask.fields import Boolean, Integer, Nested, String
from apiflask.validators import Length, Range

from backend.api.schemas import AnswerSchema, CamelCase
from backend.errors import InvalidInput

Position = tuple[int, int]


class PagingSchema(CamelCase):
    limit = Integer(load_default=20, validate=Range(min=1, max=100))
    cursor = String(load_default=None, validate=Length(max=40))


class IndexStatusSchema(AnswerSchema):
    """`block` is the newest one whose events are known here, `head` the chain's newest."""

    block = Integer(allow_none=True)
    head = Integer(allow_none=True)
    synced = Boolean()


class PageSchema(AnswerSchema):
    """A page of a list; `next` is the cursor of the following one, null on the last."""

    next = String(allow_none=True)
    index = Nested(IndexStatusSchema)


def position_of(cursor: str | None) -> Position | None:
    """Raises InvalidInput."""
    if cursor is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}\.[0-9]{1,9}", cursor):
        raise InvalidInput(f"cursor must be the `next` of an earlier page, not {cursor!r}")
    block, log_index = cursor.split(".")
    return int(block), int(log_index)


def cursor_of(position: Position | None) -> str | None:
    return position and "{}.{}".format(*position)
