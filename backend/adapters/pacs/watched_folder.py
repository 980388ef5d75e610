"""A folder into which another program writes DICOM files: which are whole, and which were taken before."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from backend.adapters import private_files
from backend.domain import MAX_STUDY_FILE_BYTES
from backend.errors import ConfigurationError, StorageUnavailable

MAX_FILE_BYTES = MAX_STUDY_FILE_BYTES
MAX_REMEMBERED = 400_000
MAX_FILES = 200_000
"""Of one folder; files that were taken are remembered, at 65 bytes each."""


class WatchedFolder:
    """``memory`` is the file that remembers; ``key`` makes it say nothing of names, which may be those of patients."""

    def __init__(self, folder: Path, memory: Path, key: bytes) -> None:
        self._folder = folder
        self._memory = memory
        self._key = key
        self._seen: dict[Path, tuple[int, int]] = {}
        self._done = _read_memory(memory)

    def whole(self) -> Iterator[Path]:
        """The files that are new and have not changed since the last call; links, pipes and devices are none. Raises
        StorageUnavailable."""
        before, self._seen = self._seen, {}
        present: set[str] = set()
        for file, state in self._files():
            digest = self._digest(file, state)
            if digest in self._done:
                present.add(digest)
                continue
            self._seen[file] = state
            if before.get(file) == state:
                yield file
        if len(self._done) > MAX_REMEMBERED:
            self._forget_others(present)

    def is_unchanged(self, file: Path) -> bool:
        """Whether a file of ``whole`` is still as it was then: a sender may give its next one the same name."""
        return _state(file) == self._seen[file]

    def remember(self, file: Path) -> None:
        """Not to give this file again, unless it changes. Raises StorageUnavailable."""
        digest = self._digest(file, self._seen.pop(file))
        try:
            private_files.make_file(self._memory)
            with self._memory.open("a") as memory:
                memory.write(digest + "\n")
                memory.flush()
                os.fsync(memory.fileno())
        except OSError as error:
            raise _not_written(self._memory, error) from error
        self._done.add(digest)

    def _forget_others(self, present: set[str]) -> None:
        """Files that are gone need not be remembered. Those that were taken since ``present`` was noted are looked at
        once more, and known by their bytes."""
        try:
            private_files.replace(self._memory, "".join(f"{digest}\n" for digest in sorted(present)).encode())
        except OSError as error:
            raise _not_written(self._memory, error) from error
        self._done = present

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        found = 0
        for parent, folders, names in os.walk(self._folder, onerror=_refuse):
            folders.sort()
            for name in sorted(names):
                found += 1
                if found > MAX_FILES:
                    raise StorageUnavailable(f"expected at most {MAX_FILES} files in {self._folder}, found more")
                file = Path(parent) / name
                if not name.startswith(".") and (state := _state(file)):
                    yield file, state

    def _digest(self, file: Path, state: tuple[int, int]) -> str:
        text = f"{os.fsdecode(os.path.relpath(file, self._folder))}\0{state[0]}\0{state[1]}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hex()


def _state(file: Path) -> tuple[int, int] | None:
    """Size and time of the last change; None for what is no regular file."""
    try:
        facts = file.lstat()
    except FileNotFoundError:
        return None
    return (facts.st_size, facts.st_mtime_ns) if stat.S_ISREG(facts.st_mode) else None


def memory_file(folder: Path, var: Path) -> Path:
    """Where the files of ``folder`` are remembered."""
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return var / "watched" / f"{name}.txt"


def read_file(file: Path) -> bytes:
    """The content, or just so much of it that it is seen to be too large. Raises OSError."""
    with file.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _not_written(memory: Path, error: OSError) -> StorageUnavailable:
    return StorageUnavailable(f"{memory} cannot be written: {error.strerror}")


def _read_memory(file: Path) -> set[str]:
    try:
        return set(file.read_text("ascii").split())
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error


def _refuse(error: OSError) -> None:
    raise StorageUnavailable(f"the watched folder cannot be read: {error.strerror}") from error
