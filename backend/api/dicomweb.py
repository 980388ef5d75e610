"""DICOMweb (PS3.18): QIDO-RS and WADO-RS for the DICOM files that are queued or pinned.

Only UIDs after de-identification find anything. docs/PACS.md says what is supported.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TypeVar

from apiflask import APIBlueprint
from flask import Response, request, stream_with_context

from backend.api import multipart_related
from backend.api.access import container
from backend.api.downloads import begin_download
from backend.api.limits import limiter, searches_allowed
from backend.api.media_types import RELATED, Offer, chosen
from backend.api.query_keys import asks_for_fuzzy_matching, query_of
from backend.dicom_tags import (
    BITS_ALLOCATED,
    INSTANCE_UID,
    PIXEL_DATA,
    SERIES_UID,
    STUDY_UID,
    TRANSFER_SYNTAX,
)
from backend.domain import DICOM_TYPE, DicomInstance, KnownFile
from backend.errors import NotFound
from backend.services.dicomweb import Attributes, Query, Results

PREFIX = "/dicomweb"
blueprint = APIBlueprint("dicomweb", __name__, enable_openapi=False)
JSON = "application/dicom+json"
JSON_TYPES = (Offer(JSON), Offer("application/json"))
COMPLETED_S = 2.0
"""How long a request waits for images that were pinned since the last one."""
T = TypeVar("T")
RETRIEVE_URL = "00081190"


@blueprint.get("/studies")
@limiter.limit(searches_allowed, error_message="searches")
def search_studies() -> Response:
    """QIDO-RS, as the next two."""
    return _found(container().dicomweb.studies)


@blueprint.get("/series")
@blueprint.get("/studies/<study>/series")
@limiter.limit(searches_allowed, error_message="searches")
def search_series(study: str | None = None) -> Response:
    return _found(partial(container().dicomweb.series, study))


@blueprint.get("/instances")
@blueprint.get("/studies/<study>/instances")
@blueprint.get("/studies/<study>/series/<series>/instances")
@limiter.limit(searches_allowed, error_message="searches")
def search_instances(study: str | None = None, series: str | None = None) -> Response:
    return _found(partial(container().dicomweb.instances, study, series))


@blueprint.get("/studies/<study>")
@blueprint.get("/studies/<study>/series/<series>")
@blueprint.get("/studies/<study>/series/<series>/instances/<instance>")
def retrieve(study: str, series: str | None = None, instance: str | None = None) -> Response:
    """WADO-RS: the files, in the transfer syntax in which they are stored."""
    files = files_of(study, series, instance)
    syntaxes = Counter(file.instance.value(TRANSFER_SYNTAX) for file in files())
    # Files of several transfer syntaxes are given to who asks for none of them.
    syntax = next(iter(syntaxes)) if len(syntaxes) == 1 else ""
    alone = [Offer(DICOM_TYPE, syntax=syntax)] if syntaxes.total() == 1 else []
    offer = chosen([Offer(DICOM_TYPE, related=True, syntax=syntax), *alone])
    service = container().dicomweb
    with begin_download() as download:
        return download.answer(sent(started(service.content(file) for file in files()), offer))


@blueprint.get("/studies/<study>/metadata")
@blueprint.get("/studies/<study>/series/<series>/metadata")
@blueprint.get("/studies/<study>/series/<series>/instances/<instance>/metadata")
def metadata(study: str, series: str | None = None, instance: str | None = None) -> Response:
    """WADO-RS: the data sets without bulk data; that of the pixels has an address."""
    chosen(JSON_TYPES)
    files = files_of(study, series, instance)
    with begin_download() as download:
        data_sets = stream_with_context(json.dumps(_with_bulk_data(file.instance)).encode() for file in files())
        return download.answer(Response(_array(data_sets), content_type=JSON))


def _array(items: Iterable[bytes]) -> Iterator[bytes]:
    separator = b"["
    for item in items:
        yield separator + item
        separator = b","
    yield b"]"


def _with_bulk_data(instance: DicomInstance) -> Attributes:
    address = f"{address_of(instance.study, instance.series, instance.instance)}/bulkdata/{PIXEL_DATA}"
    vr = "OW" if instance.value(BITS_ALLOCATED) == "16" else "OB"
    return {**instance.attributes, PIXEL_DATA: {"vr": vr, "BulkDataURI": address}}


def files_of(study: str, series: str | None, instance: str | None) -> Callable[[], Iterator[KnownFile]]:
    """Gives the files anew at each call. Raises NotFound where there is none."""
    service = container().dicomweb
    find = partial(service.find, study, series, instance)
    if next(find(), None) is None:
        service.index.complete(COMPLETED_S)
        if next(find(), None) is None:
            raise NotFound("no DICOM file with these UIDs is here; they are those after de-identification")
    return find


def sent(contents: Iterable[bytes], offer: Offer) -> Response:
    """The contents as the media type of ``offer``."""
    content_type = f"{offer.media_type}; transfer-syntax={offer.syntax}" if offer.syntax else offer.media_type
    if not offer.related:
        return Response(next(iter(contents)), content_type=content_type)
    boundary = multipart_related.new_boundary()
    return Response(
        multipart_related.write(contents, boundary, content_type),
        content_type=f'{RELATED}; type="{offer.media_type}"; boundary={boundary}',
    )


def started(items: Iterator[T]) -> Iterator[T]:
    """``items`` with the first one made already, so that its error is the answer's."""
    return chain([next(items)], items)


def _found(search: Callable[[Query], Results]) -> Response:
    chosen(JSON_TYPES)
    query, fuzzy = query_of(request.args), asks_for_fuzzy_matching(request.args)
    complete = container().dicomweb.index.complete(COMPLETED_S)
    results = search(query)
    response = json_answer([_addressed(each) for each in results.found])
    warnings = {
        "There are additional results that can be requested": results.more,
        "The fuzzymatching parameter is not supported. Only literal matching has been performed.": fuzzy,
        "Objects that were pinned lately are still being read: ask again": not complete,
    }
    for text in (text for text, applies in warnings.items() if applies):
        response.headers.add("Warning", f'299 {request.host} "{text}"')
    return response


def _addressed(result: Attributes) -> Attributes:
    """With the address of what was found (PS3.18, table 10.6.3-3)."""
    uids = [str(result[tag]["Value"][0]) for tag in (STUDY_UID, SERIES_UID, INSTANCE_UID) if tag in result]
    return {**result, RETRIEVE_URL: value("UR", address_of(*uids))}


def address_of(study: str, series: str | None = None, instance: str | None = None) -> str:
    address = f"{request.host_url.rstrip('/')}{PREFIX}/studies/{study}"
    for name, uid in (("series", series), ("instances", instance)):
        address += f"/{name}/{uid}" if uid else ""
    return address


def value(vr: str, value: str | int) -> Attributes:
    return {"vr": vr, "Value": [value]}


def json_answer(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type=JSON)
