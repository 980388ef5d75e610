"""Slides as the decoder processes read them: facts, regions, tiles, and what they refuse."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.adapters.slides import named_locks, opened, pooled
from backend.adapters.slides.pooled import OVERVIEW_SIDE, PooledSlides
from backend.domain import ImageFacts, LocalSlide, Region, SlideFacts, SlideLevel
from backend.errors import ImageTooLarge, NotFound, ServerBusy, UnsupportedImage
from backend.slide_grid import deepzoom_levels
from tests.backend.adapters.slides import makers, vectors


@pytest.fixture(scope="module")
def slides() -> PooledSlides:
    return PooledSlides(max_bytes=200_000_000)


def clean(path: Path) -> Path:
    path.write_bytes(vectors.clean(path.read_bytes()))
    return path


def local(slides: PooledSlides, path: Path) -> LocalSlide:
    return LocalSlide(path, slides.inspect(path))


@pytest.fixture(scope="module")
def wide(slides: PooledSlides, tmp_path_factory: pytest.TempPathFactory) -> LocalSlide:
    """49 megapixels of one colour, without smaller levels."""
    path = tmp_path_factory.mktemp("slides") / "wide.tif"
    path.write_bytes(makers.by_hand(8192, 6000, tile=(1024, 1024), tile_bytes=makers.jpeg_tile(1024)))
    return local(slides, path)


def test_a_slide_without_levels_is_shown_from_an_overview(slides: PooledSlides, wide: LocalSlide) -> None:
    levels = deepzoom_levels(wide.facts)
    for level in (levels - 1, levels - 3, levels - 6, 0):
        tile = np.asarray(Image.open(io.BytesIO(slides.tile(wide, level, 0, 0)))).astype(int)
        assert np.abs(tile - (210, 120, 170)).max() < 8
    preview = Image.open(io.BytesIO(slides.preview(wide, 512)))
    assert preview.size == (512, 375)
    assert slides._overview(wide).size == (OVERVIEW_SIDE, 1500)


def test_only_some_overviews_stay_in_memory(tmp_path: Path) -> None:
    slides = PooledSlides(max_bytes=10_000_000)
    for number in range(6):
        path = clean(makers.pyramid(tmp_path / f"{number}.tif", makers.tissue(300, 200 + number)))
        slides.preview(local(slides, path), 100)
    assert len(slides._overviews) == 4


class SlowPool:
    """Reads black pixels when it is allowed to."""

    def __init__(self) -> None:
        self.started = {name: threading.Event() for name in ("one", "other")}
        self.allowed = threading.Event()

    def slide_pixels(self, path: Path, region: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
        self.started[path.name].set()
        self.allowed.wait(60)
        return Image.new("RGB", size)


def described(cid: str) -> LocalSlide:
    facts = SlideFacts((SlideLevel(8192, 6000, 1.0),), 0.25, None, None)
    return LocalSlide(Path(cid), ImageFacts(cid, "", 1, 8192, 6000, "image/tiff", (), slide=facts))


def test_a_wait_for_an_overview_ends_and_hinders_no_other_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = SlowPool()
    slides = PooledSlides(pool, max_bytes=100)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(slides.preview, described("one"), 64)
        assert pool.started["one"].wait(60)
        other = threads.submit(slides.preview, described("other"), 64)
        assert pool.started["other"].wait(60)
        monkeypatch.setattr(named_locks, "WAIT_S", 0.01)
        with pytest.raises(ServerBusy, match="the view of this slide is being made: try again"):
            slides.preview(described("one"), 64)
        pool.allowed.set()
        assert first.result() == other.result()


def test_an_overview_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "MAKING_S", -1.0)

    with pytest.raises(ImageTooLarge, match="expected a slide that can be shown"):
        PooledSlides(SlowPool(), max_bytes=100).preview(described("one"), 64)


def test_a_region_is_scaled_from_the_level_that_fits(slides: PooledSlides, tmp_path: Path) -> None:
    pixels = makers.tissue(1024, 768, noise=0)
    slide = local(slides, clean(makers.pyramid(tmp_path / "slide.tif", pixels)))

    half = Image.open(io.BytesIO(slides.region(slide, Region(0, 0, 1024, 768), (512, 384))))

    assert np.array_equal(np.asarray(half), pixels[::2, ::2])


@pytest.mark.parametrize("size", [(0, 5), (5000, 5000)])
def test_a_region_has_a_limit(slides: PooledSlides, wide: LocalSlide, size: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLarge, match="expected a region of 1 to"):
        slides.region(wide, Region(0, 0, 100, 100), size)


def test_no_more_of_a_level_is_read_than_fits_the_memory(slides: PooledSlides, wide: LocalSlide) -> None:
    with pytest.raises(ImageTooLarge, match="pixels of a level"):
        slides.region(wide, Region(0, 0, 8192, 6000), (200, 150))


def test_a_grid_ends(slides: PooledSlides, wide: LocalSlide) -> None:
    with pytest.raises(NotFound, match="a level from 0 to 13, found 14"):
        slides.tile(wide, 14, 0, 0)
    with pytest.raises(NotFound, match="column 99"):
        slides.tile(wide, 13, 99, 0)


def test_grey_slides_are_read(slides: PooledSlides, tmp_path: Path) -> None:
    grey = makers.tissue(600, 500)[:, :, 1]
    slide = local(slides, clean(makers.pyramid(tmp_path / "grey.tif", grey, photometric="minisblack")))

    region = np.asarray(Image.open(io.BytesIO(slides.region(slide, Region(50, 60, 100, 90), (100, 90)))))

    assert np.array_equal(region[:, :, 0], grey[60:150, 50:150])


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        ((40_000, 40_700), "CENTIMETER", 0.25),
        ((40_000, 41_000), "CENTIMETER", None),
        ((40_000, 20_000), "CENTIMETER", None),
        ((40_000, 40_000), "CENTIMETER", 0.25),
        ((101_600, 101_600), "INCH", 0.25),
        ((72, 72), "INCH", None),
    ],
)
def test_the_size_of_a_pixel_is_that_of_the_resolution_if_it_is_plausible(
    slides: PooledSlides, tmp_path: Path, resolution: tuple[int, int], unit: str, expected: float | None
) -> None:
    options = {"resolution": resolution, "resolutionunit": unit}
    path = makers.pyramid(tmp_path / "slide.tif", makers.tissue(600, 500), micrometres=None, **options)

    assert slides.inspect(clean(path)).slide.micrometres_per_pixel == expected


@pytest.mark.parametrize("tile", [makers.jpeg_tile()[:300], b"no JPEG" * 40, makers.jpeg_tile(512)])
def test_damaged_tiles_are_refused(slides: PooledSlides, tmp_path: Path, tile: bytes) -> None:
    path = tmp_path / "slide.tif"
    path.write_bytes(makers.by_hand(8000, 6000, tile_bytes=tile))

    with pytest.raises(UnsupportedImage, match="whose tiles are damaged"):
        slides.inspect(path)


def test_a_file_is_refused_before_it_is_read_if_it_is_too_large(slides: PooledSlides, tmp_path: Path) -> None:
    path = tmp_path / "slide.tif"
    with path.open("wb") as file:
        file.truncate(200_000_001)

    with pytest.raises(ImageTooLarge, match="at most 200,000,000 bytes, found 200,000,001"):
        slides.inspect(path)


@pytest.mark.parametrize("tag", [b"leica-microsystems.com/scn", b"iScan"])
def test_formats_with_private_geometry_are_refused_by_name(slides: PooledSlides, tmp_path: Path, tag: bytes) -> None:
    path = tmp_path / "slide.tif"
    extra = [(700, 7, len(tag), tag, True)] if tag == b"iScan" else []
    makers.pyramid(
        path, makers.tissue(600, 500), description=f"<scn xmlns='http://www.{tag.decode()}'>", extratags=extra
    )

    with pytest.raises(UnsupportedImage, match="whose geometry is in private data"):
        slides.clean(path, io.BytesIO())


def test_hamamatsu_files_are_refused_by_name(slides: PooledSlides, tmp_path: Path) -> None:
    path = makers.pyramid(tmp_path / "slide.ndpi", makers.tissue(600, 500), extratags=[(65420, 3, 1, 1, True)])

    with pytest.raises(UnsupportedImage, match="a Hamamatsu NDPI file"):
        slides.clean(path, io.BytesIO())


class Misleading:
    """A process that hostile bytes have taken over."""

    def __init__(self, found: dict, content: bytes = b"") -> None:
        self._answer = found, content

    def inspect_slide(self, path: Path) -> dict:
        return self._answer[0]

    def clean_slide(self, path: Path) -> tuple[dict, bytes]:
        return self._answer


FOUND = {"width": 9, "height": 9, "levels": [[9, 9]], "micrometres_per_pixel": None, "objective": None, "vendor": None}


@pytest.mark.parametrize("found", [{}, FOUND | {"levels": 3}, FOUND | {"levels": [[0, 0]]}, FOUND | {"width": "x"}])
def test_facts_of_another_shape_are_refused(tmp_path: Path, found: dict) -> None:
    (tmp_path / "slide.tif").write_bytes(b"II*\0")

    with pytest.raises(UnsupportedImage, match="misleads its decoder"):
        PooledSlides(Misleading(found), max_bytes=100).inspect(tmp_path / "slide.tif")


@pytest.mark.parametrize(
    ("found", "content"),
    [({}, b""), ({"patches": [[0]], "removed": []}, b""), ({"patches": [], "removed": []}, b"xyz")],
)
def test_patches_of_another_shape_are_refused(tmp_path: Path, found: dict, content: bytes) -> None:
    with pytest.raises(UnsupportedImage, match="misleads its decoder"):
        PooledSlides(Misleading(found, content), max_bytes=100).clean(tmp_path / "slide.tif", io.BytesIO())


def test_the_checks_that_the_processes_run_refuse_here_too(tmp_path: Path) -> None:
    """In this process, so that what they reach is measured."""
    path = makers.pyramid(tmp_path / "slide.tif", makers.tissue(600, 500))
    assert "Software" in opened.clean(path)[0]["removed"]
    assert opened.inspect(clean(path))["levels"] == [[600, 500], [300, 250], [150, 125]]
    assert opened.read(path, (0, 0, 600, 500), (60, 50)).size == (60, 50)
    with pytest.raises(UnsupportedImage, match="a whole-slide image, that is"):
        ordinary = tmp_path / "ordinary.tif"
        Image.new("L", (40, 40)).save(ordinary)
        opened.inspect(ordinary)
