"""Reads the compressed data of a JPEG to its last bit, because decoders fill what is missing with grey and say nothing.

Huffman codes are counted and values are skipped, which takes a fraction of the time of decoding them. Source: ITU-T
T.81, annexes B (segments), F (sequential) and G (progressive).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from backend.adapters.images.formats import not_supported
from backend.errors import UnsupportedImage

SEQUENTIAL, EXTENDED, PROGRESSIVE, LOSSLESS = 0xC0, 0xC1, 0xC2, 0xC3
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers that begin a frame, of whatever process."""
SCAN = 0xDA

Segment = tuple[int, bytes, bytes]
"""Marker, payload and, behind a scan's header, compressed data."""

_HUFFMAN, _QUANTISATION, _RESTART, _END = 0xC4, 0xDB, 0xDD, 0xD9
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_RESTART_MARKER = re.compile(rb"\xff+([\xd0-\xd7])")
_COEFFICIENTS = 64
_END_OF_BLOCK = 2 * _COEFFICIENTS
"""In a table of sequential AC codes: as many coefficients as no other code passes."""
_LARGEST_DC = 1536
"""The DC coefficient is eight times a block's mean, level-shifted: 1,024 at most for 8 bits. Encoders that sharpen
white areas go above."""
_NO_SIZE = 17
_PADDING_BYTES = 2
"""Zeros that some cameras write behind a scan."""


class _Damaged(Exception):
    """The compressed data end too early, or contradict the headers."""


@dataclass(frozen=True, slots=True)
class Component:
    """``width`` and ``height`` in blocks of 8 x 8 samples; an MCU has ``across`` x ``down`` blocks."""

    across: int
    down: int
    width: int
    height: int
    quantisation: int


@dataclass(frozen=True, slots=True)
class Frame:
    """``width`` and ``height`` in pixels; ``mcus`` is the number of MCUs in a scan of several components."""

    process: int
    precision: int
    width: int
    height: int
    components: dict[int, Component]
    mcus: int

    @classmethod
    def read(cls, process: int, payload: bytes) -> Frame:
        """Raises UnsupportedImage."""
        parts = [payload[start : start + 3] for start in range(6, len(payload), 3)]
        factors = [(part[1] >> 4, part[1] & 15) for part in parts if len(part) == 3]
        height, width = int.from_bytes(payload[1:3]), int.from_bytes(payload[3:5])
        if width and not height:
            raise not_supported("a JPEG that gives its height behind its picture (DNL)")
        valid = (
            factors and len(factors) == len(parts) == payload[5] and all(1 <= f <= 4 for pair in factors for f in pair)
        )
        if not valid or not height or not width:
            raise UnsupportedImage("expected a whole JPEG, found one whose frame header is damaged")
        most_across, most_down = max(across for across, _ in factors), max(down for _, down in factors)
        components = {
            part[0]: Component(
                across=across,
                down=down,
                width=_ceil(_ceil(width * across, most_across), 8),
                height=_ceil(_ceil(height * down, most_down), 8),
                quantisation=part[2],
            )
            for part, (across, down) in zip(parts, factors, strict=True)
        }
        mcus = _ceil(width, 8 * most_across) * _ceil(height, 8 * most_down)
        return cls(process, payload[0], width, height, components, mcus)


def segments(content: bytes) -> Iterator[Segment]:
    """The segments of a JPEG from ``jpeg.strip``."""
    position = 2
    while content[position + 1] != _END:
        code, start = content[position + 1], position + 4
        position += 2 + int.from_bytes(content[position + 2 : start])
        payload, data = content[start:position], b""
        if code == SCAN and (following := _MARKER.search(content, position)):
            data = content[position : following.start()]
            position = following.end() - 2
        yield code, payload, data


def check_scans(found: Iterable[Segment]) -> None:
    """Raises UnsupportedImage unless all scans in the ``segments`` of a JPEG are there, and each is whole.

    Its frame must be SEQUENTIAL with samples of 8 bits, EXTENDED or PROGRESSIVE of 8 or 12, or LOSSLESS of 2 to 16.
    """
    picture = _Picture()
    scans = 0
    try:
        for code, payload, data in found:
            scans += code == SCAN
            picture.read(code, payload, data)
        picture.finish()
    except _Damaged as exc:
        raise UnsupportedImage(f"expected a whole JPEG, found one {exc}") from exc
    except (KeyError, IndexError, ValueError) as exc:
        raise UnsupportedImage(f"expected a whole JPEG, found one that is damaged in scan {scans}") from exc


