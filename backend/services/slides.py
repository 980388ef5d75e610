"""Whole-slide images: accepted as files, pinned as one object, read by region."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from backend.domain import ImageFacts, LocalSlide, Region, StoredObject
from backend.errors import InvalidInput, NotFound, ObjectLost
from backend.ports import ObjectStore, SlideCopies, SlideInspector, SlideReader
from backend.services.intake import Intake, IntakeService
from backend.services.slide_classification import SlideClassification

MAX_REGION_PIXELS = 1_000_000
"""Of the answer for one region."""
_PREVIEW_SIDE = 1024


def is_tiff(content: bytes) -> bool:
    """Whether pinned bytes are a slide: no other image is pinned as TIFF."""
    return content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))


class SlideFiles:
    """Slides for a verification, which trusts no facts that are stored: each is inspected."""

    def __init__(self, *, inspector: SlideInspector, copies: SlideCopies, fields: SlideClassification) -> None:
        self._inspector = inspector
        self._copies = copies
        self.fields = fields

    @contextmanager
    def fetched(self, cid: str) -> Iterator[LocalSlide]:
        """The slide with that CID, fetched from the store. Raises as ``ObjectReader.copy``; UnsupportedImage,
        IdentifiersLeft, ServerBusy."""
        with self._copies.open(cid, max_bytes=self._inspector.max_bytes, anew=True) as path:
            yield LocalSlide(path, self._inspector.inspect(path))

    @contextmanager
    def given(self, content: bytes) -> Iterator[LocalSlide]:
        """A small slide with these bytes. Raises UnsupportedImage, ImageTooLarge, IdentifiersLeft, ServerBusy,
        StorageUnavailable."""
        with self._copies.new(len(content)) as file:
            file.write(content)
            file.flush()
            path = Path(file.name)
            yield LocalSlide(path, self._inspector.inspect(path))


class SlideService:
    def __init__(
        self,
        *,
        intake: IntakeService,
        store: ObjectStore,
        inspector: SlideInspector,
        reader: SlideReader,
        copies: SlideCopies,
    ) -> None:
        self._intake = intake
        self._store = store
        self._inspector = inspector
        self._reader = reader
        self._copies = copies

    def receive(self, size: int) -> AbstractContextManager[BinaryIO]:
        """A new file for a slide of about so many bytes. Raises StorageUnavailable, StorageFull."""
        return self._copies.new(size)

    @property
    def max_bytes(self) -> int:
        return self._inspector.max_bytes

    def accept(self, path: Path, *, client: str) -> Intake:
        """Pin the slide in the file ``path``, which ``client`` (an IP address) sent. A known one changes nothing.

        Raises UnsupportedImage, ImageTooLarge, IdentifiersLeft, ServerBusy, LimitExceeded, StorageError.
        """
        facts = self._inspector.inspect(path)

        def put(name: str) -> StoredObject:
            with path.open("rb") as file:
                return self._store.put_file(file, name=name, media_type=facts.media_type)

        return self._intake.keep_slide(facts, put, client=client)

    def find(self, cid: str) -> ImageFacts:
        """The facts of a known slide. Raises InvalidCid, NotFound, StorageError; InvalidInput for another image."""
        facts = self._intake.find(cid)
        if facts.slide is None:
            raise InvalidInput(f"expected a whole-slide image, found {cid}, which is an ordinary one")
        return facts

    @contextmanager
    def open(self, cid: str) -> Iterator[LocalSlide]:
        """A known slide as a file, re-hashed by the store. Raises as ``find``."""
        facts = self.find(cid)
        with ExitStack() as opened:
            try:
                path = opened.enter_context(self._copies.open(cid, max_bytes=facts.size))
            except NotFound as error:
                raise ObjectLost(f"the slide {cid} was uploaded here, but the store lost it: {error}") from error
            yield LocalSlide(path, facts)

    def region(self, cid: str, region: Region) -> bytes:
        """A region as a PNG, pixel by pixel. Raises as ``open``; InvalidInput for one that is not within the slide, or
        of more than MAX_REGION_PIXELS; UnsupportedImage, ServerBusy."""
        with self.open(cid) as slide:
            facts = slide.facts
            right, bottom = region.x + region.width, region.y + region.height
            if min(region.x, region.y) < 0 or right > facts.width or bottom > facts.height:
                raise InvalidInput(f"expected a region within {facts.width} x {facts.height} pixels, found another")
            if region.width * region.height > MAX_REGION_PIXELS:
                raise InvalidInput(
                    f"expected a region of at most {MAX_REGION_PIXELS:,} pixels, found {region.width * region.height:,}"
                )
            return self._reader.region(slide, region, (region.width, region.height))

    def tile(self, cid: str, level: int, column: int, row: int) -> bytes:
        """A Deep Zoom tile as a JPEG. Raises as ``open``; NotFound outside the grid; UnsupportedImage, ServerBusy."""
        with self.open(cid) as slide:
            return self._reader.tile(slide, level, column, row)

    def preview(self, cid: str) -> bytes:
        """The whole slide as a small PNG. Raises as ``open``; UnsupportedImage, ServerBusy."""
        with self.open(cid) as slide:
            return self._reader.preview(slide, _PREVIEW_SIDE)
