"""Reads a DICOMDIR, the directory of a disc or folder: which files it names (PS3.3, Annex F; PS3.10, section 8)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from backend.adapters.dicom.elements import DIRECTORY_RECORDS, DataSet, read, text
from backend.errors import UnsupportedImage

NAME = "DICOMDIR"
_ROOT, _NEXT, _LOWER, _FILE = 0x00041200, 0x00041400, 0x00041420, 0x00041500
_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .-]{0,63}")
_MOST_COMPONENTS = 8


def is_directory(name: str) -> bool:
    """Whether a file has the only name that a directory may have."""
    return PurePosixPath(name).name.upper() == NAME


def referenced_files(content: bytes) -> list[str]:
    """The paths of the files that the records of a directory name, from its own folder, each once.

    Raises UnsupportedImage for a file that is none or damaged, for records that name others that are not there or lead
    back to themselves, and for paths that leave the folder; ImageTooLarge.
    """
    data_set = read(content).data_set
    sequence = data_set.get(DIRECTORY_RECORDS)
    if sequence is None or sequence.items is None:
        raise UnsupportedImage("expected a DICOM directory, found a file without directory records")
    records = dict(zip(sequence.starts, sequence.items, strict=True))
    waiting, seen = [_offset(data_set, _ROOT)], set[int]()
    found: dict[str, None] = {}
    while waiting:
        offset = waiting.pop()
        if not offset:
            continue
        if offset in seen:
            raise UnsupportedImage(
                "expected a DICOM directory without circles, found a record that leads back to itself"
            )
        if offset not in records:
            raise UnsupportedImage(f"expected a directory record at byte {offset:,}, found none")
        seen.add(offset)
        record = records[offset]
        if path := text(record.get(_FILE)):
            found[_checked(path)] = None
        waiting += [_offset(record, _NEXT), _offset(record, _LOWER)]
    return list(found)


def _offset(data_set: DataSet, tag: int) -> int:
    """0 where there is none."""
    element = data_set.get(tag)
    if element is None or len(element.value) != 4:
        return 0
    return int.from_bytes(element.value, "big" if element.big_endian else "little")


def _checked(path: str) -> str:
    """A File ID with its components between backslashes, as a path."""
    parts = [part.strip(" ") for part in path.split("\\")]
    if len(parts) > _MOST_COMPONENTS or not all(_COMPONENT.fullmatch(part) for part in parts):
        raise UnsupportedImage("expected paths within the folder in a DICOM directory, found another one")
    return "/".join(parts)
