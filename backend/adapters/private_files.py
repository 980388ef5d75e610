"""Folders and files that only this user may read: images, keys and records are nobody else's."""

from __future__ import annotations

from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make ``folder`` and what is missing above it with mode 700; one that is there stays as it is. Raises OSError."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def make_file(file: Path) -> None:
    """Make ``file``, empty and with mode 600, unless it is there. Raises OSError."""
    make_folder(file.parent)
    file.touch(mode=0o600)
