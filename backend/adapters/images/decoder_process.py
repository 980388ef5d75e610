"""The process in which hostile bytes are decoded: ``python -m backend.adapters.images.decoder_process``.

It has a limit of memory and, for each job, of CPU time, and it holds no key, database or network. Jobs come and answers
go through a socket as standard input; it ends when the socket does, so it never outlives its owner.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import math
import os
import resource
import signal
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.adapters.images.decoder_protocol import (
    CLEAN_SLIDE,
    CPU_S,
    DECODE,
    DEIDENTIFY,
    DESCRIBE,
    EMBED_MANIFEST,
    FIND_TEXT,
    FINGERPRINT,
    INSPECT,
    INSPECT_SLIDE,
    MASK,
    MEMORY_BYTES,
    PIXELS,
    QUESTION,
    READ_PATIENT,
    READ_SLIDE,
    REFER,
    RENDER,
    SPLIT,
    receive,
    send,
)
from backend.adapters.images.formats import sniff
from backend.adapters.images.inspection import inspect
from backend.adapters.images.reencoded import mask
from backend.domain import TextBox
from backend.errors import IdentifiersLeft, ImageTooLarge, UnsupportedImage
from ml import errors as ml_errors
from ml.preprocessing.images import decode_image

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1024 * 1024


def main() -> None:
    with socket.socket(fileno=os.dup(0)) as owner:
        _limit()
        while job := receive(owner):
            header, content = job
            send(owner, *_answer(header, content, owner))


def _answer(header: dict[str, Any], content: bytes, owner: socket.socket) -> tuple[dict[str, Any], bytes]:
    _allow_cpu_time()
    try:
        if header["job"] == EMBED_MANIFEST:
            return _embed_manifest(content, header, owner)
        return _JOBS[header["job"]](content, header)
    except (UnsupportedImage, ml_errors.ImageError, ImageTooLarge) as exc:
        too_large = isinstance(exc, ImageTooLarge | ml_errors.ImageTooLarge)
        return {"error": "ImageTooLarge" if too_large else "UnsupportedImage", "message": str(exc)}, b""
    except IdentifiersLeft as exc:
        return {"error": "IdentifiersLeft", "names": exc.names, "what": exc.what}, b""
    except MemoryError:
        return {"error": "MemoryError"}, b""


def _inspect(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    found = asdict(inspect(content, pinned=header["pinned"], kept=header["kept"]))
    return found, found.pop("content")


def _decode(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    image = decode_image(content, header["decoding"], header["frame"])
    return {"mode": image.mode, "size": image.size}, image.tobytes()


def _render(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    image, rendering = decode_image(content, header["decoding"], header["frame"]), header["rendering"]
    if rendering["box"]:
        image.thumbnail(rendering["box"])
    file = io.BytesIO()
    # Each format ignores the other's option.
    image.save(file, rendering["format"], compress_level=4, quality=rendering["quality"])
    return {}, file.getvalue()


def _deidentify(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.dicom.deidentification import deidentify

    made = deidentify(content, bytes.fromhex(header["key"]))
    values = {"instance": made.instance, "report": made.report.counts(), "uids": dict(made.uids)}
    return {**values, "frames": made.frames}, made.content


def _describe(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.dicom.json_model import describe

    return {"attributes": describe(content)}, b""


def _find_text(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.images.burnt_in_text import find

    return {"boxes": [asdict(box) for box in find(decode_image(content, header["decoding"], header["frame"]))]}, b""


def _mask(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    boxes = [TextBox(**box) for box in header["boxes"]]
    if sniff(content) == "DICOM":
        from backend.adapters.dicom import masking

        masked = masking.mask(content, boxes)
    else:
        masked = mask(content, boxes)
    found = asdict(inspect(masked, kept=header["kept"]))
    return found, found.pop("content")


def _refer(content: bytes, _: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.dicom.reference import values_of

    return values_of(content), b""


def _read_patient(content: bytes, _: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.dicom.identity_map import attributes_of

    return attributes_of(content), b""


def _split(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.dicom import deidentification, frames

    if frames.count(content) == 1:
        return {"lengths": []}, b""
    if header["kept"]:
        deidentification.check(content)
    else:
        content = deidentification.with_own_values(content)
    parts = frames.split(content)
    return {"lengths": [len(part) for part in parts]}, b"".join(parts)


def _embed_manifest(content: bytes, header: dict[str, Any], owner: socket.socket) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.exports.manifest_embedding import embed

    def sign(claim: bytes) -> bytes:
        send(owner, {QUESTION: "signature"}, claim)
        answer = receive(owner)
        if answer is None:
            raise UnsupportedImage("expected a signature, found none")
        return answer[1]

    length = header["length"]
    return {}, embed(content[:length], content[length:], header, sign)


def _fingerprint(content: bytes, _: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.dicom.deidentification import fingerprint

    return asdict(fingerprint(content)), b""


def _pixels(content: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.dicom import frames

    found = frames.decoded(content) if header["decoded"] else frames.stored(content)
    return {"syntax": found.syntax}, found.content


def _inspect_slide(_: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.slides.opened import inspect

    return inspect(Path(header["path"])), b""


def _clean_slide(_: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.slides.opened import clean

    return clean(Path(header["path"]))


def _read_slide(_: bytes, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from backend.adapters.slides.opened import read

    image = read(Path(header["path"]), header["region"], tuple(header["size"]))
    if header["kind"] == "raw":
        return {"mode": image.mode, "size": image.size}, image.tobytes()
    file = io.BytesIO()
    image.save(file, header["kind"], **header["options"])
    return {}, file.getvalue()


_JOBS = {
    INSPECT: _inspect,
    DECODE: _decode,
    RENDER: _render,
    DEIDENTIFY: _deidentify,
    DESCRIBE: _describe,
    FIND_TEXT: _find_text,
    MASK: _mask,
    REFER: _refer,
    READ_PATIENT: _read_patient,
    SPLIT: _split,
    PIXELS: _pixels,
    FINGERPRINT: _fingerprint,
    INSPECT_SLIDE: _inspect_slide,
    CLEAN_SLIDE: _clean_slide,
    READ_SLIDE: _read_slide,
}


def _limit() -> None:
    # The owner ends it. A signal to the whole group, such as Ctrl-C, must not stop a request that is answered yet.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS has no limit of address space
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:  # glibc gives the memory of a decoded image back to the system
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _allow_cpu_time() -> None:
    """Let the kernel end this process (SIGXCPU) when the next job takes more than ``CPU_S``."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(usage.ru_utime + usage.ru_stime) + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
