"""Cache headers: for what never changes, and for responses that change between releases."""

from __future__ import annotations

from flask import Response, request

IMMUTABLE = "public, max-age=31536000, immutable"


def revalidated(response: Response) -> Response:
    """A CID's bytes stay, but a later release may compute something else from them: the browser asks each time, and the
    body is sent only when it has changed."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
