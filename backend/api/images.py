"""Uploading an image and reading it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from apiflask import APIBlueprint
from apiflask.fields import Boolean, File, Float, Integer, List, Nested, String
from apiflask.validators import OneOf
from flask import Response, request, url_for

from backend.api.access import container
from backend.api.caching import revalidated, unchanging
from backend.api.downloads import begin_download
from backend.api.kinds import KindSchema, kind_answer
from backend.api.limits import client_network, limiter, uploads_allowed
from backend.api.openapi import file_response, responses
from backend.api.schemas import AnswerSchema, CamelCase, Sha256, Values
from backend.api.validation import cid_in_path
from backend.domain import MAGNIFICATIONS, ImageFacts
from backend.errors import InvalidInput
from backend.services.intake import Intake
from backend.services.screening import Answers

blueprint = APIBlueprint("images", __name__, tag="Images")


class UploadSchema(CamelCase):
    file = File(required=True)


class AnswersSchema(CamelCase):
    """`text` says what to do with text in the picture: `keep` it, since it identifies nobody, or `mask` it, that is,
    make its places black. `pinAnyway` pins to a public store what is recognised as no medical image. `magnification`
    is that of the microscope, for an image of tissue: what the uploader says of it, beside what was said before, or in
    its place where `magnificationCorrected`.
    """

    text = String(load_default="ask", validate=OneOf(("ask", "keep", "mask")))
    pin_anyway = Boolean(load_default=False)
    magnification = Integer(load_default=None, validate=OneOf(MAGNIFICATIONS))
    magnification_corrected = Boolean(load_default=False)


class PinSchema(AnswersSchema):
    __doc__ = AnswersSchema.__doc__

    file = File(required=True)


class ImageLinksSchema(AnswerSchema):
    """`content` are the pinned bytes; `view` is the image as the models see it, for a browser to show."""

    self = String()
    content = String()
    view = String()


class SlideLevelSchema(AnswerSchema):
    """A picture of the pyramid in pixels; `downsample` is how many times wider the full size is."""

    width = Integer()
    height = Integer()
    downsample = Float()


class SlideSchema(AnswerSchema):
    """What a whole-slide image says of itself: its pyramid, full size first, the size of a pixel, the magnification of
    the objective and the maker of the scanner; null where it is not said."""

    levels = List(Nested(SlideLevelSchema))
    micrometres_per_pixel = Float(allow_none=True)
    objective = Float(allow_none=True)
    vendor = String(allow_none=True)


class ImageSchema(AnswerSchema):
    """`stripped` names the metadata blocks that were removed before pinning, such as EXIF."""

    cid = String()
    sha256 = Sha256()
    size = Integer()
    width = Integer()
    height = Integer()
    media_type = String()
    stripped = List(String())
    created = Boolean()
    kind = Nested(KindSchema)
    slide = Nested(SlideSchema, allow_none=True, metadata={"description": "Null for an image that is no slide."})
    links = Nested(ImageLinksSchema)


def one_file(files_data: Values) -> bytes:
    """The content of the request's only file. Raises InvalidInput."""
    check_one_file()
    content: bytes = files_data["file"].read()
    return content


def check_one_file() -> None:
    """Raises InvalidInput."""
    if (found := len(request.files.getlist("file"))) != 1:
        raise InvalidInput(f"expected one file, found {found}")


@blueprint.post("/images")
@limiter.limit(uploads_allowed)
@blueprint.input(PinSchema, location="form_and_files", unknown="raise")
@blueprint.output(ImageSchema, 201)
@blueprint.doc(
    summary="Pin an image",
    description="Nothing is pinned while the picture seems to show text (`text-in-image`, with the places) or, for a "
    "public store, no known kind of medical image (`unrecognised-image`). The form has fields for the answers.",
    responses={
        200: "Known already",
        409: "A person must confirm it",
        413: "",
        415: "",
        422: "Identifiers left",
        429: "",
    },
)
def upload(form_and_files_data: Values) -> tuple[Values, int]:
    answers = Answers(text=form_and_files_data["text"], pin_anyway=form_and_files_data["pin_anyway"])
    intake = container().intake.accept(one_file(form_and_files_data), client=client_network(), answers=answers)
    return intake_answer(intake, form_and_files_data)


@blueprint.get("/images/<cid>")
@blueprint.output(ImageSchema)
@blueprint.doc(summary="Facts of an uploaded image")
def facts(cid: str) -> Values:
    return _image(container().intake.find(cid_in_path(cid)), created=False)


@blueprint.get("/images/<cid>/content")
@blueprint.doc(
    summary="The bytes of an image, re-hashed before they are sent",
    responses=responses({200: file_response("image/*", "The image", "application/dicom"), 304: "Not modified"}),
)
def content(cid: str) -> Response:
    cid = cid_in_path(cid)
    intake = container().intake
    facts = intake.find(cid)
    if cid in request.if_none_match:
        return _content(Response(status=304), facts)
    if facts.slide:
        response = _content(_slide(cid), facts)
        try:
            with begin_download() as download:
                return download.answer(response)
        except BaseException:
            response.close()
            raise
    data = intake.content_of(facts)
    # Not before: a store that hangs would take the places of other downloads.
    with begin_download() as download:
        return download.answer(_content(Response(data), facts))


def _slide(cid: str) -> Response:
    """The bytes of a slide, read from a verified copy as they are sent."""
    opened = ExitStack()
    slide = opened.enter_context(container().slides.open(cid))
    response = Response(_parts(slide.path), headers={"Content-Length": str(slide.facts.size)})
    response.call_on_close(opened.close)
    return response


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(1024 * 1024):
            yield part


def _content(response: Response, facts: ImageFacts) -> Response:
    response.content_type = facts.media_type
    return unchanging(response, facts.cid)


@blueprint.get("/images/<cid>/view")
@blueprint.doc(
    summary="The image as the models see it: 16-bit grey and DICOM as an 8-bit PNG, a slide as a small one",
    responses=responses({200: file_response("image/*", "The image"), 304: "Not modified", 413: "", 415: ""}),
)
def view(cid: str) -> Response:
    cid = cid_in_path(cid)
    intake = container().intake
    facts = intake.find(cid)
    if facts.slide:
        return view_answer("image/png", container().slides.preview(cid))
    return view_answer(*intake.view_of(facts, intake.content_of(facts)))


def view_answer(media_type: str, data: bytes) -> Response:
    """An image as the models see it."""
    response = revalidated(Response(data, content_type=media_type))
    response.headers["Content-Security-Policy"] = "sandbox"
    return response


def intake_answer(intake: Intake, answers: Values | None) -> tuple[Values, int]:
    """What the uploader says of the magnification is stored; ``answers`` as in AnswersSchema."""
    if answers and (magnification := answers["magnification"]):
        container().kinds.state(intake.facts.cid, magnification, corrected=answers["magnification_corrected"])
    return _image(intake.facts, intake.created), 201 if intake.created else 200


def _image(facts: ImageFacts, created: bool) -> Values:
    links = {
        "self": url_for("images.facts", cid=facts.cid),
        "content": url_for("images.content", cid=facts.cid),
        "view": url_for("images.view", cid=facts.cid),
    }
    kind = kind_answer(container().kinds.of(facts.cid))
    names = ("cid", "sha256", "size", "width", "height", "media_type", "stripped", "slide")
    return {**{name: getattr(facts, name) for name in names}, "created": created, "kind": kind, "links": links}
