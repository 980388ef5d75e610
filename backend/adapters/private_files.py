"""Creates folders and files that other users cannot read, for images, keys and records."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import ConfigurationError, StorageFull, StorageUnavailable

DRAFT = ".tmp"
_PROBE_BYTES = 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its missing parents with mode 700; existing folders keep their mode. Raises OSError."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def make_file(file: Path) -> None:
    """Create ``file``, empty and with mode 600, unless it exists. Raises OSError."""
    if not file.exists():
        make_folder(file.parent)
        file.touch(mode=0o600)


def create(file: Path, text: str) -> None:
    """Write ``text`` to a new file with mode 600, unless there is one. No reader sees half of it. Raises OSError."""
    make_folder(file.parent)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def read_key(file: Path, what: str, *, new: Callable[[], str]) -> bytes:
    """The content of a file with a private key, made of ``new`` if it is missing. Raises ConfigurationError where
    ``what`` cannot be read or written, or is readable by other users."""
    try:
        if not file.exists():
            create(file, new())
        mode = file.stat().st_mode & 0o777
        if mode & 0o077:
            raise ConfigurationError(f"{what} {file} is readable by other users (mode {mode:o}): run chmod 600 {file}")
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{what} {file} cannot be used: {error.strerror}") from error


def replace(file: Path, content: bytes, *, sync: bool = True) -> None:
    """Write ``content`` in place of what ``file`` holds, if anything, with mode 600. No reader sees half of it; what a
    crash leaves has a name with a dot before it and ``DRAFT`` behind. Without ``sync``, a loss of power may lose the
    content; the name is on the disk only after ``sync_folder``. Raises OSError."""
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=DRAFT)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if sync:
                os.fsync(stream.fileno())
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Write the names in ``folder`` to the disk: without that, a loss of power may lose a new file. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def means_full(error: OSError) -> bool:
    """Whether ``error`` says that the disk or the quota is full."""
    return error.errno in _FULL


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn an OSError of the disk into StorageFull or StorageUnavailable: ``what`` cannot be used."""
    try:
        yield
    except OSError as error:
        kind = StorageFull if means_full(error) else StorageUnavailable
        raise kind(f"{what} cannot be used: {error.strerror}") from error


def write_refusal(folder: Path) -> str | None:
    """Why nothing can be written to ``folder`` now, for instance a full disk; None if it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
    except OSError as error:
        return error.strerror
    return None
