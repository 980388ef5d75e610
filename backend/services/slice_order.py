"""Which of the chosen images are the slices of one study, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.domain import SlicePlace, StudySeries


class NamedPlace(NamedTuple):
    """A file by its name, and where DICOM says that it belongs; None for other formats."""

    name: str
    place: SlicePlace | None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``order`` are the places of the slices among the given files; ``foreign`` those of other series, with the reason.

    ``patients`` is the number of patients whom DICOM names: a study is of one.
    """

    order: tuple[int, ...]
    foreign: tuple[tuple[int, str], ...]
    series: StudySeries | None
    patients: int


def arrange(files: Sequence[NamedPlace]) -> Arrangement:
    """The series with the most images is the study. DICOM's slices are in the order of their positions along the
    normal of the image plane (PS3.3 C.7.6.2.1.1), else of their instance numbers and frames; other files in the given
    order."""
    keys = [None if file.place is None else (file.place.study, file.place.series) for file in files]
    counts = Counter(keys)
    if not counts:
        return Arrangement((), (), None, 0)
    own, _ = counts.most_common(1)[0]
    foreign = tuple(
        (number, f"of another series, which has {counts[key]} of these images: make it a study of its own")
        for number, key in enumerate(keys)
        if key != own
    )
    chosen = [number for number, key in enumerate(keys) if key == own]
    values = _values([files[number].place for number in chosen])
    order = [number for _, number in sorted(zip(values, chosen, strict=True))]
    patients = len({file.place.patient for file in files if file.place})
    return Arrangement(tuple(order), foreign, None if own is None else StudySeries(*own), patients)


def _values(places: Sequence[SlicePlace | None]) -> Sequence[float | tuple[int, int]]:
    """A value for each slice by which they are sorted, of a kind that all have; equal ones keep their order."""
    positions = [place.position for place in places if place and place.position is not None]
    if len(positions) == len(places) and len(set(positions)) > 1:
        return positions
    numbers = [(place.number, place.frame) for place in places if place and place.number is not None]
    return numbers if len(numbers) == len(places) else [0] * len(places)
