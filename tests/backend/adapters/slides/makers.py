"""Whole-slide images for tests, small ones and hostile ones, made byte by byte or by tifffile."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from PIL import Image

APERIO = (
    "Aperio Image Library v11.2.1 \r\n1000x800 [0,0 1000x800] (256x256) JPEG/RGB Q=70|AppMag = 20|MPP = 0.2520|"
    "Filename = DOE JANE 1956|User = tech-17|Date = 03/14/24|ScanScope ID = SS1234|Title = S24-1234 DOE^JANE"
)
SECRETS = (b"DOE", b"JANE", b"tech-17", b"SS1234", b"S24-1234", b"03/14/24", b"Leica of Ward 7")


def tissue(width: int, height: int, *, noise: int = 20) -> np.ndarray:
    """Pink spots with dark ones in them on white, uint8 (H, W, 3)."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = ((columns / width - 0.5) ** 2 + (rows / height - 0.5) ** 2) < 0.16
    pixels = np.full((height, width, 3), 244, np.uint8)
    grain = rng.integers(-noise, noise + 1, (height, width, 1))
    pixels[inside] = np.clip(np.array([214, 130, 178]) + grain, 0, 255).astype(np.uint8)[inside]
    nuclei = inside & (np.sin(columns / 7) * np.sin(rows / 9) > 0.7)
    pixels[nuclei] = (96, 60, 140)
    return pixels


def pyramid(
    path: Path,
    pixels: np.ndarray,
    *,
    levels: int = 3,
    micrometres: float | None = 0.25,
    tile: int = 256,
    as_sub_directories: bool = False,
    description: str | None = None,
    big: bool = False,
    order: Literal["<", ">"] = "<",
    glass: Sequence[str] = (),
    **options: Any,
) -> Path:
    """A tiled pyramid, each level half as wide as the one before; ``glass`` are descriptions of further pictures in the
    same proportions."""
    resolution: dict[str, Any] = {}
    if micrometres:
        resolution = {"resolution": (1e4 / micrometres, 1e4 / micrometres), "resolutionunit": "CENTIMETER"}
    common = {"photometric": "rgb", "tile": (tile, tile), "compression": "zlib", "metadata": None, **options}
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as writer:
        below = {"subifds": levels - 1} if as_sub_directories and levels > 1 else {}
        writer.write(pixels, description=description, software="Leica of Ward 7", **common, **resolution, **below)
        step = 1
        for _ in range(1, levels):
            step *= 2
            writer.write(pixels[::step, ::step], subfiletype=1, **common)
        for text in glass:
            step *= 2
            writer.write(pixels[::step, ::step], subfiletype=1, description=text, **common)
    return path


def aperio(path: Path, pixels: np.ndarray, *, levels: int = 2, description: str = APERIO) -> Path:
    """An SVS as Aperio's scanners write it: thumbnail, label and macro picture are pages of their own."""
    common: dict[str, Any] = {"photometric": "rgb", "compression": "zlib", "metadata": None, "software": False}
    strip = {**common, "compression": None, "rowsperstrip": 16}
    paper = np.full((60, 80, 3), 200, np.uint8)
    paper[20:40, 10:70] = np.frombuffer(b"DOE JANE" * 23, np.uint8)[: 20 * 3].reshape(20, 1, 3)
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels, tile=(256, 256), description=description, **common)
        writer.write(pixels[::8, ::8], description=description, **strip)
        for level in range(1, levels):
            step = 4**level
            writer.write(pixels[::step, ::step], tile=(256, 256), description=description, **common)
        writer.write(paper, subfiletype=1, description="Aperio\r\nlabel 80x60 DOE JANE", **strip)
        writer.write(paper, subfiletype=9, description="Aperio\r\nmacro 80x60 tech-17", **strip)
    return path


def jpeg_tile(side: int = 256, colour: tuple[int, int, int] = (210, 120, 170), **options: Any) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(output, "JPEG", quality=90, subsampling=2, **options)
    return output.getvalue()


def by_hand(
    width: int,
    height: int,
    *,
    tile: tuple[int, int] = (256, 256),
    tile_bytes: bytes | None = None,
    next_directory: int | None = None,
    directories: int = 1,
    offset_of_tiles: int | None = None,
    count: int | None = None,
    micrometres: float | None = None,
    tables: bytes | None = None,
    private: bytes | None = None,
) -> bytes:
    """A BigTIFF in which every tile is the same JPEG. ``directories`` repeats the directory; ``next_directory`` is
    where the last one leads; ``count`` is the number of tiles that it lists."""
    data = jpeg_tile() if tile_bytes is None else tile_bytes
    number = -(-width // tile[0]) * -(-height // tile[1]) if count is None else count
    parts = _Parts(data)
    place = 16 if offset_of_tiles is None else offset_of_tiles
    offsets = parts.value(struct.pack("<Q", place) * number)
    sizes = parts.value(struct.pack("<I", len(data)) * number)
    entries = [
        (256, 4, 1, struct.pack("<Q", width)),
        (257, 4, 1, struct.pack("<Q", height)),
        (258, 3, 3, struct.pack("<4H", 8, 8, 8, 0)),
        (259, 3, 1, struct.pack("<Q", 7)),
        (262, 3, 1, struct.pack("<Q", 6)),
        (277, 3, 1, struct.pack("<Q", 3)),
        (322, 4, 1, struct.pack("<Q", tile[0])),
        (323, 4, 1, struct.pack("<Q", tile[1])),
        (324, 16, number, offsets),
        (325, 4, number, sizes),
    ]
    if micrometres:
        ratio = struct.pack("<II", round(1e7 / micrometres), 1000)
        entries += [(282, 5, 1, ratio), (283, 5, 1, ratio), (296, 3, 1, struct.pack("<Q", 3))]
    if tables:
        entries.append((347, 7, len(tables), parts.value(tables)))
    if private:
        entries.append((50_838, 2, len(private), parts.value(private)))
    listed = b"".join(struct.pack("<HHQ", *each[:3]) + each[3] for each in sorted(entries))
    first = parts.end()
    length = 8 + len(listed) + 8
    body = b""
    for index in range(directories):
        following = first + length * (index + 1) if index < directories - 1 else next_directory or 0
        body += struct.pack("<Q", len(entries)) + listed + struct.pack("<Q", following)
    return b"II+\0\x08\0\0\0" + struct.pack("<Q", first) + parts.content + body


def first_directory(width: int, height: int) -> int:
    """Where ``by_hand`` puts it."""
    return int(struct.unpack_from("<Q", by_hand(width, height), 8)[0])


class _Parts:
    """What lies between header and directories, each part at a multiple of eight."""

    def __init__(self, data: bytes) -> None:
        self.content = data

    def value(self, values: bytes) -> bytes:
        """The field of these values, which are added unless they fit into it."""
        if len(values) <= 8:
            return values.ljust(8, b"\0")
        place = self.end()
        self.content += values
        return struct.pack("<Q", place)

    def end(self) -> int:
        self.content += bytes(-(16 + len(self.content)) % 8)
        return 16 + len(self.content)
