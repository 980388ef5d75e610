"""The bytes of a record that are larger than an image: fetched as a file, hashed, and read if they are a slide."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.adapters.images.inspector import PillowInspector
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.unixfs import cid_of
from backend.adapters.slides.copies import SlideFolder
from backend.adapters.slides.pooled import PooledSlides
from backend.cids import raw_cid
from backend.domain import MAX_IMAGE_BYTES, LocalSlide
from backend.services.slides import SlideFiles
from backend.services.verification import VerificationService
from tests.backend.adapters.slides import makers, vectors


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "ipfs")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def service(tmp_path: Path, store: EmbeddedStore) -> VerificationService:
    slides = PooledSlides(max_bytes=40_000_000)
    copies = SlideFolder(tmp_path / "slides", store, most_bytes=80_000_000)
    return of_store(store, SlideFiles(inspector=slides, copies=copies, fields=None))


def of_store(store: EmbeddedStore, slides: SlideFiles | None) -> VerificationService:
    return VerificationService(
        chain=None,
        store=store,
        classifier=None,
        inspector=PillowInspector(),
        cid_of=cid_of,
        recover=None,
        review_id=None,
        slides=slides,
    )


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = makers.pyramid(tmp_path_factory.mktemp("slides") / "slide.tif", makers.tissue(600, 500))
    return vectors.clean(path.read_bytes())


def put(store: EmbeddedStore, content: bytes) -> str:
    return store.put_file(io.BytesIO(content), name="slide", media_type="image/tiff").cid


def large(slide: bytes) -> bytes:
    """The same pictures in a file that is larger than an image: zeros behind the end are clean."""
    return slide + bytes(MAX_IMAGE_BYTES + 1 - len(slide))


def test_a_small_slide_is_read_from_the_stores_bytes(
    service: VerificationService, store: EmbeddedStore, slide: bytes, opened: ExitStack
) -> None:
    check, trusted = service._image_bytes(put(store, slide), None, opened)

    assert check.passed
    assert trusted.path.read_bytes() == slide


def test_a_large_one_is_fetched_as_a_file(
    service: VerificationService, store: EmbeddedStore, slide: bytes, opened: ExitStack
) -> None:
    cid = put(store, large(slide))
    check, trusted = service._image_bytes(cid, None, opened)

    assert (check.passed, check.found) == (True, f"{cid} (26,214,401 bytes)")
    assert isinstance(trusted, LocalSlide)
    assert trusted.facts.cid == cid


def test_one_that_the_store_lost_fails_although_there_is_a_copy(
    service: VerificationService, store: EmbeddedStore, slide: bytes, opened: ExitStack
) -> None:
    cid = put(store, large(slide))
    assert service._image_bytes(cid, None, opened)[0].passed
    lost = next(path for path in sorted(store._blocks.glob("*/*")) if path.name != cid)
    lost.unlink()

    check, trusted = service._image_bytes(cid, None, opened)

    assert (check.passed, trusted) == (False, None)


def test_of_bytes_that_are_no_clean_slide_the_cid_alone_is_checked(
    service: VerificationService, store: EmbeddedStore, slide: bytes, opened: ExitStack
) -> None:
    for content, why in (
        (b"x" * (MAX_IMAGE_BYTES + 1), "found another file"),
        (large(slide)[:-8] + b"DOE JANE", "a slide without identifiers, found other data"),
    ):
        check, trusted = service._image_bytes(put(store, content), None, opened)
        assert check.passed
        assert why in check.found
        assert trusted is None


def test_small_bytes_that_only_begin_as_a_slide_stay_bytes(
    service: VerificationService, store: EmbeddedStore, opened: ExitStack
) -> None:
    content = b"II*\0" + bytes(100)

    assert service._image_bytes(put(store, content), None, opened)[1] == content


def test_what_is_missing_damaged_or_too_large_fails(
    service: VerificationService, store: EmbeddedStore, slide: bytes, opened: ExitStack
) -> None:
    cid = put(store, large(slide))
    next(path for path in sorted(store._blocks.glob("*/*")) if path.name != cid).write_bytes(b"other")
    too_large = put(store, slide + bytes(40_000_001))

    for each, why in ((cid, "expected the bytes of"), (too_large, "at most 40000000"), (raw_cid("00" * 32), "not in")):
        check, trusted = service._image_bytes(each, None, opened)
        assert (check.passed, trusted) == (False, None)
        assert why in check.found


def test_without_a_reader_of_slides_a_large_one_is_not_checked(
    store: EmbeddedStore, slide: bytes, opened: ExitStack
) -> None:
    check, trusted = of_store(store, None)._image_bytes(put(store, large(slide)), None, opened)

    assert (check.passed, trusted) == (False, None)


def test_another_slide_that_is_given_has_another_cid(
    service: VerificationService, store: EmbeddedStore, slide: bytes, opened: ExitStack
) -> None:
    _, given = service._image_bytes(put(store, slide), None, opened)

    assert service._image_bytes(given.facts.cid, given, opened)[0].passed
    check, trusted = service._image_bytes(raw_cid("00" * 32), given, opened)
    assert (check.passed, trusted) == (False, None)
