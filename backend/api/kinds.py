"""The kind of an image in answers and queries."""

from __future__ import annotations

from apiflask.fields import Enum, List, Nested, String
from apiflask.validators import Length

from backend.api.schemas import AnswerSchema, CamelCase, Values
from backend.domain import ImageKind, KindSource


class KindStatementSchema(AnswerSchema):
    """`by` is name and version of what recognised it."""

    value = String()
    source = Enum(KindSource, by_value=True)
    by = String(allow_none=True)


class KindValueSchema(KindStatementSchema):
    """`value` is null where it is unknown. `by` is name and version of what recognised it. `others` are the statements
    that differ from it: none is preferred for being newer."""

    value = String(allow_none=True)
    others = List(Nested(KindStatementSchema))


class KindSchema(AnswerSchema):
    """What kind of image one is, each value with its source: `dicom` attributes, `recognised` by a gate, said by the
    `uploader`, or `unknown`. Of a study, the values that all its slices have.

    `modality` and `bodyPart` are terms of DICOM, such as MR and BRAIN; `sequence` is that of MR, such as
    `t1-post-contrast`; `magnification` that of a microscope, such as 100.
    """

    modality = Nested(KindValueSchema)
    body_part = Nested(KindValueSchema)
    sequence = Nested(KindValueSchema)
    magnification = Nested(KindValueSchema)


class KindFilterSchema(CamelCase):
    """Values of the kind, or `unknown`."""

    modality = String(load_default="", validate=Length(max=64))
    body_part = String(load_default="", validate=Length(max=64))
    sequence = String(load_default="", validate=Length(max=64))
    magnification = String(load_default="", validate=Length(max=10))


def kind_answer(kind: ImageKind) -> Values:
    return {name: getattr(kind, name) for name in kind.VALUES}
