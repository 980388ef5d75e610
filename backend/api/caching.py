"""Cache headers: for what never changes, and for responses that change between releases."""

from __future__ import annotations

from flask import Response, request

from backend.api.access import container

IMMUTABLE = "public, max-age=31536000, immutable"


def unchanging(response: Response, tag: str) -> Response:
    """What has its hash for an address, and may come from outside. Where people sign in, the browser asks each time, so
    that it shows nothing once they signed out, and nobody between keeps it."""
    response.set_etag(tag)
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cache-Control"] = "private, no-cache" if container().accounts else IMMUTABLE
    return response


def revalidated(response: Response) -> Response:
    """A CID's bytes stay, but a later release may compute something else from them: the browser asks each time, and the
    body is sent only when it has changed."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
