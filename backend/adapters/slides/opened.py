"""Slides as OpenSlide reads them, and what a clean one says of itself.

Hostile bytes are read here: run it in a process of its own, see ``decoder_process``. A slide is opened from a path, and
only after ``structure`` found its directories and tiles to be within limits.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from backend.adapters.slides import cleaning, structure
from backend.adapters.slides.structure import SlideFile
from backend.errors import IdentifiersLeft, ImageTooLarge, UnsupportedImage

if TYPE_CHECKING:
    from openslide import OpenSlide

MAX_SOURCE_PIXELS = 16 * 1024 * 1024
"""What is read at most of a level for one region."""
MAX_REGION_PIXELS = 4 * 1024 * 1024
"""Of the picture that is made of it."""
_SAMPLE = 256
_UNITS = {2: 25_400.0, 3: 10_000.0}
"""Micrometres in an inch and in a centimetre."""
_PLAUSIBLE = (0.02, 20.0)
"""Micrometres a pixel: values outside are those of a printer, such as 72 dots an inch."""
_SQUARE = 0.02
"""Height and width of a pixel may differ by so much."""
_WHITE = (255, 255, 255)


def inspect(path: Path) -> dict[str, Any]:
    """What ``SlideFacts`` has, with width and height. Parts of each level are decoded.

    Raises UnsupportedImage, ImageTooLarge, IdentifiersLeft.
    """
    with path.open("rb") as opened:
        if not structure.is_slide(opened):
            raise UnsupportedImage(
                "expected a whole-slide image, that is, a TIFF in tiles that is large or has several pictures, found "
                "another file: send other images to /api/v1/images"
            )
        file = SlideFile(opened)
        planned = cleaning.plan(file)
        if planned.removed:
            raise IdentifiersLeft(planned.removed, what="slide")
        facts = _facts(file, planned)
    _check_decodes(path)
    return facts


def clean(path: Path) -> tuple[dict[str, Any], bytes]:
    """What ``cleaning.plan`` gives: the names, and the patches with their bytes and the places to set to zero, the
    latter as int64 in little-endian order."""
    with path.open("rb") as opened:
        planned = cleaning.plan(SlideFile(opened))
    patches = [[offset, len(patch)] for offset, patch in planned.patches]
    zeros = planned.zeros.astype("<i8").tobytes()
    return {"removed": planned.removed, "patches": patches}, b"".join([*(each for _, each in planned.patches), zeros])


def read(path: Path, region: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
    """A region (x, y, width, height in pixels of the full size) as an RGB picture of ``size``; white where the slide
    has no tile. Raises UnsupportedImage, ImageTooLarge."""
    x, y, width, height = region
    if min(width, height, *size) < 1 or size[0] * size[1] > MAX_REGION_PIXELS:
        raise ImageTooLarge(f"expected a region of 1 to {MAX_REGION_PIXELS:,} pixels, found {size[0]} x {size[1]}")
    with _decoding():
        slide = _open(path, path.stat().st_mtime_ns)
        level = slide.get_best_level_for_downsample(max(1.0, 1.01 * min(width / size[0], height / size[1])))
        downsample = slide.level_downsamples[level]
        source = max(1, round(width / downsample)), max(1, round(height / downsample))
        if source[0] * source[1] > MAX_SOURCE_PIXELS:
            raise ImageTooLarge(
                f"expected a region of at most {MAX_SOURCE_PIXELS:,} pixels of a level, found {source[0]:,} x "
                f"{source[1]:,}"
            )
        found = slide.read_region((x, y), level, source)
    picture = Image.new("RGB", source, _WHITE)
    picture.paste(found, mask=found.getchannel("A"))
    if source == size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _facts(file: SlideFile, planned: cleaning.Cleaning) -> dict[str, Any]:
    levels = planned.levels
    full = levels[0]
    text = file.text(full.directory, structure.DESCRIPTION)
    aperio = text.startswith(structure.APERIO)
    stated = dict(re.findall(r"(AppMag|MPP)=([0-9.]+)", text.decode("ascii"))) if aperio else {}
    size = float(stated["MPP"]) if "MPP" in stated else _resolution(file, full.directory)
    return {
        "width": full.width,
        "height": full.height,
        "levels": [[level.width, level.height] for level in levels],
        "micrometres_per_pixel": size if size and _PLAUSIBLE[0] <= size <= _PLAUSIBLE[1] else None,
        "objective": float(stated["AppMag"]) if "AppMag" in stated else None,
        "vendor": "Aperio" if aperio else None,
    }


def _resolution(file: SlideFile, directory: structure.Directory) -> float | None:
    """The size of a pixel in micrometres by XResolution; None where the tags do not say it, or say that pixels are not
    square."""
    unit = _UNITS.get(file.integer(directory, structure.RESOLUTION_UNIT, 2))
    across = _ratio(file, directory.find(structure.X_RESOLUTION))
    vertical = directory.find(structure.Y_RESOLUTION)
    down = _ratio(file, vertical) if vertical else across
    if unit is None or across is None or down is None or abs(across - down) > _SQUARE * across:
        return None
    return round(unit / across, 6)


def _ratio(file: SlideFile, entry: structure.Entry | None) -> float | None:
    if entry is None or entry.kind != structure.RATIONAL or entry.number != 1:
        return None
    above, below = struct.unpack(file.layout.order + "II", file.read(entry.offset, 8))
    return above / below if above and below else None


def _check_decodes(path: Path) -> None:
    """Decode the corners and the middle of each level. Raises UnsupportedImage."""
    with _decoding():
        slide = _open(path, path.stat().st_mtime_ns)
        for level, (width, height) in enumerate(slide.level_dimensions):
            downsample = slide.level_downsamples[level]
            for part_x, part_y in ((0, 0), (1, 0), (0.5, 0.5), (0, 1), (1, 1)):
                x, y = (round(part * max(0, side - _SAMPLE)) for part, side in ((part_x, width), (part_y, height)))
                size = min(_SAMPLE, width), min(_SAMPLE, height)
                slide.read_region((int(x * downsample), int(y * downsample)), level, size)


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    from openslide import OpenSlideError

    try:
        yield
    except (OpenSlideError, OSError) as exc:
        # A slide that failed once fails always: OpenSlide keeps the error.
        _open.cache_clear()
        raise UnsupportedImage("expected a whole slide, found one whose tiles are damaged") from exc


@lru_cache(maxsize=1)
def _open(path: Path, _changed: int) -> OpenSlide:
    # Imported here: other images need none of it.
    from openslide import OpenSlide

    return OpenSlide(str(path))
