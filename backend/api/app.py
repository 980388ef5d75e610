"""The application factory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from apiflask import HTTPError
from flask import Request, Response, g, request

from backend.api import (
    account,
    account_keys,
    analysis,
    classifications,
    course,
    credentials,
    dicomweb,
    dicomweb_pictures,
    dicomweb_store,
    exports,
    guard,
    images,
    ledger,
    models,
    outline,
    pages,
    people,
    received,
    record_export,
    records,
    results,
    reviews,
    security,
    sign_in,
    similarity,
    slides,
    studies,
    system,
    transactions,
)
from backend.api.downloads import Downloads
from backend.api.limits import limiter
from backend.api.openapi import DescribedApp
from backend.api.problems import problem
from backend.api.schemas import ProblemSchema
from backend.api.validation import MULTIPART_OVERHEAD, SLIDE_UPLOAD, check_body
from backend.container import Container
from backend.deadlines import time_limit
from backend.domain import MAX_IMAGE_BYTES
from backend.settings import ROOT, Network

PREFIX = "/api/v1"
PAGE = ROOT / "frontend" / "dist"
NODE_WITHIN_S = 30.0
"""For all that one request asks of the node; past it, the answer is 503."""
_BLUEPRINTS = (
    system.blueprint,
    models.blueprint,
    results.blueprint,
    images.blueprint,
    slides.blueprint,
    classifications.blueprint,
    analysis.blueprint,
    outline.blueprint,
    similarity.blueprint,
    records.blueprint,
    course.blueprint,
    record_export.blueprint,
    exports.blueprint,
    ledger.blueprint,
    reviews.blueprint,
    studies.blueprint,
    received.blueprint,
    transactions.blueprint,
    sign_in.blueprint,
    account.blueprint,
    credentials.blueprint,
    account_keys.blueprint,
    people.blueprint,
)
_FORM_PARTS = 5
"""An image, and the answers of AnswersSchema."""


class _Request(Request):
    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        """An upload stays in memory, which MAX_CONTENT_LENGTH limits: a temporary file could meet a full disk. A slide
        is too large for that."""
        return slides.begin_upload() if self.endpoint == SLIDE_UPLOAD else io.BytesIO()


def create_app(container: Container, *, page: Path = PAGE) -> DescribedApp:
    """The API below ``/api/v1``, its description at ``/openapi.json``, and the built page from the folder ``page``.

    Starts no thread: the index of the chain is synced on demand unless ``IndexThread`` runs.
    """
    app = DescribedApp(
        "scanproof", title="ScanProof", version="1", docs_path=None, json_errors=False, static_folder=None
    )
    app.request_class = _Request

    def proxies() -> Sequence[Network]:
        wired: Container = app.extensions["scanproof"]
        return wired.settings.trusted_proxies

    app.config.update(
        MAX_CONTENT_LENGTH=MAX_IMAGE_BYTES + MULTIPART_OVERHEAD,
        MAX_FORM_PARTS=_FORM_PARTS,
        VALIDATION_ERROR_STATUS_CODE=400,
        VALIDATION_ERROR_SCHEMA=ProblemSchema,
        HTTP_ERROR_SCHEMA=ProblemSchema,
        DESCRIPTION="Provenance for medical images: pinned to IPFS, classified, signed and recorded on a chain.",
        RATELIMIT_STORAGE_URI="memory://",
        RATELIMIT_STRATEGY="moving-window",
        SCANPROOF_PAGE=page,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined] # Flask declares a base of the provider that it uses
    app.extensions["scanproof"] = container
    app.extensions["downloads"] = Downloads()
    app.register_error_handler(HTTPError, problem)
    app.register_error_handler(Exception, problem)
    app.before_request(_begin_time_limit)
    app.teardown_request(_end_time_limit)
    app.teardown_request(slides.end_uploads)
    app.before_request(security.check_source)
    app.before_request(guard.check_access)
    app.before_request(check_body)
    app.after_request(security.add_headers)
    app.wsgi_app = security.OwnAddress(app.wsgi_app, proxies)  # type: ignore[method-assign] # Flask documents this assignment
    limiter.init_app(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix=PREFIX)
    for web in (dicomweb, dicomweb_pictures, dicomweb_store):
        app.register_blueprint(web.blueprint, url_prefix=dicomweb.PREFIX)
    app.register_blueprint(pages.blueprint)
    app.after_request(_never_stale)
    return app


def _begin_time_limit() -> None:
    g.time_limit = ExitStack()
    g.time_limit.enter_context(time_limit(NODE_WITHIN_S))


def _end_time_limit(_error: BaseException | None) -> None:
    if limit := g.pop("time_limit", None):
        limit.close()


def _never_stale(response: Response) -> Response:
    """Answers of the API are about now, unless a view said otherwise."""
    if request.path.startswith((PREFIX, dicomweb.PREFIX)) and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
