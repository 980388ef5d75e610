"""Reversible data hiding: bytes inside the pixels of a picture, and the picture restored bit for bit.

Prediction-error histogram shifting: each pixel is predicted from its four neighbours, the pixels of one colour of a
chessboard after those of the other (Sachnev et al.: Reversible Watermarking Algorithm Using Sorting and Prediction,
IEEE TCSVT 2009). Of two frequent errors each carries a bit, and the errors beyond them move by one to make room (Ni et
al.: Reversible Data Hiding, IEEE TCSVT 2006; Thodi and Rodríguez: Expansion Embedding Techniques for Reversible
Watermarking, IEEE TIP 2007). So no value changes by more than 1, and the PSNR of 8 bits is at least 48.13 dB.

A pixel at the end of the range that would have to leave it stays. A map tells these from pixels that moved there. Map,
places where to stop and errors are in the lowest bits of the first pixels, whose own are part of what is hidden."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.crypto.errors import CryptoRefused

Pixels = NDArray[Any]
"""Grey (height, width) or colour (height, width, 3), of 8 or 16 bits without sign."""
MAGIC = b"RDH1"
_HEADER = struct.Struct(">4sHhhhhIIIIIII")
_LEAST_ERROR, _LARGEST_ERROR = -(2**15), 2**15 - 1
"""What the header can name."""
_DIGEST_BYTES = 32
_MOST_TRIES = 8
_SLACK_BYTES = 16
"""Left for a map that comes out a little longer with other bits."""
MAX_PIXELS = 64 * 1024 * 1024


class HidingRefused(CryptoRefused):
    """A picture with too little room, or one without anything hidden, or altered since."""


@dataclass(frozen=True)
class _Pass:
    """What one colour of the chessboard carries: the two errors, the number of its pixels that take part, and the map
    of those among them that are at the end of the range."""

    low: int
    high: int
    stop: int
    moved: NDArray[np.bool_]


def hide(picture: Pixels, message: bytes, *, maximum: int | None = None) -> Pixels:
    """The picture with the message inside. ``maximum`` is the largest value that a pixel may have, by default that of
    its type: 4095 for a picture of 12 bits. Encrypt the message first: whoever knows this method can read it.

    Raises HidingRefused where there is too little room, ValueError for another kind of picture."""
    plane = _plane(picture)
    maximum = int(np.iinfo(plane.dtype).max) if maximum is None else maximum
    if int(plane.max(initial=0)) > maximum or maximum < 3:
        raise ValueError(f"expected values from 0 to {maximum}, found {int(plane.max(initial=0))}")
    body = _digest(picture, message) + message
    room = 0
    for _ in range(_MOST_TRIES):
        reserved = 8 * (_HEADER.size + room)
        marked, passes = _embed(plane, body, reserved, maximum)
        if marked is None:
            break
        packed = _pack(passes)
        if len(packed) <= room:
            header = _header(maximum, passes, room, len(packed), body)
            _write_bits(marked, _bits(header + packed.ljust(room, b"\0")))
            return _like(marked, picture)
        room = len(packed) + _SLACK_BYTES
    raise HidingRefused("capacity", f"the picture has too little room for {len(message):,} bytes")


def reveal(picture: Pixels) -> tuple[bytes, Pixels]:
    """The message, and the picture as it was before. Raises HidingRefused for a picture without a message, or one that
    was altered since; ValueError for another kind of picture."""
    plane = _plane(picture)
    maximum, passes, reserved, length = _read_header(plane)
    _write_bits(plane, np.zeros(reserved, np.uint8))
    parts = []
    for colour in (1, 0):
        places = _places(plane.shape, reserved, colour)
        restored, bits = _extract(plane, places, passes[colour], maximum)
        parts.append(bits)
        plane.flat[places] = restored
    bits = np.concatenate(parts[::-1])[: reserved + 8 * length]
    if len(bits) < reserved + 8 * length:
        raise _altered()
    _write_bits(plane, bits[:reserved])
    body = np.packbits(bits[reserved:]).tobytes()
    original, message = _like(plane, picture), body[_DIGEST_BYTES:]
    if _digest(original, message) != body[:_DIGEST_BYTES]:
        raise _altered()
    return message, original


def _altered() -> HidingRefused:
    return HidingRefused("altered", "the picture was altered since the message was hidden")


def _plane(picture: Pixels) -> Pixels:
    """A copy with two dimensions: colours below each other."""
    if picture.dtype not in (np.uint8, np.uint16) or picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)):
        raise ValueError("expected a grey or colour picture of 8 or 16 bits")
    if picture.size > MAX_PIXELS:
        raise ValueError(f"expected at most {MAX_PIXELS} values, found {picture.size}")
    planes = picture.transpose(2, 0, 1) if picture.ndim == 3 else picture
    return np.array(planes.reshape(-1, picture.shape[1]))


def _like(plane: Pixels, picture: Pixels) -> Pixels:
    if picture.ndim == 2:
        return plane
    height, width = picture.shape[:2]
    return np.ascontiguousarray(plane.reshape(3, height, width).transpose(1, 2, 0))


def _digest(picture: Pixels, message: bytes) -> bytes:
    big = picture.astype(picture.dtype.newbyteorder(">"))
    return hashlib.sha256(repr(picture.shape).encode() + big.tobytes() + message).digest()


def _embed(plane: Pixels, body: bytes, reserved: int, maximum: int) -> tuple[Pixels | None, list[_Pass]]:
    """The marked plane, its reserved bits 0, and what each colour carries; None where the bits do not fit."""
    if reserved > plane.size:
        return None, []
    marked = plane.copy()
    bits = np.concatenate([marked.flat[:reserved].astype(np.uint8) & 1, _bits(body)])
    _write_bits(marked, np.zeros(reserved, np.uint8))
    passes = []
    for colour in (0, 1):
        places = _places(marked.shape, reserved, colour)
        values, predicted = marked.flat[places].astype(np.int32), _predicted(marked, places)
        errors = values - predicted
        low, high = _peaks(errors, values, maximum)
        if low < _LEAST_ERROR or high > _LARGEST_ERROR:
            return None, []
        carries = ((errors == low) & (values > 0)) | ((errors == high) & (values < maximum))
        carriers = np.flatnonzero(carries)[: len(bits)]
        stop = 0 if not len(carriers) else int(carriers[-1]) + 1
        if len(bits) > len(carriers):
            stop = len(places)
        shift = np.zeros(len(places), np.int32)
        shift[(errors < low) & (values > 0)] = -1
        shift[(errors > high) & (values < maximum)] = 1
        shift[carriers] = np.where(errors[carriers] == low, -1, 1) * bits[: len(carriers)]
        shift[stop:] = 0
        new = values + shift
        unsure = _unsure(new, new - predicted, low, high, maximum)[:stop]
        passes.append(_Pass(low, high, stop, shift[:stop][unsure] != 0))
        marked.flat[places] = new
        bits = bits[len(carriers) :]
    return (None if len(bits) else marked), passes


def _extract(plane: Pixels, places: NDArray[np.intp], one: _Pass, maximum: int) -> tuple[Pixels, NDArray[np.uint8]]:
    """The former values of these pixels, and the bits that they carried."""
    values, predicted = plane.flat[places].astype(np.int32), _predicted(plane, places)
    errors = values - predicted
    takes_part = np.arange(len(places)) < one.stop
    unsure = np.flatnonzero(_unsure(values, errors, one.low, one.high, maximum) & takes_part)
    if len(unsure) != len(one.moved):
        raise _altered()
    takes_part[unsure[~one.moved]] = False
    is_zero = takes_part & ((errors == one.low) | (errors == one.high))
    is_one = takes_part & ((errors == one.low - 1) | (errors == one.high + 1))
    values[takes_part & (errors < one.low)] += 1
    values[takes_part & (errors > one.high)] -= 1
    return values, is_one[is_zero | is_one].astype(np.uint8)


def _unsure(values: Pixels, errors: Pixels, low: int, high: int, maximum: int) -> NDArray[np.bool_]:
    """Marked pixels at the end of the range, which stayed there or moved there."""
    unsure: NDArray[np.bool_] = ((values == 0) & (errors <= low)) | ((values == maximum) & (errors >= high))
    return unsure


def _peaks(errors: NDArray[np.int32], values: NDArray[np.int32], maximum: int) -> tuple[int, int]:
    """The two errors with the most pixels that can carry a bit: downwards with the lower, upwards with the higher."""
    if not len(errors):
        return -1, 0
    least = int(errors.min()) - 1
    span = int(errors.max()) - least + 2
    downwards = np.bincount(errors[values > 0] - least, minlength=span)
    upwards = np.bincount(errors[values < maximum] - least, minlength=span)
    best_below = np.maximum.accumulate(downwards)
    high = int(np.argmax(best_below[:-1] + upwards[1:])) + 1
    low = int(np.argmax(downwards[:high]))
    return low + least, high + least


def _places(shape: tuple[int, ...], reserved: int, colour: int) -> NDArray[np.intp]:
    """The pixels of one colour of the chessboard, without the border and the reserved ones."""
    rows, columns = np.indices(shape, sparse=True)
    inner = (rows > 0) & (rows < shape[0] - 1) & (columns > 0) & (columns < shape[1] - 1)
    chosen = inner & ((rows + columns) % 2 == colour)
    chosen.flat[:reserved] = False
    return np.flatnonzero(chosen)


def _predicted(plane: Pixels, places: NDArray[np.intp]) -> NDArray[np.int32]:
    """The mean of the four neighbours, rounded down."""
    flat, width = plane.ravel().astype(np.int32), plane.shape[1]
    total = flat[places - width] + flat[places + width] + flat[places - 1] + flat[places + 1]
    predicted: NDArray[np.int32] = total // 4
    return predicted


def _pack(passes: list[_Pass]) -> bytes:
    return zlib.compress(b"".join(np.packbits(one.moved).tobytes() for one in passes), 9)


def _header(maximum: int, passes: list[_Pass], room: int, packed: int, body: bytes) -> bytes:
    first, second = passes
    errors = (first.low, first.high, second.low, second.high)
    numbers = (first.stop, second.stop, len(first.moved), len(second.moved), room, packed, len(body))
    return _HEADER.pack(MAGIC, maximum, *errors, *numbers)


def _read_header(plane: Pixels) -> tuple[int, list[_Pass], int, int]:
    """Maximum, passes, reserved bits and the length of the body. Raises HidingRefused."""
    header = _read_bytes(plane, 0, _HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(MAGIC):
        raise HidingRefused("nothing", "nothing is hidden in this picture")
    _, maximum, low0, high0, low1, high1, stop0, stop1, moved0, moved1, room, packed, length = _HEADER.unpack(header)
    reserved = 8 * (_HEADER.size + room)
    if packed > room or reserved > plane.size or 8 * length > plane.size or length < _DIGEST_BYTES:
        raise _altered()
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(_read_bytes(plane, _HEADER.size, packed), plane.size // 8 + 2)
    except zlib.error as error:
        raise _altered() from error
    end = -(-moved0 // 8)
    maps = [
        np.unpackbits(np.frombuffer(part, np.uint8)).astype(np.bool_)[:count]
        for part, count in ((content[:end], moved0), (content[end:], moved1))
    ]
    passes = [_Pass(low0, high0, stop0, maps[0]), _Pass(low1, high1, stop1, maps[1])]
    return maximum, passes, reserved, length


def _read_bytes(plane: Pixels, start: int, length: int) -> bytes:
    bits = plane.flat[8 * start : 8 * (start + length)].astype(np.uint8) & 1
    return np.packbits(bits).tobytes()


def _write_bits(plane: Pixels, bits: NDArray[np.uint8]) -> None:
    """Into the lowest bits of the first pixels."""
    plane.flat[: len(bits)] = (plane.flat[: len(bits)] & ~np.array(1, plane.dtype)) | bits.astype(plane.dtype)


def _bits(content: bytes) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(content, np.uint8))
