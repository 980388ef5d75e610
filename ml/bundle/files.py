"""Writes files and folders atomically: complete, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml.errors import WrongChoice


def refuse_nonempty(output: Path) -> None:
    """Raises WrongChoice where ``output`` is a file, or a folder that is not empty."""
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise WrongChoice(f"expected a new or empty folder, found files in {output}")


def weights_file(path: Path) -> Path:
    """``path``, a file of weights named by an option. Raises WrongChoice where it does not exist."""
    if not path.is_file():
        raise WrongChoice(f"expected a file of weights at {path}, found none")
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: after a crash at any time it is complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """An empty folder beside ``output`` that replaces it at the end; after an error it is removed."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as temporary:
        folder = Path(temporary) / "bundle"
        folder.mkdir()
        yield folder
        folder.replace(output)
