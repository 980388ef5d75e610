"""What a search asks, from the parameters of a request."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from backend.domain import DiagnosisStatus
from backend.errors import InvalidInput

Position = tuple[int, int]


def filter_arguments(query: dict) -> dict:
    """The keyword arguments of ``RecordService.filter``. Raises InvalidInput."""
    return {
        "text": query["q"],
        "model": query["model"],
        "label": query["label"],
        "status": query["status"] and DiagnosisStatus(query["status"]),
        "first_time": _moment("from", query["first_time"], time.min),
        "last_time": _moment("to", query["last_time"], time.max),
    }


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


def _moment(name: str, text: str | None, time_of_day: time) -> int | None:
    """Unix seconds; a date alone stands for its first or last moment."""
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text)
    try:
        if re.fullmatch(r"[0-9-]+", text):
            moment = datetime.combine(date.fromisoformat(text), time_of_day)
        else:
            moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except ValueError:
        raise InvalidInput(f"{name} must be Unix seconds, or a date or time in ISO 8601, not {text!r}") from None
