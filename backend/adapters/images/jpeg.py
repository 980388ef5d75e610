"""Removes the metadata of JPEG files: copies or drops whole segments, and never changes the compressed picture.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence

from backend.adapters.images import limits
from backend.adapters.images.formats import not_supported
from backend.adapters.images.jpeg_scans import (
    EXTENDED,
    FRAMES,
    LOSSLESS,
    PROGRESSIVE,
    SCAN,
    SEQUENTIAL,
    Frame,
    Segment,
    check_scans,
    segments,
)
from backend.adapters.images.stripped import OTHER, TRAILING, Findings
from backend.errors import UnsupportedImage

_START, _END = 0xD8, 0xD9
# A marker: not a stuffed 0xFF00 nor a restart marker, which belong to the compressed data. 0xFF before it are padding.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
# Tables, frame headers, lines and restart interval.
_PICTURE = {*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD} - {0xC8}
_APPLICATION, _COMMENT = range(0xE0, 0xF0), 0xFE
_EXIF = b"Exif\0\0"
_HIERARCHICAL, _LOSSLESS, _ARITHMETIC = "a hierarchical JPEG", "a lossless JPEG", "a JPEG with arithmetic coding"
_PROCESSES = {
    0xC3: _LOSSLESS, 0xC5: _HIERARCHICAL, 0xC6: _HIERARCHICAL, 0xC7: _HIERARCHICAL, 0xC9: _ARITHMETIC,
    0xCA: _ARITHMETIC, 0xCB: _LOSSLESS, 0xCD: _HIERARCHICAL, 0xCE: _HIERARCHICAL, 0xCF: _HIERARCHICAL,
}  # fmt: skip
_OTHER_MARKERS = {0xDE: _HIERARCHICAL, 0xF7: "a JPEG-LS image", 0xF8: "a JPEG-LS image"}
_CHANNELS = (1, 3, 4)
_SHOWN = dict.fromkeys((SEQUENTIAL, EXTENDED, PROGRESSIVE), (8,))
"""The processes that browsers show, and their bits a channel."""
_ENCAPSULATED = {SEQUENTIAL: (8,), EXTENDED: (8, 12), PROGRESSIVE: (8, 12), LOSSLESS: range(2, 17)}
_NAMES = {
    b"http://ns.adobe.com/xap/1.0/\0": "XMP",
    b"http://ns.adobe.com/xmp/extension/\0": "XMP",
    b"Photoshop 3.0\0": "IPTC",
    b"JFXX\0": "thumbnail",
}


def strip(content: bytes, findings: Findings) -> bytes:
    """Raises UnsupportedImage where the segments are broken or cut off."""
    kept = bytearray((0xFF, _START))
    position = 2
    in_scan = seen_scan = False
    while marker := _MARKER.search(content, position):
        between = content[position : marker.start()].rstrip(b"\xff")
        if in_scan:
            kept += between
        elif between:
            findings.removed.add(OTHER)
        in_scan = False
        code = marker[1][0]
        if code == _END:
            if not seen_scan:
                raise UnsupportedImage("expected a JPEG with a picture, found one without")
            if content[marker.end() :]:
                findings.removed.add(TRAILING)
            return bytes(kept) + b"\xff\xd9"
        findings.count_part()
        payload = _payload(content, marker.end())
        position = marker.end() + 2 + len(payload)
        if code in _PICTURE or code == SCAN:
            kept += _segment(code, payload)
            in_scan = code == SCAN
            seen_scan |= in_scan
        elif code in _APPLICATION:
            kept += _application(code, payload, findings)
        elif code == _COMMENT:
            findings.removed.add("comments")
        elif code in _OTHER_MARKERS:
            raise not_supported(_OTHER_MARKERS[code])
        else:
            raise UnsupportedImage(f"expected a JPEG, found one with the marker 0xff{code:02x}, which cannot be read")
    raise UnsupportedImage(
        f"expected a whole JPEG, found one that ends after {len(content)} bytes without its end marker"
    )


def check_picture_data(content: bytes) -> None:
    """Raises UnsupportedImage unless browsers show a stripped JPEG and its compressed data is whole; ImageTooLarge."""
    found = list(segments(content))
    frame = _frame(found, _SHOWN)
    if len(frame.components) not in _CHANNELS:
        raise not_supported(f"a JPEG with {len(frame.components)} channels")
    limits.check_size(frame.width, frame.height)
    _check_scans(frame, found)


def check_encapsulated(content: bytes) -> None:
    """Raises UnsupportedImage unless the JPEG of a frame of a DICOM file is whole; ImageTooLarge."""
    found = list(segments(strip(content, Findings())))
    _check_scans(_frame(found, _ENCAPSULATED), found)


def _frame(found: Sequence[Segment], known: Mapping[int, Container[int]]) -> Frame:
    """The first frame. Raises UnsupportedImage unless it is of a process that is ``known``, and of its precisions."""
    frames = [Frame.read(code, payload) for code, payload, _ in found if code in FRAMES]
    if not frames:
        raise UnsupportedImage("expected a JPEG with a picture, found one without")
    frame = frames[0]
    if frame.process not in known:
        raise not_supported(_PROCESSES[frame.process])
    if frame.precision not in known[frame.process]:
        raise not_supported(f"a JPEG with {frame.precision} bits a channel")
    return frame


def _check_scans(frame: Frame, found: Sequence[Segment]) -> None:
    limits.check_scans(frame.width, frame.height, sum(code == SCAN for code, _, _ in found))
    check_scans(found)


def _payload(content: bytes, position: int) -> bytes:
    length = int.from_bytes(content[position : position + 2])
    payload = content[position + 2 : position + length]
    if length < 2 or len(payload) != length - 2:
        raise UnsupportedImage(f"expected a whole JPEG, found one that is cut off or damaged at byte {position}")
    return payload


def _segment(code: int, payload: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2) + payload


def _application(code: int, payload: bytes, findings: Findings) -> bytes:
    """The part of an application segment that changes how the pixels look; the rest is dropped."""
    if code == 0xE0 and payload.startswith(b"JFIF\0") and len(payload) >= 14:
        if payload[12:] != b"\0\0":
            findings.removed.add("thumbnail")
        return _segment(code, payload[:12] + b"\0\0")
    if code == 0xE2 and payload.startswith(b"ICC_PROFILE\0"):
        return _segment(code, payload)
    if code == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
        return _segment(code, payload[:12])
    if code == 0xE1 and payload.startswith(_EXIF):
        findings.add_exif(payload[len(_EXIF) :])
    else:
        findings.removed.add(next((name for start, name in _NAMES.items() if payload.startswith(start)), OTHER))
    return b""
