"""DICOM files with identifiers in every place where they hide, from a seed; see ``PLACES``.

The pictures are of 8 x 8 pixels. Each file says which texts, UIDs and dates were planted in it.
"""

from __future__ import annotations

import io
import random
import string
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from PIL import Image

from tests.backend.adapters.dicom.encoding import (
    BIG_ENDIAN,
    CT,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    JPEG_2000,
    MR,
    RLE,
    SECONDARY,
    Encoding,
    encapsulated,
    file,
)

FILES = 100
SIDE = 8
ENCODINGS = (IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED, JPEG, JPEG_2000, RLE)


@dataclass
class Case:
    """A file that is being built. ``elements`` by their tags, in the file's ``encoding``."""

    number: int
    encoding: Encoding
    chance: random.Random
    elements: dict[int, bytes] = field(default_factory=dict)
    meta: list[bytes] = field(default_factory=list)
    preamble: bytes = bytes(128)
    trailing: bytes = b""
    planted: list[str] = field(default_factory=list)

    def word(self, length: int = 9) -> str:
        """A new name, in capitals as in code strings."""
        made = "".join(self.chance.choices(string.ascii_uppercase, k=length))
        self.planted.append(made)
        return made

    def person(self) -> str:
        return f"{self.word()}^{self.word(7)}"

    def number_text(self) -> str:
        made = "".join(self.chance.choices("123456789", k=10))
        self.planted.append(made)
        return made

    def uid(self) -> str:
        made = f"1.2.826.0.1.3680043.{self.chance.randrange(10**8, 10**9)}.{self.chance.randrange(10**5, 10**6)}"
        self.planted.append(made)
        return made

    def date(self) -> str:
        made = f"{self.chance.randrange(1930, 2020)}{self.chance.randrange(1, 13):02}{self.chance.randrange(1, 29):02}"
        self.planted.append(made)
        return made

    def put(self, tag: int, vr: str, value: object, *, undefined: bool = False) -> None:
        self.elements[tag] = self.encoding.element(tag, vr, value, undefined=undefined)

    def of(self, tag: int, vr: str, value: object) -> bytes:
        return self.encoding.element(tag, vr, value)

    def sequence(self, tag: int, *items: list[bytes], undefined: bool = False) -> None:
        """``items`` are lists of encoded elements."""
        self.elements[tag] = self.nested(tag, *items, undefined=undefined)

    def nested(self, tag: int, *items: list[bytes], undefined: bool = False) -> bytes:
        encoded = [self.encoding.item(*item, undefined=undefined) for item in items]
        return self.encoding.element(tag, "SQ", encoded, undefined=undefined)


def _identity(case: Case) -> None:
    for tag, vr, value in (
        (0x00100010, "PN", case.person()),
        (0x00100020, "LO", case.number_text()),
        (0x00100021, "LO", case.word()),
        (0x00100030, "DA", case.date()),
        (0x00100032, "TM", "101112"),
        (0x00101001, "PN", case.person()),
        (0x00101040, "LO", f"{case.word()} STREET"),
        (0x00102154, "SH", case.number_text()),
        (0x00104000, "LT", f"seen by {case.person()}"),
        (0x00080050, "SH", case.number_text()),
        (0x00080080, "LO", case.word()),
        (0x00080081, "ST", case.word()),
        (0x00080090, "PN", case.person()),
        (0x00081010, "SH", case.word()),
        (0x00081030, "LO", f"{case.word()} BRAIN"),
        (0x00081070, "PN", case.person()),
        (0x00181000, "LO", case.number_text()),
        (0x00200010, "SH", case.number_text()),
        (0x00204000, "LT", case.word()),
    ):
        case.put(tag, vr, value)


