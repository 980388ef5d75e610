"""The statement of a review: what was decided and why, as canonical JSON (RFC 8785) whose SHA-256 goes on the chain."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import rfc8785

from backend.cids import find_cid
from backend.domain import DiagnosisRecordedEvent, DiagnosisReviewedEvent, Verdict
from backend.errors import InvalidInput
from backend.printable import hidden_in

SCHEMA = "scanproof.review/1"
MAX_STATEMENT_BYTES = 16 * 1024
MAX_REASON_CHARACTERS = 4000
"""At most 4 bytes each in UTF-8, so that a statement stays below its limit, unless characters are escaped."""

MAX_OUTLINE_POINTS = 400
MAX_OUTLINE_CONTOURS = 16
MAX_OUTLINED_SLICES = 24
"""Of a study: all of them together have at most MAX_OUTLINE_POINTS."""
LONGEST_SIDE = 65_535
"""Of an image, in pixels: what a corrected outline can be about."""

_SALT_BYTES = 32
_FEWEST_POINTS = 3

Outline = tuple[tuple[tuple[float, float], ...], ...]
"""Closed polygons of (x, y) in pixels of the original, even-odd rule, as `backend.domain.Outline.contours`."""


@dataclass(frozen=True, slots=True)
class SliceOutline:
    """The reviewer's outline on one slice of a study: the one at ``order`` (from 0), whose image is ``cid``."""

    order: int
    cid: str
    outline: Outline


@dataclass(frozen=True, slots=True)
class Statement:
    """``label`` is the new class name, None for a withdrawal or if it is unknown. ``outline`` is the reviewer's in
    place of the model's, empty where nothing is to be outlined; None: the reviewer did not correct it.
    ``slice_outlines`` are the same for slices of a study, in their order."""

    image_id: str
    diagnosis_id: str
    verdict: Verdict
    label: str | None
    label_code: int
    reason: str
    outline: Outline | None = None
    slice_outlines: tuple[SliceOutline, ...] = ()

    def fits(self, review: DiagnosisReviewedEvent) -> bool:
        """Whether it has the same image, diagnosis, verdict and label as the review on the chain."""
        stated = (self.image_id, self.diagnosis_id, self.verdict, self.label_code)
        return stated == (review.image_id, review.diagnosis_id, review.verdict, review.label)


def build(
    diagnosis: DiagnosisRecordedEvent,
    verdict: Verdict,
    label: str | None,
    label_code: int,
    reason: str,
    *,
    outline: Outline | None = None,
    slice_outlines: tuple[SliceOutline, ...] = (),
) -> bytes:
    """The statement's canonical bytes. 32 random bytes in it prevent that its hash reveals it. Raises InvalidInput."""
    corrected: dict[str, Any] = {} if outline is None else {"outline": _values(outline)}
    if slice_outlines:
        corrected["sliceOutlines"] = [
            {"order": each.order, "cid": each.cid, "outline": _values(each.outline)} for each in slice_outlines
        ]
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(f"expected a reason of 1 to {MAX_REASON_CHARACTERS:,} characters, found {len(reason):,}")
    check_visible(reason)
    try:
        content = rfc8785.dumps(
            {
                "schema": SCHEMA,
                "imageId": diagnosis.image_id,
                "diagnosisId": diagnosis.diagnosis_id,
                "verdict": verdict.value,
                "label": label,
                "labelCode": label_code,
                "reason": reason,
                "salt": secrets.token_hex(_SALT_BYTES),
                **corrected,
            }
        )
    except rfc8785.CanonicalizationError:
        raise InvalidInput("expected a reason in Unicode, found half a surrogate pair") from None
    if len(content) > MAX_STATEMENT_BYTES:
        raise InvalidInput(f"expected a statement of at most {MAX_STATEMENT_BYTES:,} bytes, found {len(content):,}")
    return content


def check_visible(text: str) -> None:
    """Raises InvalidInput for a text with characters that its readers would not see."""
    if hidden := hidden_in(text):
        raise InvalidInput(f"expected a text without control, direction and invisible characters, found {hidden}")


def read(content: bytes) -> Statement | None:
    """The statement, from an untrusted source; None when ``content`` is not one of this schema or has no reason."""
    try:
        values = json.loads(content)
        label = values["label"]
        statement = Statement(
            image_id=_text(values["imageId"]),
            diagnosis_id=_text(values["diagnosisId"]),
            verdict=Verdict(values["verdict"]),
            label=None if label is None else _text(label),
            label_code=values["labelCode"],
            reason=_text(values["reason"]),
            outline=_outline(values["outline"]) if "outline" in values else None,
            slice_outlines=_slice_outlines(values["sliceOutlines"]) if "sliceOutlines" in values else (),
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    good = values.get("schema") == SCHEMA and type(statement.label_code) is int and statement.reason.strip()
    return statement if good else None


def _text(value: object) -> str:
    """Text that can be encoded: a lone surrogate would fail wherever it is shown."""
    if type(value) is not str:
        raise TypeError
    value.encode()
    return value


def _outline(value: object) -> Outline:
    """Raises TypeError, ValueError for what is no outline within the limits."""
    if type(value) is not list or len(value) > MAX_OUTLINE_CONTOURS:
        raise ValueError
    contours = tuple(tuple(_point(point) for point in contour) for contour in value)
    if any(len(contour) < _FEWEST_POINTS for contour in contours) or sum(map(len, contours)) > MAX_OUTLINE_POINTS:
        raise ValueError
    return contours


def _values(outline: Outline) -> list[list[list[float]]]:
    return [[list(point) for point in contour] for contour in outline]


def _slice_outlines(value: object) -> tuple[SliceOutline, ...]:
    """Raises TypeError, ValueError, KeyError for what is no list of outlines of different slices in their order."""
    if type(value) is not list or not 0 < len(value) <= MAX_OUTLINED_SLICES:
        raise ValueError
    found = tuple(_slice_outline(each) for each in value)
    orders = [each.order for each in found]
    points = sum(len(contour) for each in found for contour in each.outline)
    if orders != sorted(set(orders)) or points > MAX_OUTLINE_POINTS:
        raise ValueError
    return found


def _slice_outline(value: object) -> SliceOutline:
    if type(value) is not dict or sorted(value) != ["cid", "order", "outline"]:
        raise TypeError
    order, cid = value["order"], _text(value["cid"])
    if type(order) is not int or order < 0 or str(find_cid(cid)) != cid:
        raise ValueError
    return SliceOutline(order, cid, _outline(value["outline"]))


def _point(value: object) -> tuple[float, float]:
    if type(value) is not list or len(value) != 2 or not all(type(number) in (int, float) for number in value):
        raise TypeError
    x, y = (float(number) for number in value)
    if not (0 <= x <= LONGEST_SIDE and 0 <= y <= LONGEST_SIDE):
        raise ValueError
    return x, y
