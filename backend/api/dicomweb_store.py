"""DICOMweb: STOW-RS (PS3.18, section 10.5) into the queue of received images."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from apiflask import APIBlueprint
from flask import Response, request

from backend.api import multipart_related
from backend.api.access import container
from backend.api.dicomweb import JSON_TYPES, RETRIEVE_URL, address_of, json_answer, value
from backend.api.limits import limiter, slices_allowed
from backend.api.media_types import chosen
from backend.api.multipart_related import Part
from backend.api.validation import whole_body
from backend.dicom_status import COERCED, status_of
from backend.dicom_tags import SOP_CLASS
from backend.domain import DICOM_TYPE, CleanDicom, Source, SourceKind
from backend.errors import Conflict, InvalidInput, ScanProofError, ServerBusy, UnsupportedImage
from backend.services.dicomweb import Attributes

MAX_STORED_BYTES = 64 * 1024 * 1024
"""Of a request to store; a file of several frames may need as much, and is in memory some four times."""
_LARGE_BYTES = 28 * 1024 * 1024
"""Larger requests come one at a time; what is sent in chunks may be one."""
_WAIT_S = 20.0
_large_request = threading.Lock()
_log = logging.getLogger(__name__)
blueprint = APIBlueprint("dicomweb_store", __name__, enable_openapi=False)
_FAILURE, _WARNING = "00081197", "00081196"
_REFERENCED_CLASS, _REFERENCED_INSTANCE = "00081150", "00081155"
_REFERENCED, _FAILED, _OTHER_FAILURES = "00081199", "00081198", "0008119A"


@blueprint.post("/studies")
@blueprint.post("/studies/<study>")
@limiter.limit(slices_allowed, error_message="requests to store")
def store(study: str | None = None) -> Response:
    """STOW-RS: 200 if all is stored, 202 if some, 409 if none (PS3.18, section 10.5.3)."""
    chosen(JSON_TYPES)
    boundary = multipart_related.boundary_of(request.headers.get("Content-Type", ""))
    request.max_content_length = MAX_STORED_BYTES
    with _memory(request.content_length):
        return _store(multipart_related.read(whole_body(cache=False), boundary), study)


@contextmanager
def _memory(length: int | None) -> Iterator[None]:
    """Raises ServerBusy where another large request takes too long."""
    if length is not None and length <= _LARGE_BYTES:
        yield
        return
    if not _large_request.acquire(timeout=_WAIT_S):
        raise ServerBusy("another large request is being stored: try again in a moment")
    try:
        yield
    finally:
        _large_request.release()


def _store(parts: Sequence[Part], study: str | None) -> Response:
    if not parts:
        raise InvalidInput("expected at least one DICOM file, found none")
    stored: list[Attributes] = []
    failed: list[Attributes] = []
    unread: list[Attributes] = []
    for part in parts:
        clean: CleanDicom | None = None
        try:
            clean = _clean(part, study)
            container().received.keep(clean, Source(SourceKind.WEB))
            stored.append(_reference(clean) | {RETRIEVE_URL: _url(clean), _WARNING: value("US", COERCED)})
        except Exception as error:  # what was stored before is named all the same
            if not isinstance(error, ScanProofError):
                _log.exception("an object could not be stored")
            reason = {_FAILURE: value("US", status_of(error))}
            if clean:
                failed.append(_reference(clean) | reason)
            else:
                unread.append(reason)
    answer = {_REFERENCED: stored, _FAILED: failed, _OTHER_FAILURES: unread}
    status = 200 if len(stored) == len(parts) else 202 if stored else 409
    return json_answer({tag: {"vr": "SQ", "Value": items} for tag, items in answer.items() if items}, status)


def _clean(part: Part, study: str | None) -> CleanDicom:
    """Raises Conflict for a file of another study than ``study``, by its UID before or after de-identification."""
    if part.media_type != DICOM_TYPE:
        raise UnsupportedImage(f"expected parts of type {DICOM_TYPE}, found {part.media_type[:80]}")
    clean = container().received.clean(part.content)
    if study is not None and clean.uids.get(study, study) != clean.first.study:
        raise Conflict("the file is of another study than the address names")
    return clean


def _reference(clean: CleanDicom) -> Attributes:
    """As the sender knows the object; the address of ``_url`` has its new UIDs."""
    sent = next((old for old, new in clean.uids.items() if new == clean.instance), clean.instance)
    return {
        _REFERENCED_CLASS: value("UI", clean.first.value(SOP_CLASS)),
        _REFERENCED_INSTANCE: value("UI", sent),
    }


def _url(clean: CleanDicom) -> Attributes:
    return value("UR", address_of(clean.first.study, clean.first.series, clean.instance))
