"""The ports SlideInspector and SlideReader: whatever reads a slide's bytes runs in a process of its own."""

from __future__ import annotations

import atexit
import hashlib
import io
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from backend.adapters.images.decoder_pool import DecoderPool
from backend.adapters.ipfs.unixfs import cid_of
from backend.adapters.slides.cleaning import Cleaning, copy_clean
from backend.adapters.slides.named_locks import NamedLocks
from backend.adapters.slides.opened import MAX_SOURCE_PIXELS
from backend.domain import SLIDE_TYPE, ImageFacts, LocalSlide, Region, SlideFacts, SlideLevel
from backend.errors import ImageTooLarge, NotFound, UnsupportedImage
from backend.slide_grid import TILE_OVERLAP, TILE_SIDE, deepzoom_levels, deepzoom_size

OVERVIEW_SIDE = 2048
"""Of the picture of the whole slide, in pixels at most."""
_PROCESSES = 2
_KEPT_OVERVIEWS = 4
MAKING_S = 120.0
"""After so long, no further part of an overview is read."""
_JPEG_QUALITY = 90


class PooledSlides:
    """Ports SlideInspector and SlideReader. Thread-safe."""

    def __init__(self, pool: DecoderPool | None = None, *, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._pool = pool or _pool()
        self._overviews: OrderedDict[str, Image.Image] = OrderedDict()
        self._lock = threading.Lock()
        self._making = NamedLocks("the view of this slide is being made: try again in a moment")

    def inspect(self, path: Path) -> ImageFacts:
        if (size := path.stat().st_size) > self.max_bytes:
            raise ImageTooLarge(f"expected a slide of at most {self.max_bytes:,} bytes, found {size:,}")
        found = self._pool.inspect_slide(path)
        with path.open("rb") as file:
            hashing = _Hashing(file)
            cid = cid_of(hashing)
        try:
            slide = _slide(found)
            return ImageFacts(
                cid=cid,
                sha256=hashing.hexdigest(),
                size=size,
                width=int(found["width"]),
                height=int(found["height"]),
                media_type=SLIDE_TYPE,
                stripped=(),
                slide=slide,
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as exc:
            raise UnsupportedImage("expected a slide, found one that misleads its decoder") from exc

    def clean(self, path: Path, target: BinaryIO) -> Sequence[str]:
        """Write the slide without identifiers to ``target``, unless it has none; the names of what was removed.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy.
        """
        planned = self._plan(path)
        if planned.removed:
            with path.open("rb") as source:
                copy_clean(source, target, planned)
        return planned.removed

    def region(self, slide: LocalSlide, region: Region, size: tuple[int, int]) -> bytes:
        return self._pool.read_slide(slide.path, _box(region), size, "PNG", compress_level=1)

    def tile(self, slide: LocalSlide, level: int, column: int, row: int) -> bytes:
        facts = slide.facts
        width, height = deepzoom_size(facts, level)
        if not (0 <= column < math.ceil(width / TILE_SIDE) and 0 <= row < math.ceil(height / TILE_SIDE)):
            raise NotFound(f"expected a tile of the grid of level {level}, found column {column}, row {row}")
        left, top = (max(0, place * TILE_SIDE - TILE_OVERLAP) for place in (column, row))
        right = min(width, (column + 1) * TILE_SIDE + TILE_OVERLAP)
        bottom = min(height, (row + 1) * TILE_SIDE + TILE_OVERLAP)
        scale = 2 ** (deepzoom_levels(facts) - 1 - level)
        x, y = left * scale, top * scale
        region = Region(x, y, min(facts.width, right * scale) - x, min(facts.height, bottom * scale) - y)
        size = right - left, bottom - top
        if _source_pixels(facts.slide, region, scale) <= MAX_SOURCE_PIXELS:
            return self._pool.read_slide(slide.path, _box(region), size, "JPEG", quality=_JPEG_QUALITY)
        overview = self._overview(slide)
        across, down = overview.width / facts.width, overview.height / facts.height
        box = (x * across, y * down, (x + region.width) * across, (y + region.height) * down)
        return _jpeg(overview.resize(size, Image.Resampling.LANCZOS, box=box))

    def preview(self, slide: LocalSlide, side: int) -> bytes:
        picture = self._overview(slide).copy()
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    def fields(self, slide: LocalSlide, size: tuple[int, int], most: int) -> Sequence[Region]:
        # Imported here: only a classification needs it.
        from ml.histology.fields import choose_fields

        overview = np.asarray(self._overview(slide))
        found = choose_fields(overview, (slide.facts.width, slide.facts.height), size, most)
        return [Region(x, y, *size) for x, y in found]

    def _plan(self, path: Path) -> Cleaning:
        found, content = self._pool.clean_slide(path)
        try:
            position, patches = 0, []
            for offset, length in found["patches"]:
                patches.append((int(offset), content[position : position + int(length)]))
                position += int(length)
            zeros = np.frombuffer(content[position:], "<i8").reshape(-1, 2)
            return Cleaning(tuple(patches), zeros, tuple(map(str, found["removed"])), ())
        except (KeyError, TypeError, ValueError) as exc:
            raise UnsupportedImage("expected a slide, found one that misleads its decoder") from exc

    def _overview(self, slide: LocalSlide) -> Image.Image:
        """The whole slide, OVERVIEW_SIDE pixels at most. It is read in parts, so that a slide without smaller levels
        has one too; do not change it. Raises ServerBusy, ImageTooLarge, UnsupportedImage."""
        cid = slide.facts.cid
        # The tiles of a view that is opened ask for it at the same time.
        with self._making.locked(cid):
            with self._lock:
                if found := self._overviews.get(cid):
                    self._overviews.move_to_end(cid)
                    return found
            made = self._make_overview(slide)
            with self._lock:
                self._overviews[cid] = made
                while len(self._overviews) > _KEPT_OVERVIEWS:
                    self._overviews.popitem(last=False)
            return made

    def _make_overview(self, slide: LocalSlide) -> Image.Image:
        width, height = slide.facts.width, slide.facts.height
        scale = max(1, math.ceil(max(width, height) / OVERVIEW_SIDE))
        made = Image.new("RGB", (math.ceil(width / scale), math.ceil(height / scale)))
        whole = Region(0, 0, width, height)
        parts = max(1, math.ceil(math.sqrt(_source_pixels(slide.facts.slide, whole, scale) / MAX_SOURCE_PIXELS)))
        across, down = math.ceil(made.width / parts), math.ceil(made.height / parts)

        end = time.monotonic() + MAKING_S

        def read(corner: tuple[int, int]) -> Image.Image:
            if time.monotonic() > end:
                raise ImageTooLarge(
                    f"expected a slide that can be shown after {MAKING_S:.0f} s, found one that takes longer: convert "
                    "it to a tiled pyramid with smaller levels"
                )
            left, top = corner
            size = min(across, made.width - left), min(down, made.height - top)
            x, y = left * scale, top * scale
            region = Region(x, y, min(width - x, size[0] * scale), min(height - y, size[1] * scale))
            return self._pool.slide_pixels(slide.path, _box(region), size)

        corners = [(left, top) for top in range(0, made.height, down) for left in range(0, made.width, across)]
        with ThreadPoolExecutor(_PROCESSES) as threads:
            for corner, part in zip(corners, threads.map(read, corners), strict=True):
                made.paste(part, corner)
        return made


class _Hashing:
    """An open file whose bytes are hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._hash.update(content)
        return content

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _source_pixels(slide: SlideFacts | None, region: Region, scale: float) -> float:
    """How many pixels of a level are read for a region that is made ``scale`` times smaller."""
    downsamples = [level.downsample for level in slide.levels] if slide else [1.0]
    best = max((each for each in downsamples if each <= scale * 1.01), default=1.0)
    return (region.width / best) * (region.height / best)


def _box(region: Region) -> tuple[int, int, int, int]:
    return region.x, region.y, region.width, region.height


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def _slide(found: Mapping[str, Any]) -> SlideFacts:
    size, objective, vendor = found["micrometres_per_pixel"], found["objective"], found["vendor"]
    width = int(found["width"])
    return SlideFacts(
        levels=tuple(SlideLevel(int(across), int(down), width / int(across)) for across, down in found["levels"]),
        micrometres_per_pixel=None if size is None else float(size),
        objective=None if objective is None else float(objective),
        vendor=None if vendor is None else str(vendor)[:64],
    )


@cache
def _pool() -> DecoderPool:
    pool = DecoderPool(processes=_PROCESSES)
    atexit.register(pool.close)
    return pool
