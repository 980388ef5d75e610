"""Finds the DICOM files that are public here: those of the queue, and every one that was pinned.

Searches follow QIDO-RS (PS3.18, section 10.6).
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from backend.dicom_tags import (
    FRAME_OFFSET,
    INSTANCE_NUMBER,
    INSTANCE_UID,
    MODALITY,
    SERIES_UID,
    SOP_CLASS,
    SOURCE_UID,
    STUDY_UID,
    TRANSFER_SYNTAX,
)
from backend.domain import DicomInstance, KnownFile, Rendering
from backend.errors import InvalidInput, NotFound
from backend.ports import DicomReader, ImageInspector, ReceivedFiles, ReceivedRows
from backend.services.dicom_index import DicomIndex

T = TypeVar("T")
Attributes = dict[str, Any]
"""A result in the DICOM JSON Model."""
MAX_SCANNED = 100_000
"""Objects or series that a search looks at: past that it has to be narrowed."""
MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Of the results of a search; the rest is asked for by ``offset``."""
MAX_WILD = 8
"""Parts of one key that stand for any number of characters."""
_MODALITIES_IN_STUDY = "00080061"
_STUDY_SERIES, _STUDY_INSTANCES, _SERIES_INSTANCES = "00201206", "00201208", "00201209"
_STUDY_KEYS = (
    *("00080005", "00080020", "00080030", "00080050", "00080201", "00100010", "00100020", "00100030", "00100040"),
    *(STUDY_UID, "00200010", _MODALITIES_IN_STUDY, _STUDY_SERIES, _STUDY_INSTANCES),
)
_SERIES_KEYS = (
    *(STUDY_UID, "00080005", MODALITY, "0008103E", SERIES_UID, "00200011", "00400244", "00400245", "00180015"),
    _SERIES_INSTANCES,
)
_INSTANCE_KEYS = (
    *(STUDY_UID, SERIES_UID, "00080005", "00080008", SOP_CLASS, INSTANCE_UID, TRANSFER_SYNTAX, INSTANCE_NUMBER),
    *("00280008", "00280010", "00280011", "00280100", "00280101", "00280004", "00280030"),
)
_DATE = re.compile(r"(\d{8})?-(\d{8})?")
_WILD = re.compile(r"[*?]")
_STARS = re.compile(r"\*+")
_UIDS = re.compile(r"[\\,]")


@dataclass(frozen=True, slots=True)
class Query:
    """``matches`` are the values wanted by tag; a UID may be one of a list, a date one of a range, and ``*`` and ``?``
    stand for characters. ``added`` are further attributes of a result, None for all."""

    matches: Mapping[str, str]
    added: frozenset[str] | None = frozenset()
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """``more`` says that there are further ones past the limit, or past MAX_ANSWER_BYTES."""

    found: Sequence[Attributes]
    more: bool


@dataclass(frozen=True, slots=True)
class DicomWebService:
    """``recorded`` gives the bytes of a pinned image by its CID, which is known once ``index`` looked at it.

    A series may have any number of files, so that files come one by one, never all at once. Thread-safe.
    """

    rows: ReceivedRows
    files: ReceivedFiles
    index: DicomIndex
    dicom: DicomReader
    inspector: ImageInspector
    recorded: Callable[[str], bytes]

    def studies(self, query: Query) -> Results:
        """Raises InvalidInput for a search that is too wide, as the next two."""
        series = self.rows.catalogue(_only(query, STUDY_UID))
        studies = groupby(_scanned(series), key=lambda each: each[0].study)
        return _page((_study(each) for _, each in studies), query, _STUDY_KEYS)

    def series(self, study: str | None, query: Query) -> Results:
        found = (
            {**first.attributes, _SERIES_INSTANCES: _number(files)}
            for first, files in _scanned(self.rows.catalogue(study or _only(query, STUDY_UID)))
        )
        return _page(found, query, _SERIES_KEYS)

    def instances(self, study: str | None, series: str | None, query: Query) -> Results:
        study, series = study or _only(query, STUDY_UID), series or _only(query, SERIES_UID)
        found = (dict(each.instance.attributes) for each in _scanned(self.rows.instances(study, series)))
        return _page(found, query, _INSTANCE_KEYS)

    def find(self, study: str, series: str | None = None, instance: str | None = None) -> Iterator[KnownFile]:
        """The files of a study, a series, or an object: one, or those of its frames, in their order."""
        if series is None or instance is None:
            yield from self.rows.instances(study, series)
            return
        known = self.rows.find(instance)
        if known is None:
            frames = sorted(
                (int(each.instance.value(FRAME_OFFSET) or 0), each.instance.instance)
                for each in self.rows.instances(study, series)
                if each.instance.value(SOURCE_UID) == instance
            )
            yield from filter(None, (self.rows.find(uid) for _, uid in frames))
        elif (known.instance.study, known.instance.series) == (study, series):
            yield known

    def content(self, file: KnownFile) -> bytes:
        """Raises NotFound, StorageError."""
        if not file.queued:
            return self.recorded(file.instance.cid)
        content = self.files.read(file.instance.series_id, file.instance.sha256)
        if content is None:
            raise NotFound(f"the file of the object {file.instance.instance} is gone or damaged")
        return content

    def pixels(self, file: KnownFile, *, decoded: bool) -> bytes:
        """As they are stored, or ``decoded``, in little endian. Raises as ``content`` and ``DicomReader.pixels``."""
        return self.dicom.pixels(self.content(file), decoded=decoded).content

    def picture(self, file: KnownFile, rendering: Rendering) -> bytes:
        """What the models see. Raises as ``content`` and ``ImageInspector.render``."""
        return self.inspector.render(self.content(file), rendering)


