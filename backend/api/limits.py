"""How often one client network may upload and have results signed. Counted in this process: there is one worker with
threads."""

from __future__ import annotations

from flask import request
from flask_limiter import Limiter

from backend.api.access import container
from backend.hosts import network_of

SEARCHES_PER_MINUTE = 300


def client_address() -> str:
    """The peer's address, or what a trusted proxy says it is."""
    return request.remote_addr or "unknown"


def client_network() -> str:
    """What one person can take many addresses of."""
    return network_of(client_address())


def uploads_allowed() -> str:
    return f"{container().settings.uploads_per_minute}/minute"


def slices_allowed() -> str:
    return f"{container().settings.slices_per_minute}/minute"


def searches_allowed() -> str:
    return f"{SEARCHES_PER_MINUTE}/minute"


def tiles_allowed() -> str:
    return f"{container().settings.tiles_per_minute}/minute"


limiter = Limiter(client_network)
