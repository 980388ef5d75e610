"""Bodies of the type multipart/related (RFC 2387), as DICOMweb has them: read and written."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.http import parse_options_header

from backend.api.media_types import RELATED
from backend.domain import DICOM_TYPE
from backend.errors import InvalidInput

MAX_PARTS = 1000
_MAX_HEADER_BYTES = 4096
_MOST_BOUNDARY = 200


@dataclass(frozen=True, slots=True)
class Part:
    media_type: str
    content: bytes


def boundary_of(content_type: str) -> bytes:
    """Raises UnsupportedMediaType for another type than DICOM files, InvalidInput without a boundary."""
    media_type, options = parse_options_header(content_type)
    kind = options.get("type", DICOM_TYPE)
    if media_type != RELATED or kind != DICOM_TYPE:
        found = f'{media_type or "none"}; type="{kind}"' if media_type == RELATED else media_type or "none"
        raise UnsupportedMediaType(f'expected a body of type {RELATED}; type="{DICOM_TYPE}", found {found[:80]}')
    boundary = options.get("boundary", "")
    # RFC 2046 allows 70 characters, and Orthanc sends 73.
    if not 0 < len(boundary) <= _MOST_BOUNDARY or not boundary.isascii():
        raise InvalidInput(f"expected a boundary of 1 to {_MOST_BOUNDARY} ASCII characters, found none")
    return boundary.encode()


def read(body: bytes, boundary: bytes) -> list[Part]:
    """The parts in their order. Raises InvalidInput for a body that is cut or has more than MAX_PARTS."""
    _, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, MAX_PARTS + 2)
    parts: list[Part] = []
    for piece in pieces:
        if piece.startswith(b"--"):
            return parts
        if len(parts) == MAX_PARTS:
            raise InvalidInput(f"expected at most {MAX_PARTS} parts, found more")
        parts.append(_part(piece))
    raise InvalidInput("expected a whole multipart body, found one that is cut off")


def _part(piece: bytes) -> Part:
    head, found, content = piece.partition(b"\r\n\r\n")
    if not found or len(head) > _MAX_HEADER_BYTES:
        raise InvalidInput("expected a head and an empty line in each part, found none")
    media_type = DICOM_TYPE
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            media_type = parse_options_header(value)[0].lower()
    return Part(media_type, content)


def write(contents: Iterable[bytes], boundary: str, content_type: str = DICOM_TYPE) -> Iterator[bytes]:
    """The body of parts of one type, one at a time."""
    for content in contents:
        yield f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        yield content
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def new_boundary() -> str:
    return secrets.token_hex(16)
