"""From where requests may come, and what the browser may do with the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response, request
from werkzeug.exceptions import Forbidden, MisdirectedRequest

from backend.api.access import container
from backend.hosts import host_name, is_loopback_host, parsed_address
from backend.settings import Network, Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REQUEST_HEADER = "X-ScanProof-Request"
_FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
_PROXIED = "scanproof.proxied"
"""Whether a trusted proxy passed the request on."""
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
_TLS_ONLY = "max-age=31536000"
"""For a year the browser comes over TLS only (RFC 6797)."""


class OwnAddress:
    """WSGI middleware: the application is at the root of an http server, whatever a client's headers say.

    gunicorn takes SCRIPT_NAME and the scheme from the headers of clients on this machine, unless its own settings
    forbid it. They would change links, routes and the origin that a request must have. Of the ``proxies`` that are
    trusted, the client's address and the scheme are believed (X-Forwarded-For, X-Forwarded-Proto).
    """

    def __init__(self, application: WSGIApplication, proxies: Callable[[], Sequence[Network]]) -> None:
        self._application = application
        self._proxies = proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = ""
        environ["wsgi.url_scheme"] = "http"
        environ[_PROXIED] = False
        if _FORWARDED_FOR in environ:
            self._believe(environ)
        return self._application(environ, start_response)

    def _believe(self, environ: WSGIEnvironment) -> None:
        proxies, peer = self._proxies(), environ.get("REMOTE_ADDR", "")
        if not _within(peer, proxies):
            return
        environ[_PROXIED] = True
        environ["wsgi.url_scheme"] = "https" if environ.get("HTTP_X_FORWARDED_PROTO") == "https" else "http"
        for address in reversed(environ[_FORWARDED_FOR].split(",")):
            # What stands before the first foreign address is what the client itself sent.
            environ["REMOTE_ADDR"] = address.strip() if parsed_address(address.strip()) else "unknown"
            if not _within(environ["REMOTE_ADDR"], proxies):
                break


def _within(text: str, networks: Sequence[Network]) -> bool:
    address = parsed_address(text)
    return address is not None and any(address in network for network in networks)


def check_source() -> None:
    """Refuse requests that a foreign page makes in the name of whoever sits at this machine.

    A name other than the loopback's, or that of SCANPROOF_PUBLIC_URL, in Host is DNS rebinding. Raises
    MisdirectedRequest, Forbidden.
    """
    settings = container().settings
    if settings.public_url:
        _check_public_host(settings)
    elif not is_loopback_host(request.host):
        host = host_name(request.host)[:80]
        raise MisdirectedRequest(f"this server answers on loopback addresses only, not for the host {host!r}")
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        raise Forbidden(
            f"requests that change something must come from this server's own page, not from {origin[:80]!r}"
        )
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES:
        raise Forbidden("requests that change something must come from this server's own page, not from another site")
    if settings.accounts and REQUEST_HEADER not in request.headers:
        # No page of another origin can add it: the browser would ask this server first, which does not answer.
        raise Forbidden(f"requests that change something need the header {REQUEST_HEADER}: 1")


def _check_public_host(settings: Settings) -> None:
    """The public name comes over TLS through a trusted proxy, a loopback name from this machine."""
    if request.host == urlsplit(settings.public_url).netloc:
        if request.environ[_PROXIED] and request.is_secure:
            return
        raise MisdirectedRequest(f"{settings.public_url} is reached over https, through the proxy in front of it")
    local = parsed_address(request.remote_addr or "")
    if is_loopback_host(request.host) and local and (local.is_loopback or str(local) == settings.host):
        return
    host = host_name(request.host)[:80]
    raise MisdirectedRequest(f"this server answers at {settings.public_url}, not for the host {host!r}")


def add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = _TLS_ONLY
    return response
