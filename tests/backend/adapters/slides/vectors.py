"""Writes the golden vectors that the page's own cleaning of slides must give:
``python -m tests.backend.adapters.slides.vectors``.

Each has a file, deflated and in Base64; the SHA-256 of what becomes of it and the names of what was removed, or the
beginning of the sentence that refuses it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.adapters.slides import cleaning
from backend.adapters.slides.structure import SlideFile
from backend.errors import ImageTooLarge, UnsupportedImage
from tests.backend.adapters.slides import makers

FILE = Path(__file__).resolve().parents[3] / "frontend" / "slides" / "vectors.json"
_SENTENCE = 60
_HIDDEN = b"\xff\xff\xfe\0\x0aDOE JANE\xff\xf7\0\x0aDOE JANE"
"""Segments behind a fill byte and with a reserved marker."""


def corpus() -> Iterator[tuple[str, bytes]]:
    """Names and files."""
    pixels = makers.tissue(96, 80, noise=0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def made(file: str, **options: Any) -> bytes:
            return makers.pyramid(folder / file, pixels, tile=16, **options).read_bytes()

        generic = made("generic.tif", description="DOE JANE", datetime="2024:03:14 10:00:00")
        svs = makers.aperio(folder / "aperio.svs", makers.tissue(288, 272, noise=0), levels=1).read_bytes()
        yield "a pyramid with text tags", generic
        yield "a pyramid of big endian", made("big-endian.tif", order=">", description="DOE JANE")
        yield "a BigTIFF whose levels are SubIFDs", made("sub.tif", as_sub_directories=True, big=True)
        yield "a clean one", clean(generic)
        glass = ("Label image DOE JANE", "MACRO of DOE JANE")
        yield "label and macro picture in tiles and in the proportions of the scan", made("glass.tif", glass=glass)
        yield "a full size whose description names all pictures", made("ome.tif", description="<Image Name='label'>")
        yield "an Aperio slide with thumbnail, label and macro picture", svs
        yield "an Aperio slide without stated values", svs.replace(b"MPP", b"Mpp").replace(b"AppMag", b"Appmag")
        yield "a clean Aperio slide", clean(svs)
        yield "data behind the end", generic + b"DOE JANE"
        yield "data between the tiles", between_tiles()
        yield "comments in JPEG tables", with_tables(b"DOE^JANE 1956")
        yield "a private tag", with_tables(b"")
        yield "comments, EXIF and data behind the end in JPEG tiles", makers.by_hand(600, 600, tile_bytes=commented())
        yield "comments between the scans of JPEG tiles", makers.by_hand(600, 600, tile_bytes=between_scans())
        yield (
            "comments behind fill bytes and in reserved segments of JPEG tables",
            makers.by_hand(600, 600, tables=b"\xff\xd8" + _HIDDEN + b"\xff\xd9DOE"),
        )
        yield "a name in place of JPEG tables", makers.by_hand(600, 600, tables=b"DOE JANE")
        yield "a name behind a short value", behind_a_value()
        yield "levels in another order", reordered(generic)
        yield "no pyramid, every tile the same bytes", makers.by_hand(70_000, 30_000, tile=(4096, 4096))
        # Refused.
        yield "a loop of directories", makers.by_hand(600, 600, next_directory=makers.first_directory(600, 600))
        yield "70,000 directories", makers.by_hand(300, 300, directories=70)
        yield "a tile of a billion rows", makers.by_hand(1, 1_000_000_000, tile=(1, 1_000_000_000))
        yield "more than two gigapixels", makers.by_hand(65_536, 65_536, tile=(4096, 4096))
        yield "too many tiles", makers.by_hand(40_000, 40_000, tile=(16, 16), count=3)
        yield "tiles behind the end", makers.by_hand(600, 600, offset_of_tiles=10_000_000)
        yield "tiles over the directory", makers.by_hand(600, 600, offset_of_tiles=0)
        yield "JPEG tiles that are none", makers.by_hand(600, 600, tile_bytes=b"DOE JANE" * 40)
        yield "JPEG tiles of many segments", makers.by_hand(600, 600, tile_bytes=commented(b"\xff\xfe\0\2" * 300))
        yield "JPEG tiles that overlap", overlapping_tiles()
        yield "cut off", generic[:-400]
        yield "no TIFF", b"\x89PNG\r\n\x1a\n" + bytes(200)
        yield "pixels of 16 bits", generic.replace(struct.pack("<3H", 8, 8, 8), struct.pack("<3H", 16, 16, 16))


def clean(content: bytes) -> bytes:
    source, target = io.BytesIO(content), io.BytesIO()
    cleaning.copy_clean(source, target, cleaning.plan(SlideFile(source)))
    return target.getvalue()


def between_tiles() -> bytes:
    """Each tile is 32 bytes shorter than its place; the rest has a name."""
    content = makers.by_hand(600, 600)
    tile = makers.jpeg_tile()
    return content.replace(tile, tile[:-32] + b"DOE JANE".ljust(32, b"!"), 1).replace(
        struct.pack("<I", len(tile)) * 9, struct.pack("<I", len(tile) - 32) * 9
    )


def commented(first: bytes = b"\xff\xe1\0\x0eExif\0\0DOE 56") -> bytes:
    """A JPEG with names at its beginning, before its scan, and behind its end."""
    tile = makers.jpeg_tile()
    scan = tile.index(b"\xff\xda")
    return tile[:2] + first + tile[2:scan] + _HIDDEN + tile[scan:] + b"DOE JANE"


def between_scans() -> bytes:
    """A progressive JPEG with names before its last scan."""
    tile = makers.jpeg_tile(progressive=True, restart_marker_blocks=8)
    last = tile.rindex(b"\xff\xda")
    return tile[:last] + _HIDDEN + tile[last:]


def overlapping_tiles() -> bytes:
    content = bytearray(makers.by_hand(600, 600))
    place = content.index(struct.pack("<Q", 16) * 9)
    content[place : place + 8] = struct.pack("<Q", 17)
    return bytes(content)


def with_tables(comment: bytes) -> bytes:
    """JPEG tables with a comment, and a private tag with a name."""
    return makers.by_hand(
        600,
        600,
        tables=b"\xff\xd8\xff\xfe" + struct.pack(">H", 2 + len(comment)) + comment + b"\xff\xd9",
        private=b"DOE^JANE operator",
    )


def behind_a_value() -> bytes:
    """The field of a SHORT has two bytes, and here a name in the others."""
    content = makers.by_hand(600, 600)
    field = struct.pack("<HHQQ", 259, 3, 1, 7)
    return content.replace(field, field[:14] + b"JANE D")


def reordered(content: bytes) -> bytes:
    """The chain begins with the smallest level."""
    file = SlideFile(io.BytesIO(content))
    places = [directory.offset for directory in file.directories()]
    made = bytearray(content)
    order = [places[2], places[0], places[1]]
    made[4:8] = struct.pack("<I", order[0])
    for place, following in zip(order, [*order[1:], 0], strict=True):
        (count,) = struct.unpack_from("<H", made, place)
        struct.pack_into("<I", made, place + 2 + 12 * count, following)
    return bytes(made)


def stored() -> list[dict[str, Any]]:
    """The vectors as they were written; ``content`` is the file."""
    files = json.loads(FILE.read_bytes())["files"]
    return [{**each, "content": zlib.decompress(base64.b64decode(each["input"]), -15)} for each in files]


def outcome(content: bytes) -> dict[str, Any]:
    try:
        planned = cleaning.plan(SlideFile(io.BytesIO(content)))
    except (UnsupportedImage, ImageTooLarge) as error:
        return {"refused": str(error)[:_SENTENCE]}
    return {"output": hashlib.sha256(clean(content)).hexdigest(), "removed": list(planned.removed)}


def _vector(name: str, content: bytes) -> dict[str, Any]:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = deflate.compress(content) + deflate.flush()
    return {"name": name, "input": base64.b64encode(deflated).decode(), **outcome(content)}


def text() -> str:
    files = ",\n".join(f"  {json.dumps(_vector(name, content), separators=(',', ':'))}" for name, content in corpus())
    return f'{{"files": [\n{files}\n]}}\n'


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text())
