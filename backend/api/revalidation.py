"""Answers that a newer version of ScanProof may give otherwise."""

from __future__ import annotations

from flask import Response, request


def revalidated(response: Response) -> Response:
    """The bytes of a CID stay, but a newer version or model may make something else of them: asked for again each
    time, sent only where it changed."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)
