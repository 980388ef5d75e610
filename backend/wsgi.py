"""The application for production servers: ``gunicorn backend.wsgi:app`` in the checkout.

One worker with threads, because the process counts the rate of uploads, one of its threads follows the chain, and one
looks for damage in what is stored. ``gunicorn.conf.py`` names the worker that slow clients cannot occupy.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import sys
from functools import partial

from backend.api.app import create_app
from backend.container import Container
from backend.errors import DatabaseUnavailable, ScanProofError
from backend.printable import PrintableFormatter
from backend.services.index_thread import IndexThread
from backend.services.received import ReceivedThread
from backend.services.scrub import ScrubThread
from backend.settings import load
from backend.wiring import wire

_EMBEDDED_INTERVAL_S = 1.0
_INTERVAL_S = 4.0
_EMBEDDED_SCRUB_S = 60.0
_SCRUB_S = 600.0
_SCRUB_EVENTS_S = 24 * 3600.0
_SCRUB_FETCH_S = 24 * 3600.0
_RECEIVED_S = 60.0
_DICOM_INDEX_S = 20.0
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1024 * 1024
_APP_LOAD_ERROR = 4
"""The exit status that tells gunicorn not to try again."""


def _return_large_blocks() -> None:
    """Make glibc return the memory of decoded images to the system. Otherwise the process keeps 400 MB and more."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _wired() -> Container:
    try:
        container = wire(load())
    except ScanProofError as error:
        sys.stderr.write(f"scanproof: {error}\n")
        sys.exit(_APP_LOAD_ERROR)
    try:
        container.intake.recount()
    except DatabaseUnavailable as error:
        # Not written to stderr directly: that may be a file on the same full disk.
        logging.getLogger(__name__).error("nothing can be uploaded: %s", error)
    return container


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("scanproof: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


_log_to_stderr()
_return_large_blocks()
_container = _wired()
atexit.register(_container.close)
app = create_app(_container)
_embedded = _container.settings.embedded_chain
IndexThread(_container.index, interval_s=_EMBEDDED_INTERVAL_S if _embedded else _INTERVAL_S).start()
ScrubThread(
    _container.scrub,
    interval_s=_EMBEDDED_SCRUB_S if _embedded else _SCRUB_S,
    events_every_s=_EMBEDDED_SCRUB_S if _embedded else _SCRUB_EVENTS_S,
    fetch_every_s=_SCRUB_FETCH_S,
).start()
ReceivedThread(
    (
        _container.received.sweep,
        _container.received_studies.settle,
        partial(_container.dicomweb.index.complete, _DICOM_INDEX_S),
    ),
    interval_s=_RECEIVED_S,
).start()
