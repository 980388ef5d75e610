"""Types of arguments; argparse turns what they raise into a message and exit status 2."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from backend.settings import is_http_url

BUNDLE_NAME_LENGTH = 64


class WrongUse(Exception):
    """Arguments that are good one by one, but not together: exit status 2."""


def existing_file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"no such file: {text}")
    return path


def existing_folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"no such folder: {text}")
    return path


def hash32(text: str) -> str:
    """An image id or a transaction hash, in lower case."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"expected 0x and 64 hex digits, found {text!r}")
    return text.lower()


def address(text: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise argparse.ArgumentTypeError(f"expected 0x and 40 hex digits, found {text!r}")
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


def splits(text: str) -> str:
    """Names with commas between."""
    if not all(name.strip() for name in text.split(",")):
        raise argparse.ArgumentTypeError(f"expected the names of splits with commas between, found {text!r}")
    return text


def port(text: str) -> int:
    return _integer(text, 1, 65535)


def natural(text: str) -> int:
    return _integer(text, 0, 2**53)


def positive(text: str) -> int:
    return _integer(text, 1, 2**31)


def http_url(text: str) -> str:
    """Not repeated in the message: it may hold an API key."""
    if not is_http_url(text):
        raise argparse.ArgumentTypeError("expected an http or https address")
    return text


def _integer(text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, found {text!r}")
    return int(text)


def read_image(path: Path) -> bytes:
    """The file, or just so much of it that it is seen to be too large."""
    from backend.domain import MAX_IMAGE_BYTES

    with path.open("rb") as file:
        return file.read(MAX_IMAGE_BYTES + 1)
