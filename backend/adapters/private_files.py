"""Creates folders and files that other users cannot read, for images, keys and records."""

from __future__ import annotations

from pathlib import Path


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its missing parents with mode 700; existing folders keep their mode. Raises OSError."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def make_file(file: Path) -> None:
    """Create ``file``, empty and with mode 600, unless it exists. Raises OSError."""
    make_folder(file.parent)
    file.touch(mode=0o600)