def _uids_and_dates(case: Case) -> None:
    for tag in (0x0020000D, 0x0020000E, 0x00200052, 0x00080014, 0x0040A124, 0x00081195):
        case.put(tag, "UI", case.uid())
    for tag in (0x00080012, 0x00080020, 0x00080021, 0x00080022, 0x00080023, 0x00321000):
        case.put(tag, "DA", case.date())
    case.put(0x0008002A, "DT", f"{case.date()}101112.123456+0100")


def _free_text(case: Case) -> None:
    """Free text where only terms are allowed."""
    case.put(0x00080008, "CS", f"ORIGINAL\\PRIMARY\\{case.word()}")
    case.put(0x0008103E, "LO", f"T1 AXIAL {case.person()} POST GAD")
    case.put(0x00080070, "LO", case.word())
    case.put(0x00180015, "CS", case.word())
    case.put(0x00180022, "CS", f"FS\\{case.word()}")
    case.put(0x00281054, "LO", case.word())
    case.put(0x00281055, "LO", case.word())
    case.put(0x00101010, "AS", "093Y")
    case.put(0x00120063, "LO", case.word())
    coded = [case.of(0x00080100, "SH", "113100"), case.of(0x00080104, "LO", case.word())]
    case.sequence(0x00120064, coded)
    case.put(0x00080060, "CS", "MR")


def _names_in_other_vrs(case: Case) -> None:
    case.put(0x00180050, "DS", case.word())
    case.put(0x00180080, "DS", case.number_text())
    case.put(0x00200013, "IS", case.number_text())
    case.put(0x00200012, "IS", case.word())
    case.put(0x00181310, "US", case.word(8).encode())
    case.put(0x00189087, "FD", case.word(8).encode())
    case.put(0x00209157, "UL", case.word(8).encode())
    case.put(0x00280009, "AT", case.word(8).encode())
    case.put(0x00280030, "PN", case.person())
    case.put(0x00180081, "UN", case.person())
    case.put(0x00185100, "LT", case.person())
    case.put(0x00209056, "SH", case.word())
    case.put(0x00180083, "OB", case.person().encode())


def _private(case: Case) -> None:
    case.put(0x00290010, "LO", "SIEMENS CSA HEADER")
    case.put(0x00291010, "OB", case.person().encode())
    case.put(0x00291011, "UN", case.person().encode("utf-16-le"))
    case.put(0x00190010, "LO", case.word())
    case.put(0x00191001, "PN", case.person())
    inner = [case.of(0x00290010, "LO", case.word()), case.of(0x00291099, "LO", case.person())]
    case.sequence(0x00431010, inner, [case.nested(0x00431011, inner, undefined=True)], undefined=True)


def _nested(case: Case) -> None:
    request = [case.of(0x00400007, "LO", case.word()), case.of(0x00401001, "SH", case.number_text())]
    case.sequence(0x00400275, request, undefined=True)
    case.sequence(0x00081110, [case.of(0x00081155, "UI", case.uid())])
    original = [case.nested(0x04000550, [case.of(0x00100010, "PN", case.person())])]
    case.sequence(0x04000561, original)
    measures = [
        case.of(0x00100010, "PN", case.person()),
        case.of(0x0020000D, "UI", case.uid()),
        case.nested(0x00289110, [case.of(0x00280030, "DS", "1\\1"), case.of(0x00204000, "LT", case.person())]),
    ]
    case.sequence(0x52009229, measures, undefined=True)
    lut = [
        case.of(0x00283002, "US", (4, 0, 16)),
        case.of(0x00283003, "LO", case.person()),
        case.of(0x00283006, "OW", bytes(8) + case.word(10).encode()),
    ]
    case.sequence(0x00283010, lut)


def _overlays_and_curves(case: Case) -> None:
    for group in (0x6000, 0x6002):
        case.put(group << 16 | 0x0010, "US", SIDE)
        case.put(group << 16 | 0x0022, "LO", case.person())
        case.put(group << 16 | 0x1500, "LO", case.word())
        case.put(group << 16 | 0x3000, "OW", case.person().encode())
    case.put(0x50002500, "LO", case.person())
    case.put(0x50003000, "OW", case.person().encode())


