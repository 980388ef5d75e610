"""The two cookies of a browser: its session, and the secret by which an account knows it again."""

from __future__ import annotations

from flask import Response, request

from backend.accounts import Visitor
from backend.api.limits import client_address
from backend.services.sign_in import DEVICE_S, SignedIn

_MAX_SECRET = 100
_SESSION, _DEVICE = "session", "device"


def session_secret() -> str:
    return _secret(_SESSION)


def visitor() -> Visitor:
    return Visitor(client_address(), request.user_agent.string, _secret(_DEVICE))


def keep_signed_in(response: Response, signed_in: SignedIn) -> Response:
    """The session's cookie ends with the browser."""
    _set(response, _SESSION, signed_in.token)
    _set(response, _DEVICE, signed_in.device, max_age=DEVICE_S)
    return response


def forget_session(response: Response) -> Response:
    _set(response, _SESSION, "", max_age=0)
    return response


def _secret(kind: str) -> str:
    return request.cookies.get(_name(kind), "")[:_MAX_SECRET]


def _name(kind: str) -> str:
    """Over TLS with the prefix that makes browsers refuse it from other hosts and from http (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-scanproof_{kind}" if request.is_secure else f"scanproof_{kind}"


def _set(response: Response, kind: str, value: str, max_age: int | None = None) -> None:
    """No other site's request carries it, and no script reads it."""
    response.set_cookie(
        _name(kind), value, max_age=max_age, httponly=True, samesite="Strict", secure=request.is_secure, path="/"
    )
