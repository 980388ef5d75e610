"""The outlined areas of a study's slices, and the volume that they enclose."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from threading import Lock

from backend.contours import enclosed_area
from backend.domain import ModelFacts, SliceResult
from backend.ports import DicomReader
from backend.services.intake import IntakeService
from backend.services.outline import FREE_OF_TUMOUR, OutlineService
from backend.services.statements import SliceOutline
from backend.services.studies import StudyService

MOST_SLICES = 100
"""Each takes the model a while to outline."""
MOST_KEPT = 20_000
"""Slices whose measures stay in memory."""
UNEVEN = 0.01
"""The share by which distances between slices may differ from their mean."""


class OutlinedBy(StrEnum):
    MODEL = "model"
    CLINICIAN = "clinician"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class StudyArea:
    """``pixels`` and ``square_mm`` are the largest outlined area of a slice, ``slices`` the number of outlined slices,
    ``cubic_mm`` the sum of all areas times the distance of the slices: None without spacing, for a single slice and for
    uneven distances. ``pending``: not all slices are outlined yet."""

    pixels: float | None = None
    square_mm: float | None = None
    cubic_mm: float | None = None
    slices: int = 0
    by: OutlinedBy | None = None
    reason: str | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class _Measures:
    """``pixels`` by the model, 0 where it outlines nothing. ``pixel`` is the area of one in mm², ``place`` that of the
    slice in mm along the normal ``direction`` of its plane."""

    pixels: float
    pixel: float | None
    place: float | None
    direction: tuple[float, ...] | None


class StudyAreas:
    """Measures studies, and keeps the measures of slices in memory. Thread-safe."""

    def __init__(
        self, *, studies: StudyService, outlines: OutlineService, intake: IntakeService, dicom: DicomReader
    ) -> None:
        self._studies = studies
        self._outlines = outlines
        self._intake = intake
        self._dicom = dicom
        self._kept: OrderedDict[tuple[str, str], _Measures] = OrderedDict()
        self._lock = Lock()

    def of(self, cid: str, model: ModelFacts | None, corrected: Sequence[SliceOutline], *, until: float) -> StudyArea:
        """The area of the study by ``cid``: ``corrected`` outlines, and those of ``model`` on all other slices on
        which it found a tumour; None: its result does not hold. ``until``, on the monotonic clock, is when to stop.

        Raises InvalidStudy, InvalidCid, NotFound, StorageError, UnsupportedImage, ImageTooLarge, ServerBusy,
        ClassificationFailed.
        """
        _, slices = self._studies.slices(cid)
        own = {
            each.order: enclosed_area(each.outline)
            for each in corrected
            if each.order < len(slices) and slices[each.order].cid == each.cid
        }
        if model and model.modality not in FREE_OF_TUMOUR and not own:
            return StudyArea(reason=f"tumours are outlined on {', '.join(FREE_OF_TUMOUR)} images")
        wanted = [each for each in slices if each.order in own or (model and _shows_tumour(each, model))]
        if len(wanted) > MOST_SLICES:
            return StudyArea(reason=f"{len(wanted)} slices show a finding; at most {MOST_SLICES} are outlined")
        found: list[tuple[int, float, _Measures]] = []
        for each in wanted:
            if time.monotonic() > until:
                return StudyArea(slices=len(found), pending=True)
            by_model = model.name if model and each.order not in own else None
            measures = self._measures(each.cid, by_model)
            pixels = own.get(each.order, measures.pixels)
            if pixels:
                found.append((each.order, pixels, measures))
        if not found:
            return StudyArea(0, 0, by=OutlinedBy.CLINICIAN) if own else StudyArea(reason="nothing is outlined")
        areas = [None if each.pixel is None else pixels * each.pixel for _, pixels, each in found]
        known = [area for area in areas if area is not None]
        by_clinician = sum(order in own for order, _, _ in found)
        by = OutlinedBy.MODEL if not by_clinician else OutlinedBy.BOTH
        return StudyArea(
            pixels=max(pixels for _, pixels, _ in found),
            square_mm=max(known) if len(known) == len(found) else None,
            cubic_mm=_volume(found),
            slices=len(found),
            by=OutlinedBy.CLINICIAN if by_clinician == len(found) else by,
        )

    def _measures(self, cid: str, model: str | None) -> _Measures:
        key = cid, model or ""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        _, content = self._intake.content(cid)
        dicom = self._dicom.reference(content)
        place, direction = _place(dicom.position, dicom.orientation) if dicom else (None, None)
        made = _Measures(
            pixels=self._outlines.outline(cid, model).pixels if model else 0,
            pixel=dicom.spacing[0] * dicom.spacing[1] if dicom and dicom.spacing else None,
            place=place,
            direction=direction,
        )
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made


def _shows_tumour(each: SliceResult, model: ModelFacts) -> bool:
    return not each.abstained and each.label != FREE_OF_TUMOUR.get(model.modality, each.label)


def _place(
    position: tuple[float, ...] | None, orientation: tuple[float, ...] | None
) -> tuple[float | None, tuple[float, ...] | None]:
    """How far along its normal an image plane is (PS3.3, C.7.6.2.1.1), and the normal."""
    if position is None or orientation is None:
        return None, None
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return sum(along * at for along, at in zip(normal, position, strict=True)), tuple(round(each, 3) for each in normal)


def _volume(found: Sequence[tuple[int, float, _Measures]]) -> float | None:
    """In mm³, of outlined slices in their order."""
    if len(found) < 2 or len({each.direction for _, _, each in found}) > 1:
        return None
    total, distances = 0.0, []
    for _, pixels, each in found:
        if each.pixel is None or each.place is None:
            return None
        total += pixels * each.pixel
    for (first, _, one), (second, _, other) in pairwise(found):
        distances.append(abs((other.place or 0) - (one.place or 0)) / (second - first))
    mean = sum(distances) / len(distances)
    if not mean or any(abs(distance - mean) > UNEVEN * mean for distance in distances):
        return None
    return total * mean
