"""How often one client address may upload and have results signed. Counted in this process: there is one worker with
threads."""

from __future__ import annotations

from flask import request
from flask_limiter import Limiter

from backend.api.access import container


def client_address() -> str:
    """The peer's address. Forwarding headers are not believed: no proxy stands in front of a loopback server."""
    return request.remote_addr or "unknown"


def uploads_allowed() -> str:
    return f"{container().settings.uploads_per_minute}/minute"


def slices_allowed() -> str:
    return f"{container().settings.slices_per_minute}/minute"


def tiles_allowed() -> str:
    return f"{container().settings.tiles_per_minute}/minute"


limiter = Limiter(client_address)
