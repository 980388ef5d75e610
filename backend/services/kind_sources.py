"""Where the values of an image's kind come from: DICOM attributes, a gate, the uploader. Neither is guessed, and where
they differ, each stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from backend.domain import (
    UNKNOWN_KIND,
    GateOpinion,
    ImageFacts,
    ImageKind,
    KindFilter,
    KindSource,
    KindValue,
    ModelFacts,
)
from backend.errors import MagnificationsDiffer, OtherMagnification
from backend.ports import Classifier

IN_DICOM_TERMS = {"brain-mri": ("MR", "BRAIN"), "breast-histology": ("SM", "BREAST")}
"""The modality and body part (PS3.3, section C.7.3.1.1.1; PS3.16, annex L) of what a gate recognises."""
_STRENGTH = (KindSource.DICOM, KindSource.UPLOADER, KindSource.RECOGNISED)
T = TypeVar("T")
_PSEUDONYM = re.compile(r"SP-[0-9A-F]{12}")
_DATE = re.compile(r"[0-9]{8}")


def kind_of(facts: ImageFacts) -> ImageKind:
    """What the image's own bytes say of its kind: the attributes of a DICOM file."""
    attributes = facts.attributes
    if attributes is None:
        return ImageKind(facts.cid)
    patient = facts.place.patient if facts.place else ""
    return ImageKind(
        facts.cid,
        modality=_from_dicom(attributes.modality.upper()),
        body_part=_from_dicom(attributes.body_part.upper()),
        sequence=_from_dicom(attributes.sequence),
        patient=patient if _PSEUDONYM.fullmatch(patient) else None,
        study_date=attributes.study_date if _DATE.fullmatch(attributes.study_date) else None,
        spacing=attributes.spacing,
    )


def with_opinion(kind: ImageKind, opinion: GateOpinion) -> ImageKind:
    """``kind`` with the modality that a gate recognised, beside what others say."""
    modality, by = opinion.modality, f"{opinion.gate.name} {opinion.gate.version}"
    if modality is None:
        return kind
    term, body_part = IN_DICOM_TERMS.get(modality, (modality, None))
    recognised = replace(kind, modality=_beside(kind.modality, KindValue(term, KindSource.RECOGNISED, by)))
    if body_part is None:
        return recognised
    value = KindValue(body_part, KindSource.RECOGNISED, by)
    return replace(recognised, body_part=_beside(kind.body_part, value))


def with_magnification(kind: ImageKind, magnification: int, *, corrected: bool) -> ImageKind:
    """``kind`` with what an uploader said: beside what others said before, or, ``corrected``, in its place."""
    stated = KindValue(str(magnification), KindSource.UPLOADER)
    return replace(kind, magnification=_beside(kind.magnification, stated, corrected=corrected))


def agreed(cid: str, kinds: Sequence[ImageKind]) -> ImageKind:
    """The kind of a study: the values that all its slices have, and so its patient, date and spacing."""

    def common(name: str) -> KindValue:
        found = {getattr(kind, name) for kind in kinds}
        value: KindValue = found.pop() if len(found) == 1 else UNKNOWN_KIND
        return value

    return ImageKind(
        cid,
        modality=common("modality"),
        body_part=common("body_part"),
        sequence=common("sequence"),
        magnification=common("magnification"),
        patient=_only({kind.patient for kind in kinds}),
        study_date=_only({kind.study_date for kind in kinds}),
        spacing=_only({kind.spacing for kind in kinds}),
    )


def _only(values: set[T | None]) -> T | None:
    return next(iter(values)) if len(values) == 1 else None


def refuse_other_magnification(classifier: Classifier, model: ModelFacts, kind: ImageKind | None) -> None:
    """For a model that is made for one: raises MagnificationsDiffer where several are said of the image,
    OtherMagnification where another one is."""
    expected = classifier.magnification(model)
    if not expected or kind is None or kind.magnification.value is None:
        return
    if kind.magnification.others:
        stated = [f"{each.value}X ({each.source.value})" for each in statements(kind.magnification)]
        raise MagnificationsDiffer(model.name, expected, stated)
    if kind.magnification.value != str(expected):
        raise OtherMagnification(model.name, expected, kind.magnification.value)


def statements(value: KindValue) -> list[KindValue]:
    """Each value that a source states, without others; none for what is unknown."""
    return [] if value.value is None else [replace(value, others=()), *value.others]


def kind_filter(*, modality: str, body_part: str, sequence: str, magnification: str) -> KindFilter:
    """The filter for a person's input; case is ignored, and 400X is 400. An empty text sets no condition."""
    unknown = KindFilter.UNKNOWN

    def term(text: str, *, capitals: bool = False) -> str | None:
        text = text.strip().lower()
        return None if not text else text.upper() if capitals and text != unknown else text

    enlarged = term(magnification)
    return KindFilter(
        modality=term(modality, capitals=True),
        body_part=term(body_part, capitals=True),
        sequence=term(sequence),
        magnification=enlarged and enlarged.removesuffix("x"),
    )


def _from_dicom(value: str) -> KindValue:
    return KindValue(value, KindSource.DICOM) if value else UNKNOWN_KIND


def _beside(found: KindValue, stated: KindValue, *, corrected: bool = False) -> KindValue:
    """``found`` with one more statement. A gate's takes the place of a former one, as an uploader's does, if
    ``corrected``. The first statement of the strongest source is the value; those of another value stand beside it."""
    replaces = corrected or stated.source is KindSource.RECOGNISED
    kept = [each for each in statements(found) if not (replaces and each.source is stated.source)]
    first, *others = sorted([*kept, stated], key=lambda each: _STRENGTH.index(each.source))
    differing = {(each.value, each.source): each for each in others if each.value != first.value}
    return replace(first, others=tuple(differing.values()))
