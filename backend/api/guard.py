"""Who may call which route on a server with accounts. What no line here names needs somebody who is signed in."""

from __future__ import annotations

from flask import g, request

from backend.accounts import Role, Session
from backend.api.access import container
from backend.api.cookies import session_secret
from backend.api.security import SAFE_METHODS
from backend.errors import RoleRequired, SignInRequired

_ANYBODY = frozenset(
    {
        *("pages", "openapi", "sign_in", "system"),
        *("credentials.passkey_request", "credentials.use_passkey"),
        *("credentials.wallet_message", "credentials.use_wallet"),
    }
)
"""Blueprints and endpoints that answer without a session."""
_OWN = frozenset({"account", "account_keys", "credentials"})
"""The blueprints of one's own account, which a doctor uses before the approval, too."""
_EVERY_ROLE = frozenset(Role)
_WORKS = frozenset({Role.PATIENT, Role.DOCTOR})
_DOCTOR = frozenset({Role.DOCTOR})
_ROLES = {
    **dict.fromkeys(_OWN, _EVERY_ROLE),
    "people": frozenset({Role.ADMINISTRATOR}),
    "received": _DOCTOR,
    **dict.fromkeys(("dicomweb", "dicomweb_pictures", "dicomweb_store"), _DOCTOR),
    "reviews": frozenset({Role.DOCTOR, Role.AUDITOR}),
    "reviews.publish": _DOCTOR,
    "records.lookup": _EVERY_ROLE,
}
"""Who may, by endpoint or blueprint. Else everybody reads, and who brings images changes something."""


def check_access() -> None:
    """Raises SignInRequired, RoleRequired."""
    services = container().accounts
    if services is None:
        return
    secret = session_secret()
    session: Session | None = services.sign_in.find(secret) if secret else None
    g.session = session
    endpoint = request.endpoint
    if endpoint is None or endpoint in _ANYBODY or endpoint.partition(".")[0] in _ANYBODY:
        return
    if session is None:
        raise SignInRequired
    account = session.account
    if not account.approved and request.blueprint not in _OWN:
        raise RoleRequired("your account waits for an administrator to approve it")
    may = _ROLES.get(endpoint) or _ROLES.get(request.blueprint or "")
    if account.role not in (may or (_EVERY_ROLE if request.method in SAFE_METHODS else _WORKS)):
        raise RoleRequired(f"a {account.role} may not do this")
