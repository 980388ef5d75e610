"""DICOMweb (PS3.18): STOW-RS into the queue of received images; QIDO-RS and WADO-RS for what is queued or recorded.

Only UIDs after de-identification find anything. docs/PACS.md says what is supported.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import parse_options_header

from backend.api import multipart_related
from backend.api.access import container
from backend.api.downloads import begin_download
from backend.api.limits import limiter, slices_allowed
from backend.api.multipart_related import RELATED, Part
from backend.api.query_keys import query_of
from backend.api.validation import whole_body
from backend.dicom_status import COERCED, status_of
from backend.dicom_tags import INSTANCE_UID, SERIES_UID, SOP_CLASS, STUDY_UID, TRANSFER_SYNTAX
from backend.domain import DICOM_TYPE, CleanDicom, KnownFile, Source, SourceKind
from backend.errors import Conflict, InvalidInput, ScanProofError, ServerBusy, UnsupportedImage
from backend.services.dicomweb import Attributes

PREFIX = "/dicomweb"
MAX_STORED_BYTES = 64 * 1024 * 1024
"""Of a request to store; a file of several frames may need as much, and is in memory some four times."""
_LARGE_BYTES = 28 * 1024 * 1024
"""Larger requests come one at a time; what is sent in chunks may be one."""
_WAIT_S = 20.0
_large_request = threading.Lock()
blueprint = APIBlueprint("dicomweb", __name__, enable_openapi=False)
_JSON = "application/dicom+json"
_JSON_TYPES = frozenset({_JSON, "application/json", "application/*", "*/*"})
_RETRIEVE_URL, _FAILURE, _WARNING = "00081190", "00081197", "00081196"
_REFERENCED_CLASS, _REFERENCED_INSTANCE = "00081150", "00081155"
_REFERENCED, _FAILED, _OTHER_FAILURES = "00081199", "00081198", "0008119A"


@blueprint.post("/studies")
@blueprint.post("/studies/<study>")
@limiter.limit(slices_allowed, error_message="requests to store")
def store(study: str | None = None) -> Response:
    """STOW-RS: 200 if all is stored, 202 if some, 409 if none (PS3.18, section 10.5.3)."""
    _accept_json()
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
            stored.append(_reference(clean) | {_RETRIEVE_URL: _url(clean), _WARNING: _value("US", COERCED)})
        except ScanProofError as error:
            reason = {_FAILURE: _value("US", status_of(error))}
            if clean:
                failed.append(_reference(clean) | reason)
            else:
                unread.append(reason)
    answer = {_REFERENCED: stored, _FAILED: failed, _OTHER_FAILURES: unread}
    status = 200 if len(stored) == len(parts) else 202 if stored else 409
    return _json({tag: {"vr": "SQ", "Value": items} for tag, items in answer.items() if items}, status)


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
        _REFERENCED_CLASS: _value("UI", clean.first.value(SOP_CLASS)),
        _REFERENCED_INSTANCE: _value("UI", sent),
    }


def _url(clean: CleanDicom) -> Attributes:
    return _value("UR", _address(clean.first.study, clean.first.series, clean.instance))


@blueprint.get("/studies")
def search_studies() -> Response:
    """QIDO-RS, as the next two."""
    _accept_json()
    query, limit = query_of(request.args)
    return _found(container().dicomweb.studies(query), limit)


@blueprint.get("/studies/<study>/series")
def search_series(study: str) -> Response:
    _accept_json()
    query, limit = query_of(request.args)
    return _found(container().dicomweb.series(study, query), limit)


@blueprint.get("/studies/<study>/instances")
@blueprint.get("/studies/<study>/series/<series>/instances")
def search_instances(study: str, series: str | None = None) -> Response:
    _accept_json()
    query, limit = query_of(request.args)
    return _found(container().dicomweb.instances(study, series, query), limit)


@blueprint.get("/studies/<study>")
@blueprint.get("/studies/<study>/series/<series>")
@blueprint.get("/studies/<study>/series/<series>/instances/<instance>")
def retrieve(study: str, series: str | None = None, instance: str | None = None) -> Response:
    """WADO-RS: the files as multipart/related, in the transfer syntax in which they are stored."""
    files = container().dicomweb.find(study, series, instance)
    _accept_files(files)
    with begin_download() as download:
        # The first one now: what cannot be read is an error then, and no answer that ends early.
        first = container().dicomweb.content(files[0])
        boundary = multipart_related.new_boundary()
        contents = chain([first], _contents(files[1:]))
        response = Response(
            multipart_related.write(contents, boundary),
            content_type=f'{RELATED}; type="{DICOM_TYPE}"; boundary={boundary}',
        )
        return download.answer(response)


def _contents(files: Sequence[KnownFile]) -> Iterator[bytes]:
    service = container().dicomweb
    return (service.content(file) for file in files)


@blueprint.get("/studies/<study>/metadata")
@blueprint.get("/studies/<study>/series/<series>/metadata")
@blueprint.get("/studies/<study>/series/<series>/instances/<instance>/metadata")
def metadata(study: str, series: str | None = None, instance: str | None = None) -> Response:
    """WADO-RS: the data sets without pixels and other bulk data."""
    _accept_json()
    files = container().dicomweb.find(study, series, instance)
    return _json([dict(each.instance.attributes) for each in files])


def _found(results: Sequence[Attributes], limit: int) -> Response:
    """One result more than the limit says that there are more."""
    response = _json([_addressed(each) for each in results[:limit]])
    if len(results) > limit:
        response.headers["Warning"] = f'299 {request.host} "There are additional results that can be requested"'
    return response


def _addressed(result: Attributes) -> Attributes:
    """With the address of what was found (PS3.18, table 10.6.3-3)."""
    uids = [str(result[tag]["Value"][0]) for tag in (STUDY_UID, SERIES_UID, INSTANCE_UID) if tag in result]
    return {**result, _RETRIEVE_URL: _value("UR", _address(*uids))}


def _address(study: str, series: str | None = None, instance: str | None = None) -> str:
    address = f"{request.host_url.rstrip('/')}{PREFIX}/studies/{study}"
    for name, uid in (("series", series), ("instances", instance)):
        address += f"/{name}/{uid}" if uid else ""
    return address


def _value(vr: str, value: str | int) -> Attributes:
    return {"vr": vr, "Value": [value]}


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type=_JSON)


def _accepted() -> list[tuple[str, Mapping[str, str]]]:
    """The media types of the header Accept, but those with a weight of 0; any where there is none."""
    found = [parse_options_header(each) for each in request.headers.get("Accept", "*/*").split(",")]
    return [(name.lower(), options) for name, options in found if options.get("q", "1").strip("0.") != ""]


def _accept_json() -> None:
    """Raises NotAcceptable."""
    if not any(name in _JSON_TYPES for name, _ in _accepted()):
        raise NotAcceptable(f"only {_JSON} can be given here")


def _accept_files(files: Sequence[KnownFile]) -> None:
    """Raises NotAcceptable for another media type, and for another transfer syntax than that of a file: without one, or
    with ``*``, the stored one is given."""
    syntaxes = {
        options.get("transfer-syntax", "*")
        for name, options in _accepted()
        if name in (RELATED, "multipart/*", "*/*") and options.get("type", DICOM_TYPE) == DICOM_TYPE
    }
    if not syntaxes:
        raise NotAcceptable(f'only {RELATED}; type="{DICOM_TYPE}" can be given here')
    if "*" not in syntaxes and (other := {file.instance.value(TRANSFER_SYNTAX) for file in files} - syntaxes):
        raise NotAcceptable(
            f"the files are stored in the transfer syntax {', '.join(sorted(other))}, and only so given"
        )
