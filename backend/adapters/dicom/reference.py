"""What a DICOM image says of itself, for objects that refer to it; read in a process with limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from backend.adapters.images.decoder_pool import DecoderPool, decoder_pool
from backend.domain import DicomReference, PixelBytes
from backend.errors import UnsupportedImage
from backend.printable import one_line
from ml.preprocessing.dicom import DicomFile
from ml.preprocessing.dicom_structure import is_dicom

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_LONGEST = 64
_LARGEST = 2**31 - 1
T = TypeVar("T", int, float)
_UIDS = {
    "sop_class": "SOPClassUID",
    "sop_instance": "SOPInstanceUID",
    "study": "StudyInstanceUID",
    "series": "SeriesInstanceUID",
}
_OPTIONAL_UID = {"frame_of_reference": "FrameOfReferenceUID"}
_TEXTS = {
    "modality": "Modality",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "patient_sex": "PatientSex",
    "study_date": "StudyDate",
}
_WHOLE = {"series_number": "SeriesNumber", "instance_number": "InstanceNumber"}
_VECTORS = {
    "position": ("ImagePositionPatient", "PlanePositionSequence", 3),
    "orientation": ("ImageOrientationPatient", "PlaneOrientationSequence", 6),
    "thickness": ("SliceThickness", "PixelMeasuresSequence", 1),
}


class PooledDicomReader:
    """The port DicomReader. Thread-safe."""

    def __init__(self, pool: DecoderPool | None = None) -> None:
        self._pool = pool or decoder_pool()

    def reference(self, content: bytes) -> DicomReference | None:
        return _reference(self._pool.refer(content)) if is_dicom(content) else None

    def pixels(self, content: bytes, *, decoded: bool) -> PixelBytes:
        return self._pool.pixels(content, decoded=decoded)


def values_of(content: bytes) -> dict[str, Any]:
    """The fields of a DicomReference as the file has them. Raises ImageError, ImageTooLarge."""
    file = DicomFile(content)
    found = file.description
    return {
        **{name: file.text(keyword) for name, keyword in (_UIDS | _OPTIONAL_UID | _TEXTS).items()},
        **{name: file.numbers(keyword) for name, keyword in _WHOLE.items()},
        **{name: file.numbers(keyword, group) for name, (keyword, group, _) in _VECTORS.items()},
        "rows": found.rows,
        "columns": found.columns,
        "spacing": found.spacing or (),
    }


def _reference(found: Mapping[str, Any]) -> DicomReference:
    """A process that hostile bytes have taken over may answer anything. Raises UnsupportedImage."""
    try:
        values: dict[str, Any] = {name: _uid(found[name]) for name in _UIDS}
        values |= {name: _uid(found[name]) if found[name] else "" for name in _OPTIONAL_UID}
        values |= {name: one_line(str(found[name]))[:_LONGEST] for name in _TEXTS}
        values |= {name: _first(_vector(found[name], 1), int) for name in _WHOLE}
        values |= {name: _vector(found[name], count) for name, (_, _, count) in _VECTORS.items()}
        values |= {name: int(found[name]) for name in ("rows", "columns")}
        values |= {"thickness": _first(values["thickness"], float), "spacing": _vector(found["spacing"], 2)}
        return DicomReference(**values)
    except (KeyError, TypeError, ValueError) as exc:
        raise UnsupportedImage("expected a DICOM image with the UIDs of its study, found one without") from exc


def _uid(value: object) -> str:
    uid = str(value)
    if len(uid) > _LONGEST or not _UID.fullmatch(uid):
        raise ValueError
    return uid


def _first(numbers: tuple[float, ...] | None, kind: type[T]) -> T | None:
    return kind(numbers[0]) if numbers else None


def _vector(values: Sequence[Any], count: int) -> tuple[float, ...] | None:
    """``count`` numbers, None for another count or numbers that no image has."""
    numbers = tuple(float(value) for value in values)
    return numbers if len(numbers) == count and all(abs(number) <= _LARGEST for number in numbers) else None