@dataclass(slots=True)
class _Picture:
    """What the segments so far say. For each component and coefficient ``missing`` is the number of low bits that no
    scan has brought yet, None where none has brought any; ``nonzero`` has a bit mask of coefficients for each block."""

    frame: Frame | None = None
    interval: int = 0
    steps: dict[int, int] = field(default_factory=dict)
    codes: dict[int, bytes] = field(default_factory=dict)
    lookups: dict[int, Sequence[int]] = field(default_factory=dict)
    missing: dict[int, list[int | None]] = field(default_factory=dict)
    nonzero: dict[int, array[int]] = field(default_factory=dict)

    def read(self, code: int, payload: bytes, data: bytes) -> None:
        if code in FRAMES:
            self._begin(Frame.read(code, payload))
        elif code == _QUANTISATION:
            self.steps.update(_steps_of_dc(payload))
        elif code == _HUFFMAN:
            for key, table in _tables(payload):
                self.codes[key] = table
                self.lookups.pop(key, None)
        elif code == _RESTART:
            self.interval = int.from_bytes(payload[:2])
        elif code == SCAN:
            _Scan.read(self, payload).check(data)

    def finish(self) -> None:
        if any(bits != 0 for missing in self.missing.values() for bits in missing):
            raise _Damaged("whose last scans are missing")

    def lookup(self, key: int) -> Sequence[int]:
        """65,536 entries, for each value of the next 16 bits; see ``_dc_entry`` and what follows it."""
        if key not in self.lookups:
            progressive = self.frame is not None and self.frame.process == PROGRESSIVE
            entry = _dc_entry if key < 0x10 else _plain_entry if progressive else _sequential_entry
            # For bits that are no code: a size that does not exist, or more coefficients than a block has.
            none = (_NO_SIZE if key < 0x10 else _COEFFICIENTS << 4 | 1 if progressive else _COEFFICIENTS) << 5
            entries: list[int] = []
            table, place = self.codes[key], 16
            for length in range(1, 17):
                for symbol in table[place : place + table[length - 1]]:
                    entries += [entry(length, symbol)] * (1 << 16 - length)
                place += table[length - 1]
            if len(entries) > 1 << 16:
                raise _Damaged("with an impossible Huffman code")
            self.lookups[key] = entries + [none] * ((1 << 16) - len(entries))
        return self.lookups[key]

    def _begin(self, frame: Frame) -> None:
        if self.frame:
            raise _Damaged("with two frames")
        self.frame = frame
        for id_, component in frame.components.items():
            self.missing[id_] = [None] * _COEFFICIENTS
            if frame.process == PROGRESSIVE:
                self.nonzero[id_] = array("Q", bytes(8 * component.width * component.height))


def _steps_of_dc(payload: bytes) -> Iterator[tuple[int, int]]:
    """The step of the DC coefficient in each quantisation table."""
    while payload:
        wide = payload[0] >> 4
        yield payload[0] & 15, max(1, int.from_bytes(payload[1 : 3 if wide else 2]))
        payload = payload[129 if wide else 65 :]


def _tables(payload: bytes) -> Iterator[tuple[int, bytes]]:
    while payload:
        end = 17 + sum(payload[1:17])
        yield payload[0], payload[1:end]
        payload = payload[end:]


def _dc_entry(length: int, size: int) -> int:
    """Size of a difference, and number of bits of code and value together. Size 16, of lossless coding, has no value
    (T.81 H.1.2.2), and sizes above do not exist."""
    return size << 5 | length + (size if size < 16 else 0)


def _sequential_entry(length: int, symbol: int) -> int:
    """Number of coefficients that are passed, and of the bits of code and value."""
    run, size = symbol >> 4, symbol & 15
    if size:
        return (run + 1) << 5 | length + size
    return (16 if run == 15 else _END_OF_BLOCK) << 5 | length


def _plain_entry(length: int, symbol: int) -> int:
    return symbol << 5 | length


class _Bits:
    """The bits of one restart interval. ``buffer`` ends with ``ahead`` + 16 bits that are not used yet."""

    __slots__ = ("ahead", "buffer", "data", "position", "size")

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        # A code near the end is looked up with 16 bits, and bits are read by eight bytes.
        self.data = data + bytes(32)
        self.position, self.buffer, self.ahead = 0, 0, -16

    def more(self) -> None:
        if self.position > self.size + 16:
            raise _Damaged("that is cut off")
        following = int.from_bytes(self.data[self.position : self.position + 8])
        self.buffer = (self.buffer & 0xFFFFFFFF) << 64 | following
        self.position += 8
        self.ahead += 64

    def code(self, lookup: Sequence[int]) -> int:
        """The symbol of the next code."""
        if self.ahead < 16:
            self.more()
        entry = lookup[self.buffer >> self.ahead & 0xFFFF]
        self.ahead -= entry & 31
        return entry >> 5

    def take(self, count: int) -> int:
        """The value of the next ``count`` bits, 16 at most."""
        if self.ahead < 16:
            self.more()
        self.ahead -= count
        return self.buffer >> self.ahead + 16 & (1 << count) - 1

    def skip(self, count: int) -> None:
        if self.ahead + 16 < count:
            start = 8 * self.position - self.ahead - 16 + count
            if start > 8 * self.size:
                raise _Damaged("that is cut off")
            self.position, self.buffer, self.ahead = start // 8, 0, -16
            count = start % 8
            self.more()
        self.ahead -= count

    def finish(self) -> None:
        """Raises _Damaged unless all bytes but padding are used."""
        used = 8 * self.position - self.ahead - 16
        if used > 8 * self.size:
            raise _Damaged("that is cut off")
        rest = self.data[_ceil(used, 8) : self.size]
        if len(rest) > _PADDING_BYTES or any(rest):
            raise _Damaged("that is damaged: data are left over behind its pixels")


