"""Whole-slide images: uploaded as a stream, shown by tiles, read by region."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from apiflask import APIBlueprint
from apiflask.fields import Integer, String
from flask import Response, g, request

from backend.api.access import container
from backend.api.caching import unchanging
from backend.api.images import ImageSchema, UploadSchema, check_one_file, intake_answer
from backend.api.limits import client_network, limiter, tiles_allowed, uploads_allowed
from backend.api.openapi import file_response, responses
from backend.api.schemas import AnswerSchema, CamelCase, Values
from backend.api.validation import cid_in_path, place_in_path
from backend.domain import Region
from backend.slide_grid import TILE_OVERLAP, TILE_SIDE, deepzoom_levels

blueprint = APIBlueprint("slides", __name__, tag="Slides")


class DeepZoomSchema(AnswerSchema):
    """A Deep Zoom image: level `levels` - 1 is the full size, each lower one half as large. `tileSize` is without the
    `overlap`."""

    width = Integer()
    height = Integer()
    tile_size = Integer()
    overlap = Integer()
    levels = Integer()
    format = String()


class RegionSchema(CamelCase):
    """In pixels of the full size; at most a million of them."""

    x = Integer(required=True)
    y = Integer(required=True)
    width = Integer(required=True)
    height = Integer(required=True)


def begin_upload() -> BinaryIO:
    """The file that a slide is received into; it goes when the request ends. Raises StorageUnavailable, StorageFull."""
    if "uploads" not in g:
        g.uploads = ExitStack()
    uploads: ExitStack = g.uploads
    return uploads.enter_context(container().slides.receive(request.content_length or 0))


def end_uploads(_error: BaseException | None) -> None:
    if uploads := g.pop("uploads", None):
        uploads.close()


@blueprint.post("/slides")
@limiter.limit(uploads_allowed)
@blueprint.input(UploadSchema, location="files", unknown="raise")
@blueprint.output(ImageSchema, 201)
@blueprint.doc(
    summary="Pin a whole-slide image",
    description="A tiled TIFF pyramid, a BigTIFF or an SVS without identifiers, received as a stream. Other images "
    "belong to `/images`.",
    responses={200: "Known already", 413: "", 415: "", 422: "Identifiers left", 429: "", 507: "No room"},
)
def upload(files_data: Values) -> tuple[Values, int]:
    check_one_file()
    file = files_data["file"].stream
    file.flush()
    return intake_answer(container().slides.accept(Path(file.name), client=client_network()), None)


@blueprint.get("/slides/<cid>/deepzoom")
@blueprint.output(DeepZoomSchema)
@blueprint.doc(summary="How a slide is shown by tiles")
def deepzoom(cid: str) -> Values:
    facts = container().slides.find(cid_in_path(cid))
    return {
        "width": facts.width,
        "height": facts.height,
        "tile_size": TILE_SIDE,
        "overlap": TILE_OVERLAP,
        "levels": deepzoom_levels(facts),
        "format": "jpeg",
    }


@blueprint.get("/slides/<cid>/tiles/<level>/<column>_<row>.jpeg")
@limiter.limit(tiles_allowed, error_message="tiles of slides")
@blueprint.doc(
    summary="A tile of a slide",
    responses=responses({200: file_response("image/jpeg", "The tile"), 304: "Not modified", 404: "", 429: ""}),
)
def tile(cid: str, level: str, column: str, row: str) -> Response:
    cid = cid_in_path(cid)
    place = [place_in_path(each) for each in (level, column, row)]
    tag = f"{cid}-{'-'.join(map(str, place))}"
    if tag in request.if_none_match:
        return unchanging(Response(status=304), tag)
    return unchanging(Response(container().slides.tile(cid, *place), content_type="image/jpeg"), tag)


@blueprint.get("/slides/<cid>/region")
@limiter.limit(tiles_allowed, error_message="regions of slides")
@blueprint.input(RegionSchema, location="query")
@blueprint.doc(
    summary="A region of a slide at full size, as a model sees it",
    responses=responses({200: file_response("image/png", "The region"), 304: "Not modified", 429: ""}),
)
def region(cid: str, query_data: Values) -> Response:
    cid = cid_in_path(cid)
    part = Region(**query_data)
    tag = f"{cid}-{part.x}-{part.y}-{part.width}-{part.height}"
    if tag in request.if_none_match:
        return unchanging(Response(status=304), tag)
    return unchanging(Response(container().slides.region(cid, part), content_type="image/png"), tag)