def _objects(case: Case) -> None:
    """Whole documents and pictures within the file."""
    case.put(0x00282000, "OB", case.person().encode())
    case.put(0x00420011, "OB", case.person().encode())
    case.sequence(0x00880200, [case.of(0x7FE00010, "OW", case.person().encode())])
    case.put(0x00287FE0, "UR", f"http://{case.word()}.example/")
    case.sequence(0xFFFAFFFA, [case.of(0x04000120, "OB", case.person().encode())])
    case.put(0x00400512, "LO", case.person())


def _charsets(case: Case) -> None:
    case.put(0x00080005, "CS", "\\ISO 2022 IR 87")
    case.put(0x00100010, "PN", f"{case.person()}=\x1b$B;3ED\x1b(B")
    name = case.word()
    case.put(0x00101005, "PN", name.encode("utf-8") + "=Ærø".encode())
    case.put(0x00104000, "LT", case.word().encode("utf-16-be"))


def _outside(case: Case) -> None:
    """The preamble, the file meta information, and what follows the data set."""
    case.preamble = case.person().encode().ljust(128, b"\0")
    explicit = Encoding(EXPLICIT)
    case.meta = [
        explicit.element(0x00020012, "UI", case.uid()),
        explicit.element(0x00020013, "SH", case.word()),
        explicit.element(0x00020016, "AE", case.word()),
        explicit.element(0x00020100, "UI", case.uid()),
        explicit.element(0x00020102, "OB", case.person().encode()),
    ]
    case.put(0xFFFCFFFC, "OB", case.person().encode())
    if case.encoding.uid != DEFLATED:
        case.trailing = bytes(8)
    case.put(0x00080001, "UL", 1234)


def _palette(case: Case) -> None:
    """A colour palette with text behind its last entry."""
    for colour in range(1, 4):
        case.put(0x00281100 + colour, "US", (4, 0, 16))
        case.put(0x00281200 + colour, "OW", case.encoding.words(bytes(range(8))) + case.word(10).encode())


PLACES: tuple[Callable[[Case], None], ...] = (
    _identity,
    _uids_and_dates,
    _free_text,
    _names_in_other_vrs,
    _private,
    _nested,
    _overlays_and_curves,
    _objects,
    _charsets,
    _outside,
    _palette,
)


def _native_pixels(case: Case) -> None:
    """12 of 16 bits, with an overlay in the upper four and text behind the last row."""
    values = [case.chance.randrange(4096) | case.chance.randrange(16) << 12 for _ in range(SIDE * SIDE)]
    data = struct.pack(f"{case.encoding.order}{SIDE * SIDE}H", *values)
    case.put(0x7FE00010, "OW", data + case.person().encode())
    _describe(case, allocated=16, stored=12)


def _jpeg_pixels(case: Case) -> None:
    frame = _picture(case, "JPEG")
    comment = b"".join(
        b"\xff" + kind + struct.pack(">H", 2 + len(text)) + text
        for kind, text in ((b"\xfe", case.person().encode()), (b"\xe1", b"Exif\0\0" + case.person().encode()))
    )
    frame = frame[:2] + comment + frame[2:] + case.person().encode()
    middle = len(frame) // 2 // 2 * 2
    case.elements[0x7FE00010] = _undefined(encapsulated(frame[:middle], frame[middle:], offsets=case.word(8).encode()))
    _describe(case, allocated=8, stored=8)


