"""DICOMweb: pixels and pictures of WADO-RS (PS3.18, section 10.4): frames, rendered, thumbnails, bulk data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from apiflask import APIBlueprint
from flask import Response, request

from backend.api.access import container
from backend.api.dicomweb import files_of, sent, started
from backend.api.downloads import begin_download
from backend.api.limits import limiter, slices_allowed
from backend.api.media_types import Offer, chosen
from backend.dicom_tags import PIXEL_DATA, TRANSFER_SYNTAX
from backend.domain import KnownFile, Rendering
from backend.errors import InvalidInput, NotFound

blueprint = APIBlueprint("dicomweb_pictures", __name__, enable_openapi=False)
OCTETS, JPEG, PNG = "application/octet-stream", "image/jpeg", "image/png"
_NATIVE = "1.2.840.10008.1.2.1"
_COMPRESSED = {
    **dict.fromkeys(("50", "51", "57", "70"), JPEG),
    **dict.fromkeys(("80", "81"), "image/jls"),
    **dict.fromkeys(("90", "91"), "image/jp2"),
    **dict.fromkeys(("201", "202", "203"), "image/jphc"),
}
"""Media types of the transfer syntaxes 1.2.840.10008.1.2.4.x (PS3.18, table 8.7.3-5)."""
_RLE, _RLE_TYPE = "1.2.840.10008.1.2.5", "image/dicom-rle"
_FORMATS = {JPEG: "JPEG", PNG: "PNG"}
_THUMBNAIL = 128
_LARGEST = 10_000
_MOST_FRAMES = 200
"""In one request."""
_NOT_OFFERED = ("window", "annotation", "iccprofile", "presentationUID")
_STUDY = "/studies/<study>"
_SERIES = "/studies/<study>/series/<series>"
_INSTANCE = "/studies/<study>/series/<series>/instances/<instance>"


@blueprint.get(f"{_INSTANCE}/frames/<numbers>")
@limiter.limit(slices_allowed, error_message="requests of frames")
def frames(study: str, series: str, instance: str, numbers: str) -> Response:
    """The pixels of frames, counted from 1: without compression, as they are stored, or as pictures."""
    return _pixels(iter(_frames(study, series, instance, numbers)))


@blueprint.get(f"{_INSTANCE}/bulkdata/{PIXEL_DATA}")
@limiter.limit(slices_allowed, error_message="requests of frames")
def bulk_data(study: str, series: str, instance: str) -> Response:
    """The pixels of an object: those of all its frames."""
    return _pixels(files_of(study, series, instance)())


def _pixels(files: Iterator[KnownFile]) -> Response:
    first = list(islice(files, 2))
    alone = len(first) == 1
    offer = chosen(_offers(first[0].instance.value(TRANSFER_SYNTAX), alone=alone))
    service = container().dicomweb
    if offer.media_type in _FORMATS and not offer.syntax:
        rendering = Rendering(_FORMATS[offer.media_type])
        return _sent((service.picture(file, rendering) for file in chain(first, files)), offer, alone=alone)
    decoded = offer.syntax in ("", _NATIVE)
    return _sent((service.pixels(file, decoded=decoded) for file in chain(first, files)), offer, alone=alone)


def _sent(contents: Iterator[bytes], offer: Offer, *, alone: bool) -> Response:
    """One picture is quickly sent; several ones take the place of a download."""
    if alone:
        return sent(started(contents), offer)
    with begin_download() as download:
        return download.answer(sent(started(contents), offer))


def _offers(stored: str, *, alone: bool) -> Sequence[Offer]:
    """For pixels that are ``stored`` in a transfer syntax. Compressed ones go first to who asks for any transfer
    syntax, and as octets never to who asks for none."""
    native = Offer(OCTETS, related=True, syntax=_NATIVE)
    pictures = [Offer(each, related=True) for each in (PNG, JPEG)]
    single = [Offer(each) for each in (OCTETS, PNG, JPEG)] if alone else []
    if stored == _NATIVE:
        return [native, *pictures, *single]
    octets = Offer(OCTETS, related=True, syntax=stored, usual=False)
    return [octets, native, Offer(_media_type(stored), related=True, syntax=stored), *pictures, *single]


def _media_type(syntax: str) -> str:
    """Of pixels that are stored in a transfer syntax."""
    if syntax == _RLE:
        return _RLE_TYPE
    return _COMPRESSED.get(syntax.removeprefix("1.2.840.10008.1.2.4."), OCTETS)


@blueprint.get(f"{_STUDY}/rendered")
@blueprint.get(f"{_SERIES}/rendered")
@blueprint.get(f"{_INSTANCE}/rendered")
@limiter.limit(slices_allowed, error_message="requests of pictures")
def rendered(study: str, series: str | None = None, instance: str | None = None) -> Response:
    """Pictures as the models see them; alone where there is only one."""
    return _pictures(files_of(study, series, instance)())


@blueprint.get(f"{_INSTANCE}/frames/<numbers>/rendered")
@limiter.limit(slices_allowed, error_message="requests of pictures")
def rendered_frames(study: str, series: str, instance: str, numbers: str) -> Response:
    return _pictures(iter(_frames(study, series, instance, numbers)))


def _pictures(files: Iterator[KnownFile]) -> Response:
    first = list(islice(files, 2))
    alone = len(first) == 1
    single = [Offer(each) for each in _FORMATS] if alone else []
    offer = chosen([*single, *(Offer(each, related=True) for each in _FORMATS)])
    rendering = _rendering(offer.media_type, None)
    service = container().dicomweb
    return _sent((service.picture(file, rendering) for file in chain(first, files)), offer, alone=alone)


@blueprint.get(f"{_STUDY}/thumbnail")
@blueprint.get(f"{_SERIES}/thumbnail")
@blueprint.get(f"{_INSTANCE}/thumbnail")
@limiter.limit(slices_allowed, error_message="requests of pictures")
def thumbnail(study: str, series: str | None = None, instance: str | None = None) -> Response:
    """One small picture, that of the middle file."""
    files = files_of(study, series, instance)
    count = sum(1 for _ in files())
    return _thumbnail(next(islice(files(), count // 2, None)))


@blueprint.get(f"{_INSTANCE}/frames/<numbers>/thumbnail")
@limiter.limit(slices_allowed, error_message="requests of pictures")
def frame_thumbnail(study: str, series: str, instance: str, numbers: str) -> Response:
    return _thumbnail(_frames(study, series, instance, numbers)[0])


def _thumbnail(file: KnownFile) -> Response:
    offer = chosen([Offer(each) for each in _FORMATS])
    rendering = _rendering(offer.media_type, (_THUMBNAIL, _THUMBNAIL))
    return sent(iter([container().dicomweb.picture(file, rendering)]), offer)


def _frames(study: str, series: str, instance: str, numbers: str) -> Sequence[KnownFile]:
    """The files of the frames ``numbers``, such as ``1,3``. Raises InvalidInput, NotFound."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5})*", numbers) or numbers.count(",") >= _MOST_FRAMES:
        raise InvalidInput(f"expected up to {_MOST_FRAMES} numbers of frames from 1, such as 1,3, not {numbers[:80]!r}")
    wanted = [int(number) for number in numbers.split(",")]
    found: dict[int, KnownFile] = {}
    number = 0
    for number, file in enumerate(files_of(study, series, instance)(), start=1):
        if number in wanted:
            found[number] = file
            if len(found) == len(set(wanted)):
                break
    if missing := [each for each in wanted if each not in found]:
        raise NotFound(f"expected a frame from 1 to {number} of this object, found {missing[0]}")
    return [found[each] for each in wanted]


def _rendering(media_type: str, box: tuple[int, int] | None) -> Rendering:
    """By the parameters of PS3.18, section 8.3.5. Raises InvalidInput."""
    if unknown := [name for name in _NOT_OFFERED if name in request.args]:
        raise InvalidInput(f"{unknown[0]} is not offered here: a picture has the window that the models see")
    quality, viewport = request.args.get("quality", "90"), request.args.get("viewport")
    if not re.fullmatch(r"[0-9]{1,3}", quality) or not 1 <= int(quality) <= 100:
        raise InvalidInput(f"quality must be a whole number from 1 to 100, not {quality[:80]!r}")
    if viewport is not None:
        found = re.fullmatch(r"([0-9]{1,5}),([0-9]{1,5})", viewport)
        box = (int(found[1]), int(found[2])) if found else (0, 0)
        if not all(1 <= side <= _LARGEST for side in box):
            raise InvalidInput(
                f"viewport must be a width and a height in pixels, such as 512,512, not {viewport[:80]!r}"
            )
    return Rendering(_FORMATS[media_type], int(quality), box)
