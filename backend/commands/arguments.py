"""Types of arguments; argparse turns what they raise into a message and exit status 2."""

from __future__ import annotations

import argparse
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from backend.hosts import is_http_url

BUNDLE_NAME_LENGTH = 64
SMALLEST_SIDE, LARGEST_SIDE = 16, 4096
"""Pixels a side of a network's input."""


class WrongUse(Exception):
    """Arguments that are wrong alone or together: exit status 2. ``usage`` is how the command is called."""

    def __init__(self, message: str, usage: str = "") -> None:
        super().__init__(message)
        self.usage = usage


def existing_file(text: str) -> Path:
    mode = _mode(text)
    if mode is None:
        raise argparse.ArgumentTypeError(f"no such file: {text}")
    if not stat.S_ISREG(mode):
        found = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise argparse.ArgumentTypeError(f"expected a file: {text} is {found}")
    return _permitted(Path(text), os.R_OK, "read")


def file_or_folder(text: str) -> Path:
    """A file or a directory that can be read."""
    mode = _mode(text)
    return existing_folder(text) if mode is not None and stat.S_ISDIR(mode) else existing_file(text)


def existing_folder(text: str) -> Path:
    mode = _mode(text)
    if mode is None:
        raise argparse.ArgumentTypeError(f"no such directory: {text}")
    if not stat.S_ISDIR(mode):
        raise argparse.ArgumentTypeError(f"expected a directory: {text} is a file")
    return _permitted(Path(text), os.R_OK | os.X_OK, "read")


def output_file(text: str) -> Path:
    """A file that can be written; its directory exists or can be made."""
    mode = _mode(text)
    if mode is not None and not stat.S_ISREG(mode):
        found = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise argparse.ArgumentTypeError(f"expected a file: {text} is {found}")
    output_folder(str(Path(text).parent))
    return Path(text)


def file_in_folder(text: str) -> Path:
    """An ``output_file`` whose directory exists."""
    file = output_file(text)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file in an existing directory, found {text}")
    return file


def new_file(text: str) -> Path:
    """A ``file_in_folder`` that is not there yet."""
    if _mode(text) is not None:
        raise argparse.ArgumentTypeError(f"expected a new file: {text} exists")
    return file_in_folder(text)


def output_folder(text: str) -> Path:
    """A directory that exists or can be made."""
    mode = _mode(text)
    path = Path(text).absolute()
    while mode is None:
        path = path.parent
        mode = _mode(str(path))
    if not stat.S_ISDIR(mode):
        raise argparse.ArgumentTypeError(f"expected a directory: {path} is a file")
    _permitted(path, os.W_OK | os.X_OK, "written")
    return Path(text)


def new_folder(text: str) -> Path:
    """An ``output_folder`` without anything in it."""
    folder = output_folder(text)
    if folder.is_dir() and any(folder.iterdir()):
        raise argparse.ArgumentTypeError(f"expected a new or empty directory, found files in {text}")
    return folder


def slice_numbers(text: str) -> frozenset[int]:
    """The orders (from 0) of slices that are numbered from 1, such as ``1,40-60``."""
    orders: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"([1-9][0-9]{0,5})(?:-([1-9][0-9]{0,5}))?", part.strip())
        if not found or int(found[2] or found[1]) < int(found[1]):
            raise argparse.ArgumentTypeError(f"expected slices such as 1,40-60, found {text!r}")
        orders.update(range(int(found[1]) - 1, int(found[2] or found[1])))
    return frozenset(orders)


def hash32(text: str) -> str:
    """An image id or a transaction hash, in lower case."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"expected 0x and 64 hex digits, found {text!r}")
    return text.lower()


def address(text: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise argparse.ArgumentTypeError(f"expected 0x and 40 hex digits, found {text!r}")
    return text


def http_url(text: str) -> str:
    """The message does not repeat it: it may hold an API key."""
    if not is_http_url(text):
        raise argparse.ArgumentTypeError("expected an http or https address")
    return text


def bundle_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text) or len(text) > BUNDLE_NAME_LENGTH:
        expected = f"lower-case words and numbers with - between, at most {BUNDLE_NAME_LENGTH} characters"
        raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}")
    return text


def bundle_version(text: str) -> str:
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+-]{0,39}", text):
        raise argparse.ArgumentTypeError(f"expected a version such as 1.0.0, at most 40 characters, found {text!r}")
    return text


def word(text: str) -> str:
    """Any text but an empty one."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"expected a name, found {text!r}")
    return text


def names(text: str) -> list[str]:
    """Names with commas between, each once."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, found {text!r}")
    return list(dict.fromkeys(found))


def port(text: str) -> int:
    return _integer(text, 1, 65535)


def block(text: str) -> int:
    return _integer(text, 0, 2**53)


def hours(text: str) -> float:
    """A number of hours, 0 or more."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1_000_000:
        raise argparse.ArgumentTypeError(f"expected a number of hours, 0 or more, found {text!r}")
    return number


def positive(text: str) -> int:
    return _integer(text, 1, 2**31 - 1)


def seed(text: str) -> int:
    """TensorFlow takes seeds of 32 bits with a sign."""
    return _integer(text, 0, 2**31 - 1)


def side(text: str) -> int:
    return _integer(text, SMALLEST_SIDE, LARGEST_SIDE)


def one_of(text: str, known: Iterable[str], what: str) -> str:
    """``text``, one of the names ``known``; ``what`` they name, in the plural."""
    listed = list(known)
    if text not in listed:
        raise argparse.ArgumentTypeError(f"expected one of the {what} {', '.join(listed)}, found {text!r}")
    return text


def read_image(path: Path) -> bytes:
    """The file, or just so much of it that it is seen to be too large."""
    from backend.domain import MAX_IMAGE_BYTES

    with path.open("rb") as file:
        return file.read(MAX_IMAGE_BYTES + 1)


def _integer(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal()) or not low <= int(text[:20]) <= high:
        raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, found {text!r}")
    return int(text)


def _mode(text: str) -> int | None:
    """The type and the permissions of what ``text`` is a path of, None where there is nothing."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, found an empty text")
    try:
        return Path(text).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{getattr(error, 'strerror', None) or error}: {text[:200]}") from error


def _permitted(path: Path, mode: int, done: str) -> Path:
    if not os.access(path, mode):
        raise argparse.ArgumentTypeError(f"{path} cannot be {done}: permission denied")
    return path
