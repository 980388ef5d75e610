"""Finds de-identified DICOM files by the keys of QIDO-RS (PS3.18, section 10.6): of the queue and of records."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.dicom_tags import (
    INSTANCE_NUMBER,
    INSTANCE_UID,
    MODALITY,
    SERIES_UID,
    SOP_CLASS,
    SOURCE_UID,
    STUDY_UID,
    TRANSFER_SYNTAX,
)
from backend.domain import DicomInstance, KnownFile
from backend.errors import NotFound
from backend.ports import ReceivedFiles, ReceivedRows

Attributes = dict[str, Any]
"""A result in the DICOM JSON Model."""
_MODALITIES_IN_STUDY = "00080061"
_STUDY_SERIES, _STUDY_INSTANCES, _SERIES_INSTANCES = "00201206", "00201208", "00201209"
_STUDY_KEYS = (
    *("00080005", "00080020", "00080030", "00080050", "00080201", "00100010", "00100020", "00100030", "00100040"),
    *(STUDY_UID, "00200010"),
)
_SERIES_KEYS = ("00080005", MODALITY, "0008103E", SERIES_UID, "00200011", "00400244", "00400245", "00180015")
_INSTANCE_KEYS = (
    *("00080005", "00080008", SOP_CLASS, INSTANCE_UID, TRANSFER_SYNTAX, INSTANCE_NUMBER),
    *("00280008", "00280010", "00280011", "00280100", "00280101", "00280004", "00280030"),
)
_DATE = re.compile(r"(\d{8})?-(\d{8})?")


@dataclass(frozen=True, slots=True)
class Query:
    """``matches`` are the values wanted by tag; a UID may be one of a list, a date one of a range, and ``*`` and ``?``
    stand for characters. ``added`` are further attributes of a result, None for all."""

    matches: Mapping[str, str]
    added: frozenset[str] | None = frozenset()
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DicomWebService:
    """``recorded`` gives the bytes of a pinned image by its CID. Thread-safe."""

    rows: ReceivedRows
    files: ReceivedFiles
    recorded: Callable[[str], bytes]

    def studies(self, query: Query) -> Sequence[Attributes]:
        """Raises DatabaseUnavailable, as the others do."""
        by_study: dict[str, list[tuple[DicomInstance, int]]] = {}
        for first, files in self.rows.catalogue():
            by_study.setdefault(first.study, []).append((first, files))
        found = [_study(series) for series in by_study.values()]
        return _page(found, query, (*_STUDY_KEYS, _MODALITIES_IN_STUDY, _STUDY_SERIES, _STUDY_INSTANCES))

    def series(self, study: str, query: Query) -> Sequence[Attributes]:
        found = [
            {**first.attributes, _SERIES_INSTANCES: _number(files)}
            for first, files in self.rows.catalogue()
            if first.study == study
        ]
        return _page(found, query, (STUDY_UID, *_SERIES_KEYS, _SERIES_INSTANCES))

    def instances(self, study: str, series: str | None, query: Query) -> Sequence[Attributes]:
        found = [dict(each.instance.attributes) for each in self.rows.instances(study, series)]
        return _page(found, query, (STUDY_UID, SERIES_UID, *_INSTANCE_KEYS))

    def find(self, study: str, series: str | None = None, instance: str | None = None) -> Sequence[KnownFile]:
        """The files of a study, a series, or one. Raises NotFound where there is none."""
        found = [
            each
            for each in self.rows.instances(study, series)
            if instance in (None, each.instance.instance, each.instance.value(SOURCE_UID))
        ]
        if not found:
            raise NotFound("no DICOM file with these UIDs is here; they are those after de-identification")
        return found

    def content(self, file: KnownFile) -> bytes:
        """Raises NotFound, StorageError."""
        if not file.queued:
            return self.recorded(file.instance.cid)
        content = self.files.read(file.series_id, file.instance.sha256)
        if content is None:
            raise NotFound(f"the file of the object {file.instance.instance} is gone or damaged")
        return content


def _study(series: Sequence[tuple[DicomInstance, int]]) -> Attributes:
    modalities = sorted({first.value(MODALITY) for first, _ in series} - {""})
    return {
        **series[0][0].attributes,
        _MODALITIES_IN_STUDY: {"vr": "CS", "Value": modalities},
        _STUDY_SERIES: _number(len(series)),
        _STUDY_INSTANCES: _number(sum(files for _, files in series)),
    }


def _number(value: int) -> Attributes:
    return {"vr": "IS", "Value": [value]}


def _page(found: Sequence[Attributes], query: Query, keys: Sequence[str]) -> Sequence[Attributes]:
    wanted = [each for each in found if all(_matches(each.get(tag), text) for tag, text in query.matches.items())]
    shown = {*keys, *query.matches, *(query.added or ())}
    return [
        {tag: value for tag, value in sorted(each.items()) if query.added is None or tag in shown}
        for each in wanted[query.offset : query.offset + query.limit]
    ]


def _matches(attribute: Mapping[str, Any] | None, wanted: str) -> bool:
    """PS3.4, section C.2.2.2: single value, list of UIDs, universal, wild card and range matching."""
    if wanted in ("", "*"):
        return True
    values = [_text(value) for value in (attribute or {}).get("Value", [])]
    vr = (attribute or {}).get("vr")
    if vr == "UI":
        return bool({*values} & {*re.split(r"[\\,]", wanted)})
    if vr == "DA" and (bounds := _DATE.fullmatch(wanted)):
        first, last = bounds.groups()
        return any((first or "") <= value <= (last or "9") for value in values if value)
    # Not fnmatchcase, which keeps 32,768 patterns of up to 60 kB: whoever asks chooses them.
    pattern = re.compile(fnmatch.translate(wanted.casefold().replace("[", "[[]")))
    return any(pattern.match(value.casefold()) for value in values)


def _text(value: object) -> str:
    return str(value.get("Alphabetic", "")) if isinstance(value, dict) else str(value)
