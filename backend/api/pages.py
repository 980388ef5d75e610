"""The built page: one HTML file for all its addresses, and its assets."""

from __future__ import annotations

import re
from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, current_app, request, send_from_directory
from werkzeug.exceptions import NotFound as NoRoute

from backend.api.caching import IMMUTABLE
from backend.api.problems import problem
from backend.errors import PageNotBuilt

blueprint = APIBlueprint("pages", __name__, enable_openapi=False)

_WASM_WORKER = re.compile(r"(decoder|inference)-worker-[\w-]+\.js$")
_WASM_WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
"""JPEG 2000, JPEG-LS and models are WebAssembly, in threads with a policy of their own: the page's allows none."""
_ICON = re.compile(r"favicon(-[\w-]+)?\.svg$")
"""The build puts a hash into the name of the icon's file."""


@blueprint.get("/")
@blueprint.get("/records")
@blueprint.get("/records/<image_id>")
@blueprint.get("/studies/<image_id>")
@blueprint.get("/models")
@blueprint.get("/reviews")
@blueprint.get("/ledger")
@blueprint.get("/received")
@blueprint.get("/sign-in")
@blueprint.get("/register")
@blueprint.get("/reset")
@blueprint.get("/account")
@blueprint.get("/account/confirm")
@blueprint.get("/account/people")
def index(image_id: str | None = None) -> Response:
    """The page itself reads its address."""
    if not (_folder() / "index.html").is_file():
        raise PageNotBuilt("frontend/dist/index.html is missing: run `npm run build`, or `scripts/up`, which does it")
    response = send_from_directory(_folder(), "index.html")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """Their names hold a hash of their content."""
    response = send_from_directory(_folder() / "assets", name)
    response.headers["Cache-Control"] = IMMUTABLE
    if _WASM_WORKER.match(name):
        response.headers["Content-Security-Policy"] = _WASM_WORKER_POLICY
    return _shown_by_wallets(response, name)


@blueprint.get("/<name>")
def file(name: str) -> Response:
    return _shown_by_wallets(send_from_directory(_folder(), name), name)


@blueprint.app_errorhandler(NoRoute)
def nothing_there(error: NoRoute) -> Response:
    """A person who mistypes an address gets the page, which says so; a program gets the problem."""
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    if request.method != "GET" or request.path.startswith(("/api/", "/dicomweb/")) or not wants_page:
        return problem(error)
    response = index()
    response.status_code = 404
    return response


def _shown_by_wallets(response: Response, name: str) -> Response:
    """The icon alone may be loaded by other origins: a wallet's window shows it beside the page's requests."""
    if _ICON.match(name):
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _folder() -> Path:
    folder: Path = current_app.config["SCANPROOF_PAGE"]
    return folder
