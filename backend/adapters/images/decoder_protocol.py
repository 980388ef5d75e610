"""What a ``decoder_pool`` and its processes say to each other: a JSON header and bytes, in both directions.

Nothing is unpickled: a process that hostile bytes have taken over may answer anything.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

CPU_S = 30
"""Processor seconds for one job."""
MEMORY_BYTES = 1536 * 1024 * 1024
"""Address space of a process. The largest image takes a third of it."""
INSPECT, DECODE, RENDER, DEIDENTIFY, DESCRIBE, FIND_TEXT, MASK, SPLIT, REFER, READ_PATIENT, PIXELS, FINGERPRINT = (
    "inspect",
    "decode",
    "render",
    "deidentify",
    "describe",
    "find text",
    "mask",
    "split",
    "refer",
    "read patient",
    "pixels",
    "fingerprint",
)
INSPECT_SLIDE, CLEAN_SLIDE, READ_SLIDE = "inspect slide", "clean slide", "read slide"
"""Jobs with the path of a file that their owner has checked, in place of its bytes."""
EMBED_MANIFEST = "embed manifest"
QUESTION = "question"
"""What a process asks its owner for in the course of a job: a header with this word, and bytes; the answer is bytes."""

_LENGTHS = struct.Struct(">QQ")


def send(to: socket.socket, header: dict[str, Any], content: bytes = b"", deadline: float | None = None) -> None:
    """Lengths of header and content, then both. Raises TimeoutError after ``deadline`` (``time.monotonic``)."""
    text = json.dumps(header).encode()
    for part in (_LENGTHS.pack(len(text), len(content)) + text, content):
        to.settimeout(_left(deadline))
        to.sendall(part)


def receive(
    sender: socket.socket, deadline: float | None = None, most_bytes: int | None = None
) -> tuple[dict[str, Any], bytes] | None:
    """What ``send`` sent; None at the end of the stream.

    Raises TimeoutError after ``deadline``, ValueError past ``most_bytes`` and for a header that is no JSON object.
    """
    lengths = _read(sender, _LENGTHS.size, deadline)
    if lengths is None:
        return None
    sizes = _LENGTHS.unpack(lengths)
    if most_bytes is not None and sum(sizes) > most_bytes:
        raise ValueError(f"expected at most {most_bytes} bytes, found {sum(sizes)}")
    text, content = (_read(sender, size, deadline) for size in sizes)
    if text is None or content is None:
        return None
    header = json.loads(text)
    if not isinstance(header, dict):
        raise ValueError("expected a JSON object")
    return header, bytes(content)


def _read(sender: socket.socket, size: int, deadline: float | None) -> bytearray | None:
    content = bytearray(size)
    view = memoryview(content)
    while view:
        sender.settimeout(_left(deadline))
        count = sender.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return content


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left
