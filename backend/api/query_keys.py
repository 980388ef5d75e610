"""The parameters of a search by QIDO-RS (PS3.18, section 8.3.4)."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from backend.errors import InvalidInput
from backend.services.dicomweb import Query

MOST_RESULTS = 1000
_MOST_KEYS = 32
_MOST_TEXT = 2048
_SPECIAL = frozenset({"limit", "offset", "includefield", "fuzzymatching", "accept"})
_TAGS = {
    "SpecificCharacterSet": "00080005",
    "ImageType": "00080008",
    "SOPClassUID": "00080016",
    "SOPInstanceUID": "00080018",
    "StudyDate": "00080020",
    "StudyTime": "00080030",
    "AccessionNumber": "00080050",
    "Modality": "00080060",
    "ModalitiesInStudy": "00080061",
    "StudyDescription": "00081030",
    "SeriesDescription": "0008103E",
    "AvailableTransferSyntaxUID": "00083002",
    "PatientName": "00100010",
    "PatientID": "00100020",
    "PatientBirthDate": "00100030",
    "PatientSex": "00100040",
    "PatientAge": "00101010",
    "BodyPartExamined": "00180015",
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "StudyID": "00200010",
    "SeriesNumber": "00200011",
    "InstanceNumber": "00200013",
    "NumberOfStudyRelatedSeries": "00201206",
    "NumberOfStudyRelatedInstances": "00201208",
    "NumberOfSeriesRelatedInstances": "00201209",
    "NumberOfFrames": "00280008",
    "Rows": "00280010",
    "Columns": "00280011",
    "BitsAllocated": "00280100",
    "ReferringPhysicianName": "00080090",
    "PerformedProcedureStepStartDate": "00400244",
}


def query_of(parameters: MultiDict[str, str]) -> Query:
    """Raises InvalidInput."""
    names = list(parameters)
    if len(names) > _MOST_KEYS or sum(len(value) for _, value in parameters.items(multi=True)) > _MOST_TEXT:
        raise InvalidInput(f"expected at most {_MOST_KEYS} search keys and {_MOST_TEXT} characters, found more")
    limit = _number(parameters, "limit", 100, 1, MOST_RESULTS)
    offset = _number(parameters, "offset", 0, 0, 10_000_000)
    fields = [name for value in parameters.getlist("includefield") for name in value.split(",") if name]
    added = None if "all" in fields else frozenset(map(_tag, fields))
    matches = {_tag(name): parameters[name] for name in names if name not in _SPECIAL}
    return Query(matches, added, limit, offset)


def asks_for_fuzzy_matching(parameters: MultiDict[str, str]) -> bool:
    """Raises InvalidInput for another value than true or false (PS3.18, section 8.3.4.2)."""
    text = parameters.get("fuzzymatching", "false")
    if text not in ("true", "false"):
        raise InvalidInput(f"fuzzymatching must be true or false, not {text[:80]!r}")
    return text == "true"


def _tag(name: str) -> str:
    """The tag of an attribute by its keyword or its eight hex digits."""
    if re.fullmatch(r"[0-9a-fA-F]{8}", name):
        return name.upper()
    if name in _TAGS:
        return _TAGS[name]
    raise InvalidInput(f"expected an attribute by its tag or a keyword of PS3.18, section 10.6, found {name[:80]!r}")


def _number(parameters: MultiDict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = parameters.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text):
        raise InvalidInput(f"{name} must be a whole number from {low}, not {text[:80]!r}")
    return min(int(text), high)
