"""How the outlined area changed over time, for one patient's recorded images."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, Float, Integer, List, Nested, String

from backend.api.access import container
from backend.api.kinds import KindSchema, kind_answer
from backend.api.schemas import AnswerSchema, Hash, Values
from backend.api.validation import hash_in_path
from backend.services.study_areas import OutlinedBy

blueprint = APIBlueprint("course", __name__, tag="Records")


class CourseEntrySchema(AnswerSchema):
    """`studyDate` is YYYY-MM-DD; the sender moved all dates of the patient by the same number of days. `pixels` is the
    outlined area, `squareMm` the same where the file has the spacing of its pixels; null without an outline, for the
    `reason`. `by` is whose outline it is.

    Of a study they are the largest outlined area of a slice, `slices` is the number of outlined slices, and `cubicMm`
    the sum of their areas times the distance of slices, null where that is unknown or uneven. `pending`: ask again, not
    all slices are outlined yet."""

    image_id = Hash()
    cid = String()
    study_date = String()
    kind = Nested(KindSchema)
    pixels = Float(allow_none=True)
    square_mm = Float(allow_none=True)
    by = Enum(OutlinedBy, by_value=True, allow_none=True)
    reason = String(allow_none=True)
    study = Boolean()
    cubic_mm = Float(allow_none=True)
    slices = Integer(allow_none=True)
    pending = Boolean()


class CourseSchema(AnswerSchema):
    """The images of the same patient that the same account recorded, or the studies of a study's patient, by study
    date; areas in pixels are not to be compared. `reason` says why there are none."""

    reason = String(allow_none=True)
    entries = List(Nested(CourseEntrySchema))


@blueprint.get("/records/<image_id>/course")
@blueprint.output(CourseSchema)
@blueprint.doc(summary="The outlined area over time, for the images of one patient whom one sender de-identified")
def course(image_id: str) -> Values:
    found = container().course.of(container().records.find(hash_in_path("the image id", image_id)))
    entries = [
        {
            "image_id": entry.record.image.image_id,
            "cid": entry.record.image.cid,
            "study_date": _date(entry.kind.study_date or ""),
            "kind": kind_answer(entry.kind),
            "pixels": entry.pixels,
            "square_mm": entry.square_mm,
            "by": entry.by,
            "reason": entry.reason,
            "study": entry.study,
            "cubic_mm": entry.cubic_mm,
            "slices": entry.slices,
            "pending": entry.pending,
        }
        for entry in found.entries
    ]
    return {"reason": found.reason, "entries": entries}


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"
