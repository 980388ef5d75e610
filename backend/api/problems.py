"""Every error of the API in one shape: problem details (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Mapping
from typing import Any

from apiflask import HTTPError
from flask import Response, request
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as NoRoute

from backend.api.limits import limiter
from backend.errors import ImageTooLarge, InvalidInput, LimitExceeded, NotFound, ScanProofError
from backend.printable import one_line, printable

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger(__name__)


class InternalServerError(ScanProofError):
    """Stands for every error that nobody foresaw; the true one goes to the log only."""


def problem(error: Exception) -> Response:
    """The answer for any exception that a request raised."""
    known = _known(error)
    headers = {"Content-Type": MEDIA_TYPE}
    if isinstance(known, HTTPException):
        status, title, detail = known.code or 500, known.name, known.description or known.name
        headers.update((name, value) for name, value in known.get_headers() if name == "Allow")
    else:
        status, title, detail = known.status, known.title, str(known)
    if isinstance(known, ScanProofError) and known.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(known.retry_after))
    body = {
        **(known.extension if isinstance(known, ScanProofError) else {}),
        "type": "urn:scanproof:problem:" + _kebab(type(known).__name__),
        "title": title,
        "status": status,
        "detail": printable(detail),
        "instance": request.path,
    }
    return Response(json.dumps(body), status=status, headers=headers)


def _known(error: Exception) -> ScanProofError | HTTPException:
    match error:
        case HTTPError():
            return InvalidInput(_fields(error.detail) or error.message)
        case RateLimitExceeded():
            wait = max(1, round(limiter.current_limit.reset_at - time.time())) if limiter.current_limit else 60
            what = error.limit.error_message or "uploads"
            return LimitExceeded(f"no more than {error.limit.limit} {what} from one address", retry_after=wait)
        case RequestEntityTooLarge():
            return ImageTooLarge(
                f"a request here may have at most {request.max_content_length:,} bytes and "
                f"{request.max_form_parts} form fields"
            )
        case NoRoute():
            return NotFound(f"there is nothing at {request.path}")
        case HTTPException() if error.code and error.code < 500:
            return error
        case ScanProofError():
            if error.status >= 500:
                _log.warning("%s %s: %s: %s", request.method, one_line(request.path), type(error).__name__, error)
            return error
        case _:
            _log.error("%s %s failed", request.method, one_line(request.path), exc_info=error)
            return InternalServerError("the server failed in a way that nobody foresaw; its log has the details")


def _fields(detail: Mapping[str, Any]) -> str:
    """``{"json": {"uploader": ["Missing"]}}`` becomes ``uploader: Missing``."""
    return "; ".join(
        f"{field}: {' '.join(map(str, messages)) if isinstance(messages, list) else messages}"
        for fields in detail.values()
        for field, messages in (fields.items() if isinstance(fields, dict) else [("body", fields)])
    )


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
