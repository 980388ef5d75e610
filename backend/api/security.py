"""Who may talk to a server that has no accounts, and what the browser may do with its answers."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Response, request
from werkzeug.exceptions import Forbidden, MisdirectedRequest

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


def check_source() -> None:
    """Refuse requests that a foreign page makes in the name of whoever sits at this machine.

    A name other than the loopback's in Host is DNS rebinding. Raises MisdirectedRequest, Forbidden.
    """
    host = _host_name(request.host)
    if not _is_loopback(host):
        raise MisdirectedRequest(f"this server answers on loopback addresses only, not for the host {host[:80]!r}")
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


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
