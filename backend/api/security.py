"""Who may talk to a server that has no accounts, and what the browser may do with its answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.exceptions import Forbidden, MisdirectedRequest

from backend.hosts import host_name, is_loopback_host

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class OwnAddress:
    """WSGI middleware: the application is at the root of an http server, whatever a client's headers say.

    gunicorn takes SCRIPT_NAME and the scheme from the headers of clients on this machine, unless its own settings
    forbid it. They would change links, routes and the origin that a request must have.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = ""
        environ["wsgi.url_scheme"] = "http"
        return self._application(environ, start_response)


def check_source() -> None:
    """Refuse requests that a foreign page makes in the name of whoever sits at this machine.

    A name other than the loopback's in Host is DNS rebinding. Raises MisdirectedRequest, Forbidden.
    """
    if not is_loopback_host(request.host):
        host = host_name(request.host)[:80]
        raise MisdirectedRequest(f"this server answers on loopback addresses only, not for the host {host!r}")
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        raise Forbidden(
            f"requests that change something must come from this server's own page, not from {origin[:80]!r}"
        )
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES:
        raise Forbidden("requests that change something must come from this server's own page, not from another site")


def add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
