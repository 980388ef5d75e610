"""Accepts an upload: inspects it, pins it, stores its facts. An image is known only after its pin was verified."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from backend.domain import MAX_IMAGE_BYTES, SLIDE_TYPE, ImageFacts, StoredObject
from backend.errors import (
    IdentifiersLeft,
    ImageTooLarge,
    InvalidCid,
    LimitExceeded,
    NotFound,
    ObjectLost,
    StorageError,
    UnsupportedImage,
)
from backend.ports import ImageInspector, Images, Kinds, ObjectStore, SlideCopies, SlideInspector
from backend.services.kind_sources import kind_of
from backend.services.screening import Answers, ScreeningService

_HOUR_S = 3600
_EXTENSIONS = {"image/jpeg": "jpg", "application/dicom": "dcm", SLIDE_TYPE: "tif"}
MASKED_TEXT = "text in the picture"
_NO_ANSWERS = Answers()
_FROM_STORE = "store"
"""The client of an image that was recovered from the store."""


@dataclass(frozen=True, slots=True)
class Intake:
    facts: ImageFacts
    created: bool


class IntakeService:
    def __init__(
        self,
        images: Images,
        store: ObjectStore,
        inspector: ImageInspector,
        screening: ScreeningService,
        kinds: Kinds,
        slides: SlideInspector,
        copies: SlideCopies,
        *,
        bytes_per_client: int,
    ) -> None:
        self._images = images
        self._store = store
        self._inspector = inspector
        self._screening = screening
        self._kinds = kinds
        self._slides = slides
        self._copies = copies
        self._bytes_per_client = bytes_per_client

    def accept(self, content: bytes, *, client: str, answers: Answers = _NO_ANSWERS) -> Intake:
        """Pin an upload of ``client`` (an IP address). A known image changes nothing, and raises no question.

        Raises UnsupportedImage, ImageTooLarge, IdentifiersLeft, ServerBusy, LimitExceeded, StorageError, and what
        ``ScreeningService.check`` raises.
        """
        pinned, facts = self._inspector.accept(content)
        if self._known(facts):
            return Intake(facts, created=False)
        if places := self._screening.check(pinned, answers):
            former = facts.stripped
            pinned, facts = self._inspector.mask(pinned, places)
            facts = replace(facts, stripped=tuple(sorted({*former, *facts.stripped, MASKED_TEXT})))
        return self.keep(pinned, facts, client=client)

    def keep(self, pinned: bytes, facts: ImageFacts, *, client: str) -> Intake:
        """Pin an image that was inspected before: ``pinned`` are its bytes, ``facts`` theirs.

        Raises LimitExceeded, StorageError.
        """
        if self._known(facts):
            return Intake(facts, created=False)

        def put(name: str) -> StoredObject:
            return self._store.put(pinned, name=name, media_type=facts.media_type)

        return self._reserved(facts, put, client)

    def _reserved(self, facts: ImageFacts, put: Callable[[str], StoredObject], client: str) -> Intake:
        if not self._images.reserve(client, facts.size, self._bytes_per_client):
            raise LimitExceeded(
                f"this address may store {self._bytes_per_client:,} bytes in total, and the image's {facts.size:,} "
                "bytes would exceed that",
                retry_after=_HOUR_S,
            )
        created = False
        try:
            extension = _EXTENSIONS.get(facts.media_type, facts.media_type.partition("/")[2])
            stored = put(f"{facts.cid}.{extension}")
            created = self._images.add(facts, stored.pin_id, client)
            if not self._kinds.find([facts.cid]):
                self._kinds.save([kind_of(facts)])
        finally:
            if not created:
                self._images.release(client, facts.size)
        return Intake(facts, created)

    def keep_slide(self, facts: ImageFacts, put: Callable[[str], StoredObject], *, client: str) -> Intake:
        """As ``keep`` for a slide, which ``put`` pins under a name. A known one is pinned again: that repairs it."""
        if self._images.find(facts.cid):
            put(f"{facts.cid}.tif")
            return Intake(facts, created=False)
        return self._reserved(facts, put, client)

    def identify(self, content: bytes) -> ImageFacts:
        """The facts that an upload of ``content`` would have; nothing is pinned or stored.

        Raises UnsupportedImage, ImageTooLarge.
        """
        _, facts = self._inspector.accept(content)
        return facts

    def find(self, cid: str) -> ImageFacts:
        """The facts of a known image. After a loss of the database they are recovered from the store.

        Raises InvalidCid, NotFound, StorageError.
        """
        return self._images.find(cid) or self._recover(cid)

    def content(self, cid: str) -> tuple[ImageFacts, bytes]:
        """A known image and its bytes, re-hashed by the store.

        Raises InvalidCid; NotFound for an image that was never uploaded here; UnsupportedImage for a slide;
        StorageError, as ObjectLost when it was.
        """
        facts = self.find(cid)
        return facts, self.content_of(facts)

    def content_of(self, facts: ImageFacts) -> bytes:
        """The bytes of a known image, as ``content`` gives them."""
        cid = facts.cid
        if facts.slide:
            raise UnsupportedImage(
                f"expected an ordinary image, found the whole-slide image {cid}, which is read by region: use "
                "/api/v1/slides"
            )
        try:
            return self._store.get(cid, max_bytes=MAX_IMAGE_BYTES)
        except NotFound as error:
            raise ObjectLost(f"the image {cid} was uploaded here, but the store no longer has it: {error}") from error

    def derive(self, cid: str) -> ImageFacts | None:
        """The facts of a stored image, from its bytes alone; None if they cannot be read or are no image."""
        try:
            facts = self._identify_stored(cid)
        except (InvalidCid, NotFound, StorageError, UnsupportedImage, ImageTooLarge, IdentifiersLeft):
            return None
        return facts if facts.cid == cid else None

    def view(self, cid: str) -> tuple[str, bytes]:
        """Media type and bytes of a known image as the models see it, where a browser would show it otherwise; else its
        own. Raises InvalidCid, NotFound, StorageError, UnsupportedImage, ImageTooLarge, ServerBusy."""
        facts, content = self.content(cid)
        return self.view_of(facts, content)

    def view_of(self, facts: ImageFacts, content: bytes) -> tuple[str, bytes]:
        """As ``view`` for the accepted bytes ``content``. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
        view = self._inspector.view(content)
        return (facts.media_type, content) if view is None else ("image/png", view)

    def available(self, cids: Iterable[str]) -> frozenset[str]:
        """The subset of ``cids`` whose images are known here."""
        return self._images.known(list(cids))

    def recount(self) -> None:
        """Remove reservations without an upload. Call it only while nobody uploads, at the server's start."""
        self._images.recount()

    def _known(self, facts: ImageFacts) -> bool:
        return self._images.find(facts.cid) is not None and self._is_intact(facts.cid)

    def _is_intact(self, cid: str) -> bool:
        """Whether the store still returns the bytes. If not, pinning them again repairs it."""
        try:
            self._store.get(cid, max_bytes=MAX_IMAGE_BYTES)
        except (StorageError, NotFound):
            return False
        return True

    def _identify_stored(self, cid: str) -> ImageFacts:
        """The facts of an image or a slide in the store."""
        try:
            return self._inspector.identify(self._store.get(cid, max_bytes=MAX_IMAGE_BYTES))
        except (UnsupportedImage, ImageTooLarge):
            with self._copies.open(cid, max_bytes=self._slides.max_bytes) as path:
                return self._slides.inspect(path)

    def _recover(self, cid: str) -> ImageFacts:
        if not self._store.has(cid):
            raise NotFound(f"no image {cid} was uploaded here")
        try:
            facts = self._identify_stored(cid)
        except (UnsupportedImage, ImageTooLarge, IdentifiersLeft):
            raise NotFound(f"{cid} is not an image") from None
        if facts.cid != cid:
            raise NotFound(f"{cid} is not an image that was uploaded here")
        self._images.add(facts, None, _FROM_STORE)
        return facts
