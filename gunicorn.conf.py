"""Settings of gunicorn, which it reads from the folder that it is started in. ``scanproof up`` names this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from backend.worker import THREADS, BufferingWorker

worker_class = "backend.worker.BufferingWorker"
workers = 1
threads = THREADS
keepalive = 5
graceful_timeout = 30
# No proxy stands in front of the server, so no client is believed about the address that it asked for
# (X-Forwarded-Proto, SCRIPT_NAME).
forwarded_allow_ips = ""
# The worker's heartbeat is a file, which a full disk must not prevent.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes a private file there


def on_starting(server: Any) -> None:
    """Service files written for former releases name gthread, which slow clients can occupy."""
    if server.worker_class is ThreadWorker:
        server.worker_class = BufferingWorker