def _scanned(rows: Iterable[T]) -> Iterator[T]:
    """Raises InvalidInput past MAX_SCANNED."""
    for number, row in enumerate(rows):
        if number == MAX_SCANNED:
            raise InvalidInput(f"expected a search among at most {MAX_SCANNED:,} objects, found more: name the study")
        yield row


def _only(query: Query, tag: str) -> str | None:
    """The one UID that a result must have; None where it may have others."""
    wanted = query.matches.get(tag, "")
    return None if not wanted or _WILD.search(wanted) or _UIDS.search(wanted) else wanted


def _study(series: Iterable[tuple[DicomInstance, int]]) -> Attributes:
    rows = iter(series)
    first, instances = next(rows)
    modalities, count = {first.value(MODALITY)}, 1
    for each, files in rows:
        modalities.add(each.value(MODALITY))
        count, instances = count + 1, instances + files
    return {
        **first.attributes,
        _MODALITIES_IN_STUDY: {"vr": "CS", "Value": sorted(modalities - {""})},
        _STUDY_SERIES: _number(count),
        _STUDY_INSTANCES: _number(instances),
    }


def _number(value: int) -> Attributes:
    return {"vr": "IS", "Value": [value]}


def _page(found: Iterable[Attributes], query: Query, keys: Sequence[str]) -> Results:
    matchers = {tag: _matcher(text) for tag, text in query.matches.items()}
    wanted = (each for each in found if all(matches(each.get(tag) or {}) for tag, matches in matchers.items()))
    shown = {*keys, *query.matches, *(query.added or ())}
    results: list[Attributes] = []
    size = 0
    for number, each in enumerate(wanted):
        if number < query.offset:
            continue
        result = {tag: value for tag, value in sorted(each.items()) if query.added is None or tag in shown}
        size += len(json.dumps(result))
        if len(results) == query.limit or (results and size > MAX_ANSWER_BYTES):
            return Results(results, more=True)
        results.append(result)
    return Results(results, more=False)


def _matcher(wanted: str) -> Callable[[Mapping[str, Any]], bool]:
    """PS3.4, section C.2.2.2: single value, list of UIDs, universal, wild card and range matching. Raises InvalidInput
    for a pattern of too many wild cards."""
    if wanted in ("", "*"):
        return lambda _: True
    if len(_STARS.findall(wanted)) > MAX_WILD:
        raise InvalidInput(f"expected at most {MAX_WILD} wild cards in a search key, found more")
    uids = frozenset(_UIDS.split(wanted))
    bounds = _DATE.fullmatch(wanted)
    # Not fnmatchcase, which keeps 32,768 patterns of up to 60 kB: whoever asks chooses them.
    pattern = re.compile(fnmatch.translate(wanted.casefold().replace("[", "[[]")))

    def matches(attribute: Mapping[str, Any]) -> bool:
        values = [_text(value) for value in attribute.get("Value", [])]
        vr = attribute.get("vr")
        if vr == "UI":
            return not uids.isdisjoint(values)
        if vr == "DA" and bounds:
            first, last = bounds.groups()
            return any((first or "") <= value <= (last or "9") for value in values if value)
        return any(pattern.match(value.casefold()) for value in values)

    return matches


def _text(value: object) -> str:
    return str(value.get("Alphabetic", "")) if isinstance(value, dict) else str(value)
