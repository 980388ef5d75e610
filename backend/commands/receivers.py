"""Keys of receivers and files, as the commands that encrypt take them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import WrongUse, existing_file

if TYPE_CHECKING:
    from backend.crypto.wraps import Recipient, RecipientKey


def recipient(text: str) -> Recipient:
    """The public key of ``--to``: a PEM file, or the 64 hex digits of an X25519 key. Raises WrongUse."""
    from backend.crypto.errors import WrapRefused
    from backend.crypto.wraps import MAX_PEM_BYTES, read_recipient, x25519_recipient

    try:
        if re.fullmatch("[0-9a-fA-F]{64}", text):
            return x25519_recipient(bytes.fromhex(text))
        return read_recipient(read_most(checked(existing_file, text), MAX_PEM_BYTES))
    except WrapRefused as error:
        raise WrongUse(f"--to {text}: {error}") from error


def recipient_key(path: Path) -> RecipientKey:
    """The private key of ``--key``. Raises WrongUse."""
    from backend.crypto.errors import WrapRefused
    from backend.crypto.wraps import MAX_PEM_BYTES, read_recipient_key

    try:
        return read_recipient_key(read_most(path, MAX_PEM_BYTES))
    except WrapRefused as error:
        raise WrongUse(f"--key {path}: {error}") from error


def read_most(path: Path, most: int) -> bytes:
    """The file, or just so much of it that it is seen to be too large."""
    with path.open("rb") as file:
        return file.read(most + 1)


def checked(check: Callable[[str], Path], text: str) -> Path:
    """A path whose check depends on the action. Raises WrongUse."""
    try:
        return check(text)
    except argparse.ArgumentTypeError as error:
        raise WrongUse(str(error)) from error
