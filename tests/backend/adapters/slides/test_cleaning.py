"""What identifies somebody goes out of a slide; its tiles stay as they are."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from openslide import OpenSlide

from backend.adapters.slides import cleaning, structure
from backend.adapters.slides.structure import SlideFile
from backend.errors import UnsupportedImage
from tests.backend.adapters.slides import makers, vectors


def planned(content: bytes) -> cleaning.Cleaning:
    return cleaning.plan(SlideFile(io.BytesIO(content)))


VECTORS = vectors.stored()
FILES = {each["name"]: each["content"] for each in VECTORS}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each["name"])
def test_the_golden_vectors_of_the_page_are_of_these_rules(vector: dict) -> None:
    """If it fails: ``python -m tests.backend.adapters.slides.vectors``, then see whether the page gives the same."""
    made = vectors.outcome(vector["content"])
    assert made == {name: vector[name] for name in made}


@pytest.mark.parametrize("name", [each["name"] for each in VECTORS if "output" in each])
def test_nothing_that_identifies_survives_and_a_clean_file_stays(name: str) -> None:
    clean = vectors.clean(FILES[name])

    assert [secret for secret in (*makers.SECRETS, b"2024:03:14", b"operator", b"1956") if secret in clean] == []
    assert len(clean) == len(FILES[name])
    assert planned(clean).removed == ()
    assert vectors.clean(clean) == clean


@pytest.mark.parametrize(
    ("name", "removed"),
    [
        ("a pyramid with text tags", ("ImageDescription", "Software", "DateTime")),
        ("a clean one", ()),
        (
            "an Aperio slide with thumbnail, label and macro picture",
            ("another picture", "label picture", "macro picture", "ImageDescription"),
        ),
        (
            "label and macro picture in tiles and in the proportions of the scan",
            ("label picture", "macro picture", "Software"),
        ),
        ("a full size whose description names all pictures", ("ImageDescription", "Software")),
        ("data behind the end", ("ImageDescription", "Software", "DateTime")),
        ("data between the tiles", ("other data",)),
        ("comments in JPEG tables", ("comments in the JPEG tables", "tag 50838")),
        ("a name behind a short value", ("other data",)),
        ("comments, EXIF and data behind the end in JPEG tiles", ("comments in the tiles",)),
        ("comments behind fill bytes and in reserved segments of JPEG tables", ("comments in the JPEG tables",)),
        ("a name in place of JPEG tables", ("tag 347",)),
    ],
)
def test_what_was_removed_has_a_name(name: str, removed: tuple[str, ...]) -> None:
    assert planned(FILES[name]).removed == removed


def test_every_pixel_of_every_level_stays(tmp_path: Path) -> None:
    pixels = makers.tissue(700, 500)
    source = makers.pyramid(tmp_path / "source.tif", pixels, as_sub_directories=True, big=True)
    target = tmp_path / "clean.tif"
    target.write_bytes(vectors.clean(source.read_bytes()))

    with tifffile.TiffFile(target) as file:
        assert len(file.pages) == 3
        for level, page in enumerate(file.pages):
            assert np.array_equal(page.asarray(), pixels[:: 2**level, :: 2**level])
    with OpenSlide(str(target)) as slide:
        assert slide.level_dimensions == ((700, 500), (350, 250), (175, 125))
        assert slide.properties["openslide.mpp-x"] == "0.25"


def test_an_aperio_slide_keeps_its_scanner_its_magnification_and_the_size_of_a_pixel(tmp_path: Path) -> None:
    source = makers.aperio(tmp_path / "source.svs", makers.tissue(1000, 800))
    target = tmp_path / "clean.svs"
    target.write_bytes(vectors.clean(source.read_bytes()))

    with OpenSlide(str(target)) as slide:
        assert slide.level_dimensions == ((1000, 800), (250, 200))
        assert not slide.associated_images
        assert slide.properties["tiff.ImageDescription"] == "Aperio Image|AppMag=20|MPP=0.2520"
        assert slide.properties["openslide.objective-power"] == "20"


@pytest.mark.parametrize("part", [1, 7, 100, 4096])
def test_a_part_of_the_file_is_cleaned_as_the_whole(part: int) -> None:
    content = FILES["a pyramid with text tags"]
    plan = planned(content)

    made = b"".join(plan.apply(at, content[at : at + part]) for at in range(0, len(content), part))

    assert made == vectors.clean(content)


def test_tiles_have_so_many_comments_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "MAX_TILES", 1)

    with pytest.raises(UnsupportedImage, match="at most 1 comments in the tiles, found more"):
        planned(makers.by_hand(200, 200, tile_bytes=vectors.commented()))


def test_every_tile_of_a_large_file_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they are read one by one."""
    tile = makers.jpeg_tile()
    hidden = tile + b"DOE"
    content = makers.by_hand(500, 200, tile_bytes=hidden * 2)
    content = content.replace(struct.pack("<I", 2 * len(hidden)) * 2, struct.pack("<I", len(hidden)) * 2)
    content = content.replace(struct.pack("<QQ", 16, 16), struct.pack("<QQ", 16, 16 + len(hidden)))
    monkeypatch.setattr(cleaning, "_READ_BYTES", 1)

    assert planned(content).removed == ("comments in the tiles",)
    assert len(planned(content).zeros) == 2
