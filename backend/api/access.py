"""How views reach the wired parts."""

from __future__ import annotations

from flask import current_app

from backend.container import Container


def container() -> Container:
    wired: Container = current_app.extensions["scanproof"]
    return wired
