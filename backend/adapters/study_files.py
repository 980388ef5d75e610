"""The files of a study on this machine: those of a folder, or of a ZIP, in the order in which people number them."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from backend.domain import MAX_STUDY_FILE_BYTES
from backend.errors import InvalidStudy

MAX_FILES = 10_000
"""More than any study has: a folder such as a whole disk is not read to its end."""
MAX_ZIP_BYTES = 4 * 1024**3
MAX_UNPACKED_BYTES = 8 * 1024**3
_IGNORED = re.compile(r"(^|/)(\.|__MACOSX/|Thumbs\.db$|desktop\.ini$)")
"""Files that systems write beside those of the person."""
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class StudySource:
    """A file: ``name`` is its path within folder or ZIP; ``read`` gives its bytes, or just so many of them that they
    are seen to be too many. ``read`` raises InvalidStudy."""

    name: str
    read: Callable[[], bytes]


def study_sources(path: Path) -> list[StudySource]:
    """The files below a folder, or of a ZIP file; another file by itself. Raises InvalidStudy for a ZIP that is damaged
    or unsafe, for no file at all, and for more than MAX_FILES."""
    if not path.is_dir() and not is_zip(path):
        return [StudySource(path.name, partial(_read, path))]
    found = _folder(path) if path.is_dir() else _zip(path)
    files = sorted((each for each in found if not _IGNORED.search(each.name)), key=lambda each: natural(each.name))
    if not files:
        raise InvalidStudy(f"expected images in {path}, found no file")
    return files


def is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that puts ``slice-10`` behind ``slice-9``."""
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), "") if part.isdecimal() and part.isascii() else (0, 0, part.casefold()) for part in parts]


def _folder(path: Path) -> Iterator[StudySource]:
    count = 0
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            if not file.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise InvalidStudy(f"expected a folder with at most {MAX_FILES:,} files, found more in {path}")
            yield StudySource(file.relative_to(path).as_posix(), partial(_read, file))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_STUDY_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidStudy(f"{file} cannot be read: {error.strerror}") from error


def _zip(path: Path) -> Iterator[StudySource]:
    if path.stat().st_size > MAX_ZIP_BYTES:
        raise InvalidStudy(f"expected a ZIP of at most {MAX_ZIP_BYTES:,} bytes, found {path.stat().st_size:,}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise InvalidStudy(f"expected a ZIP that can be read, found a damaged one: {error}") from error
    if len(entries) > MAX_FILES:
        raise InvalidStudy(f"expected a ZIP with at most {MAX_FILES:,} files, found {len(entries):,}")
    if (total := sum(each.file_size for each in entries)) > MAX_UNPACKED_BYTES:
        raise InvalidStudy(f"expected at most {MAX_UNPACKED_BYTES:,} bytes in the ZIP, found {total:,}: a ZIP bomb?")
    names: set[str] = set()
    for entry in entries:
        _check(entry)
        if entry.filename in names:
            raise InvalidStudy(f"expected each file of the ZIP once, found {entry.filename!r} twice")
        names.add(entry.filename)
        yield StudySource(entry.filename, partial(_unpack, path, entry))


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
        raise InvalidStudy(f"expected files within the ZIP, found the path {name[:200]!r}, which leads out of it")
    if entry.flag_bits & _ENCRYPTED:
        raise InvalidStudy(f"expected a ZIP without a password, found {name[:200]!r} encrypted")
    if entry.compress_type not in _METHODS:
        raise InvalidStudy(f"expected {name[:200]!r} stored or deflated, found another method")


def _unpack(path: Path, entry: zipfile.ZipInfo) -> bytes:
    """Not more than one byte past the limit of a file, however much the entry would give."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(entry) as opened:
            content = opened.read(MAX_STUDY_FILE_BYTES + 1)
            # Reads to the end of what is whole, so that the checksum is compared.
            if len(content) <= MAX_STUDY_FILE_BYTES:
                opened.read(1)
            return content
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise InvalidStudy(f"{entry.filename[:200]!r} in the ZIP is damaged: {error}") from error
