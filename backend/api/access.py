"""How views reach the wired parts."""

from __future__ import annotations

from flask import current_app, g

from backend.accounts import Session
from backend.container import AccountServices, Container
from backend.errors import AccountsOff, SignInRequired


def container() -> Container:
    wired: Container = current_app.extensions["scanproof"]
    return wired


def account_services() -> AccountServices:
    """Raises AccountsOff."""
    services = container().accounts
    if services is None:
        raise AccountsOff
    return services


def current_session() -> Session:
    """The session of whoever sent the request. Raises AccountsOff, SignInRequired."""
    account_services()
    session: Session | None = g.get("session")
    if session is None:
        raise SignInRequired
    return session
