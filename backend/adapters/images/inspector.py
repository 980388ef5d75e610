"""The ports ImageInspector and ImageRenderer: whatever reads an upload's bytes runs in a process of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from backend.adapters.images import png
from backend.adapters.images.decoder_pool import DecoderPool, decoder_pool
from backend.adapters.images.formats import MEDIA_TYPES, VOLUME, VOLUME_TYPE
from backend.adapters.images.limits import MAX_PIXELS, check_bytes
from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import (
    MAX_IMAGE_BYTES,
    MAX_STUDY_FILE_BYTES,
    DicomAttributes,
    Fingerprint,
    ImageFacts,
    Rendering,
    SlicePlace,
    TextBox,
)
from backend.errors import ImageTooLarge
from ml.preprocessing.dicom_structure import is_dicom
from ml.preprocessing.images import DECODING, is_nifti

_LONGEST_TERM = 64
_TYPES = {**MEDIA_TYPES, VOLUME: VOLUME_TYPE}


class PillowInspector:
    """See ``inspection.inspect``; the processes of ``pool`` run it. Thread-safe."""

    max_bytes: int = MAX_IMAGE_BYTES
    max_pixels: int = MAX_PIXELS
    media_types: Sequence[str] = tuple(MEDIA_TYPES.values())

    def __init__(self, pool: DecoderPool | None = None) -> None:
        self._pool = pool or decoder_pool()

    def accept(self, content: bytes) -> tuple[bytes, ImageFacts]:
        return self._inspected(content, pinned=False)

    def examine(self, content: bytes) -> tuple[bytes, ImageFacts]:
        """``accept`` for a file that nobody keeps: a DICOM file may name its patient and have several frames, and a
        NIfTI volume is read too. ``frames`` of the facts counts the pictures."""
        return self._inspected(content, pinned=False, kept=False)

    def split(self, content: bytes, *, kept: bool = True) -> list[bytes]:
        """The frames of a DICOM file, see ``frames.split``; none for a file of one frame. Where they are not ``kept``,
        the file may name its patient. Raises IdentifiersLeft, UnsupportedImage, ImageTooLarge, ServerBusy."""
        if len(content) > MAX_STUDY_FILE_BYTES:
            raise ImageTooLarge(f"expected a DICOM file of at most {MAX_STUDY_FILE_BYTES:,} bytes, found a larger one")
        return self._pool.split(content, kept=kept)

    def fingerprint(self, content: bytes) -> Fingerprint | None:
        """None for what is no DICOM file. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
        return self._pool.fingerprint(content) if is_dicom(content) else None

    def identify(self, content: bytes) -> ImageFacts:
        return self._inspected(content, pinned=True)[1]

    def _inspected(self, content: bytes, *, pinned: bool, kept: bool = True) -> tuple[bytes, ImageFacts]:
        check_bytes(content)
        found, clean = self._pool.inspect(content, pinned=pinned, kept=kept)
        return clean, _facts(found, clean)

    def mask(self, content: bytes, boxes: Sequence[TextBox]) -> tuple[bytes, ImageFacts]:
        found, masked = self._pool.mask(content, boxes)
        return masked, _facts(found, masked)

    def render(self, content: bytes, rendering: Rendering) -> bytes:
        return self._pool.render(content, DECODING, rendering=rendering)

    def view(self, content: bytes, frame: int = 0) -> bytes | None:
        if is_dicom(content) or png.is_deep(content) or is_nifti(content):
            return self._pool.render(content, DECODING, frame)
        return None


def _facts(found: Mapping[str, Any], clean: bytes) -> ImageFacts:
    return ImageFacts(
        cid=cid_of(clean),
        sha256=hashlib.sha256(clean).hexdigest(),
        size=len(clean),
        width=int(found["width"]),
        height=int(found["height"]),
        media_type=_TYPES[found["kind"]],
        stripped=tuple(map(str, found["stripped"])),
        frames=int(found["frames"]),
        place=_place(found["place"]),
        attributes=_attributes(found["attributes"]),
    )


def _attributes(found: Mapping[str, Any] | None) -> DicomAttributes | None:
    if found is None:
        return None
    modality, body_part, sequence, study_date = (
        str(found[name])[:_LONGEST_TERM] for name in ("modality", "body_part", "sequence", "study_date")
    )
    spacing = found["spacing"]
    return DicomAttributes(
        modality=modality,
        body_part=body_part,
        sequence=sequence,
        study_date=study_date,
        spacing=None if spacing is None else (float(spacing[0]), float(spacing[1])),
    )


def _place(found: Mapping[str, Any] | None) -> SlicePlace | None:
    if found is None:
        return None
    number, position = found["number"], found["position"]
    return SlicePlace(
        patient=str(found["patient"]),
        study=str(found["study"]),
        series=str(found["series"]),
        number=None if number is None else int(number),
        position=None if position is None else float(position),
        frame=int(found["frame"]),
    )