@dataclass(frozen=True, slots=True)
class _Scan:
    """``selected`` are the components with their tables; the scan brings the coefficients ``first`` to ``last``, but
    for their ``low`` lowest bits. ``high`` is the number that was missing before, 0 in a first scan."""

    picture: _Picture
    frame: Frame
    selected: tuple[tuple[int, int], ...]
    first: int
    last: int
    high: int
    low: int

    @classmethod
    def read(cls, picture: _Picture, header: bytes) -> _Scan:
        frame = picture.frame
        if frame is None:
            raise _Damaged("with a scan before its frame")
        count = header[0]
        selected = tuple((header[place], header[place + 1]) for place in range(1, 1 + 2 * count, 2))
        first, last, bits = header[1 + 2 * count : 4 + 2 * count]
        if frame.process != PROGRESSIVE:
            return cls(picture, frame, selected, 0, _COEFFICIENTS - 1, 0, 0)
        if last >= _COEFFICIENTS or (first > last if first else last) or (first and count > 1):
            raise _Damaged("with an impossible scan")
        return cls(picture, frame, selected, first, last, bits >> 4, bits & 15)

    def check(self, data: bytes) -> None:
        for id_, _ in self.selected:
            self._advance(self.picture.missing[id_])
        components = [self.frame.components[id_] for id_, _ in self.selected]
        alone = len(components) == 1
        units = components[0].width * components[0].height if alone else self.frame.mcus
        blocks = [1 if alone else each.across * each.down for each in components]
        if self.frame.process == LOSSLESS:
            if any((each.across, each.down) != (1, 1) for each in self.frame.components.values()):
                raise not_supported("a lossless JPEG whose channels differ in size")
            units = self.frame.width * self.frame.height
        interval = self.picture.interval or units
        parts = _RESTART_MARKER.split(data)
        if len(parts) > 1 and not parts[-1]:  # some encoders write a marker behind the last interval too
            del parts[-2:]
        if len(parts[::2]) != _ceil(units, interval) or any(
            marker != bytes([0xD0 + number % 8]) for number, marker in enumerate(parts[1::2])
        ):
            raise _Damaged("whose restart intervals are incomplete")
        for start, part in zip(range(0, units, interval), parts[::2], strict=True):
            bits = _Bits(part.replace(b"\xff\0", b"\xff"))
            self._read(bits, range(start, min(units, start + interval)), blocks)
            bits.finish()

    def _advance(self, missing: list[int | None]) -> None:
        expected = self.high or None
        for place in range(self.first, self.last + 1):
            if missing[place] != expected or (self.high and self.low != self.high - 1):
                raise _Damaged("whose scans do not continue each other")
            missing[place] = self.low

    def _read(self, bits: _Bits, units: range, blocks: Sequence[int]) -> None:
        if self.frame.process == LOSSLESS:
            _read_differences(bits, [self.picture.lookup(tables >> 4) for _, tables in self.selected], len(units))
        elif self.first:
            id_, tables = self.selected[0]
            read = _read_ac_refinement if self.high else _read_ac
            lookup = self.picture.lookup(0x10 | tables & 15)
            read(bits, lookup, self.picture.nonzero[id_], units, self.first, self.last)
        elif self.high:
            bits.skip(len(units) * sum(blocks))
        else:
            layout: list[tuple[int, Sequence[int], Sequence[int]]] = []
            limits = []
            for place, ((id_, tables), count) in enumerate(zip(self.selected, blocks, strict=True)):
                dc = self.picture.lookup(tables >> 4)
                ac = self.picture.lookup(0x10 | tables & 15) if self.last else ()
                layout += [(place, dc, ac)] * count
                step = self.picture.steps[self.frame.components[id_].quantisation]
                limits.append((((_LARGEST_DC << self.frame.precision - 8) // step + 1) >> self.low) + 1)
            _read_mcus(bits, layout, limits, len(units), largest_size=self.frame.precision + 3)


def _read_differences(bits: _Bits, lookups: Sequence[Sequence[int]], count: int) -> None:
    """Reads the differences of ``count`` samples of each component of a lossless scan."""
    buffer, ahead, more = bits.buffer, bits.ahead, bits.more
    for _ in range(count):
        for codes in lookups:
            if ahead < 16:
                bits.buffer, bits.ahead = buffer, ahead
                more()
                buffer, ahead = bits.buffer, bits.ahead
            entry = codes[buffer >> ahead & 0xFFFF]
            if entry >= _NO_SIZE << 5:
                raise _Damaged("that is damaged: its pixels leave the possible range")
            ahead -= entry & 31
    bits.buffer, bits.ahead = buffer, ahead


def _read_mcus(
    bits: _Bits,
    layout: Sequence[tuple[int, Sequence[int], Sequence[int]]],
    limits: Sequence[int],
    count: int,
    *,
    largest_size: int,
) -> None:
    """Reads sequential MCUs, or the DC coefficients of progressive ones, whose tables of AC codes are empty.

    ``layout`` has component, DC and AC table of each block of an MCU. The inner loop holds the bits in local variables:
    it runs once for each coefficient that is not zero.
    """
    buffer, ahead, more = bits.buffer, bits.ahead, bits.more
    dc_of = [0] * len(limits)
    for _ in range(count):
        for component, dc_codes, ac_codes in layout:
            if ahead < 16:
                bits.buffer, bits.ahead = buffer, ahead
                more()
                buffer, ahead = bits.buffer, bits.ahead
            entry = dc_codes[buffer >> ahead & 0xFFFF]
            ahead -= entry & 31
            size = entry >> 5
            if size:
                value = buffer >> ahead + 16 & (1 << size) - 1
                dc = dc_of[component] + (value if value >> size - 1 else value + 1 - (1 << size))
                if size > largest_size or abs(dc) > limits[component]:
                    raise _Damaged("that is damaged: its brightness leaves the possible range")
                dc_of[component] = dc
            if not ac_codes:
                continue
            passed = 0
            while passed < 63:
                if ahead < 16:
                    bits.buffer, bits.ahead = buffer, ahead
                    more()
                    buffer, ahead = bits.buffer, bits.ahead
                entry = ac_codes[buffer >> ahead & 0xFFFF]
                ahead -= entry & 31
                passed += entry >> 5
            if 63 < passed < _END_OF_BLOCK:
                raise _Damaged("that is damaged: a block has too many coefficients")
    bits.buffer, bits.ahead = buffer, ahead


def _read_ac(bits: _Bits, lookup: Sequence[int], nonzero: array[int], units: range, first: int, last: int) -> None:
    """The first scan of a band of coefficients of one component (T.81 G.1.2.2)."""
    buffer, ahead = bits.buffer, bits.ahead
    unit = units.start
    while unit < units.stop:
        place, found, run = first, 0, 0
        while place <= last:
            if ahead < 16:
                bits.buffer, bits.ahead = buffer, ahead
                bits.more()
                buffer, ahead = bits.buffer, bits.ahead
            entry = lookup[buffer >> ahead & 0xFFFF]
            zeros, size = entry >> 9, entry >> 5 & 15
            ahead -= (entry & 31) + size
            if size:
                place += zeros
                found |= 1 << place
                place += 1
            elif zeros == 15:
                place += 16
            else:
                ahead -= zeros
                run = (1 << zeros) - 1 + (buffer >> ahead + 16 & (1 << zeros) - 1)
                break
        if place > last + 1:
            raise _Damaged("that is damaged: a block has too many coefficients")
        nonzero[unit] |= found
        unit += 1 + run
    bits.buffer, bits.ahead = buffer, ahead
    if unit > units.stop:
        raise _Damaged("that is damaged: blocks end that do not exist")


def _read_ac_refinement(
    bits: _Bits, lookup: Sequence[int], nonzero: array[int], units: range, first: int, last: int
) -> None:
    """A scan that brings one more bit of a band of coefficients (T.81 G.1.2.3): of those that are not zero, one each,
    and codes for those that now become so."""
    run = 0
    for unit in units:
        before, found, start = nonzero[unit], 0, 1 << first
        while not run and start >> last + 1 == 0:
            symbol = bits.code(lookup)
            zeros, size = symbol >> 4, symbol & 15
            if not size and zeros < 15:
                run = (1 << zeros) + bits.take(zeros)
                break
            still_zero = ~before & (1 << last + 1) - start
            for _ in range(zeros):
                still_zero &= still_zero - 1
            if size > 1 or not still_zero:
                raise _Damaged("that is damaged: a block has too many coefficients")
            place = still_zero & -still_zero
            bits.skip(size + (before & place - start).bit_count())
            found |= place if size else 0
            start = place << 1
        if run:
            bits.skip((before & (1 << last + 1) - start).bit_count())
            run -= 1
        nonzero[unit] = before | found
    if run:
        raise _Damaged("that is damaged: blocks end that do not exist")


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)