def _jpeg_2000_pixels(case: Case) -> None:
    frame = _picture(case, "JPEG2000", no_jp2=True)
    text = case.person().encode()
    comment = b"\xff\x64" + struct.pack(">HH", 4 + len(text), 1) + text
    size = 2 + 2 + int.from_bytes(frame[4:6])
    frame = frame[:size] + comment + frame[size:]
    if case.number % 2:  # a whole JP2 file, which some writers store
        box = _box(b"xml ", case.person().encode())
        header = _box(b"jp2h", box + _box(b"uuid", case.person().encode()))
        frame = _box(b"jP  ", b"\r\n\x87\n") + header + box + _box(b"jp2c", frame)
    frame += case.person().encode()
    case.elements[0x7FE00010] = _undefined(encapsulated(frame, case.person().encode()))
    _describe(case, allocated=8, stored=8)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _rle_pixels(case: Case) -> None:
    """A segment of two runs, with text before and behind it."""
    gap, text = case.word(10).encode(), case.person().encode()
    frame = struct.pack("<16I", 1, 64 + len(gap), *[0] * 6, *struct.unpack("<2I", case.word(8).encode()), *[0] * 6)
    frame += gap + bytes((256 - SIDE * SIDE + 33, 7)) + bytes((31,)) + bytes(range(32)) + text
    case.elements[0x7FE00010] = _undefined(encapsulated(frame))
    _describe(case, allocated=8, stored=8)


_PIXELS = {JPEG: _jpeg_pixels, JPEG_2000: _jpeg_2000_pixels, RLE: _rle_pixels}


def _picture(case: Case, format_: str, **options: object) -> bytes:
    image = Image.frombytes("L", (SIDE, SIDE), case.chance.randbytes(SIDE * SIDE))
    output = io.BytesIO()
    image.save(output, format_, **options)
    return output.getvalue()


def _undefined(items: bytes) -> bytes:
    return struct.pack("<HH", 0x7FE0, 0x0010) + b"OB\0\0" + struct.pack("<I", 0xFFFFFFFF) + items


def _describe(case: Case, *, allocated: int, stored: int) -> None:
    for tag, value in (
        (0x00280002, 1),
        (0x00280010, SIDE),
        (0x00280011, SIDE),
        (0x00280100, allocated),
        (0x00280101, stored),
        (0x00280102, stored - 1),
        (0x00280103, 0),
    ):
        case.put(tag, "US", value)
    case.put(0x00280004, "CS", "MONOCHROME2")


def case_of(number: int, places: tuple[Callable[[Case], None], ...]) -> tuple[bytes, list[str]]:
    """A file with identifiers in ``places``, and the texts that were planted."""
    case = Case(number, Encoding(ENCODINGS[number % len(ENCODINGS)]), random.Random(number))
    sop_class, instance = case.chance.choice((MR, CT, SECONDARY)), case.uid()
    for place in places:
        place(case)
    case.put(0x00080016, "UI", sop_class)
    case.put(0x00080018, "UI", instance)
    _PIXELS.get(case.encoding.uid, _native_pixels)(case)
    content = file(
        case.encoding,
        case.elements,
        preamble=case.preamble,
        meta=tuple(case.meta),
        sop_class=sop_class,
        instance=instance,
        trailing=case.trailing,
    )
    return content, case.planted


def corpus() -> Iterator[tuple[bytes, list[str]]]:
    """``FILES`` files: each encoding with each place alone, then with several places at once."""
    chance = random.Random("corpus")
    for number in range(FILES):
        alone = PLACES[number // len(ENCODINGS)] if number < len(ENCODINGS) * len(PLACES) else None
        yield case_of(number, (alone,) if alone else tuple(place for place in PLACES if chance.random() < 0.7))


def forms(text: str) -> set[bytes]:
    """The bytes by which a text may be found: encodings, cases, and the byte order of words."""
    found = set()
    for written in {text, text.lower(), text.title()}:
        for encoding in ("ascii", "utf-16-le", "utf-16-be"):
            data = written.encode(encoding)
            found |= {data, data[::-1]}
        even = written.encode()[: len(written) // 2 * 2]
        found |= {bytes(even[place ^ 1] for place in range(len(even)))}
    return found
