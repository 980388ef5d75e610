"""Finds the originals among DICOM files whose copies without identifiers are there too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from backend.domain import Fingerprint, SlicePlace


class PlacedImage(NamedTuple):
    """``fingerprint`` is None for what is no DICOM file, as ``place`` is."""

    name: str
    place: SlicePlace | None
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True)
class Pairing:
    """``copies`` names the copy of each original, by the original's place among the given images. ``places`` are those
    of all images, where an original's patient and series are called as its copies call them."""

    copies: dict[int, str]
    places: list[SlicePlace | None]


def pair(images: Sequence[PlacedImage]) -> Pairing:
    """An original is paired with its copy where no other patient's original is like it."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, image in enumerate(images):
        if image.place and image.fingerprint and image.fingerprint.digest:
            groups[image.fingerprint.digest].append(number)
    copies: dict[int, str] = {}
    called: dict[tuple[str, str, str], SlicePlace] = {}
    for group in groups.values():
        clean = [number for number in group if (found := images[number].fingerprint) and found.clean]
        originals = [number for number in group if number not in clean]
        owners = {_key(images[number].place) for number in originals}
        if not clean or len(owners) != 1:
            continue
        first, *others = clean
        place = images[first].place
        for number in (*originals, *others):
            copies[number] = images[first].name
            if place and (own := _key(images[number].place)):
                called.setdefault(own, place)
    return Pairing(copies, [_called(image.place, called) for image in images])


def _key(place: SlicePlace | None) -> tuple[str, str, str] | None:
    return (place.patient, place.study, place.series) if place else None


def _called(place: SlicePlace | None, called: dict[tuple[str, str, str], SlicePlace]) -> SlicePlace | None:
    key = _key(place)
    if place is None or key is None or key not in called:
        return place
    by = called[key]
    return replace(place, patient=by.patient, study=by.study, series=by.series)
