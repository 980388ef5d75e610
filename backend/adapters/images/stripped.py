"""The findings of a stripper: removed metadata, and the EXIF orientation."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import ExifTags, Image

from backend.errors import UnsupportedImage

TRAILING = "trailing data"
OTHER = "other data"
_MAX_PARTS = 50_000


@dataclass(slots=True)
class Findings:
    """``removed`` names the removed metadata for people; ``orientation`` is EXIF's, 1 (upright) to 8."""

    removed: set[str] = field(default_factory=set)
    orientation: int = 1
    parts: int = 0

    def count_part(self) -> None:
        """Count one more segment or chunk. Raises UnsupportedImage above the limit: so many are an attack."""
        self.parts += 1
        if self.parts > _MAX_PARTS:
            raise UnsupportedImage(f"expected an image of at most {_MAX_PARTS} segments or chunks, found more")

    def add_exif(self, data: bytes) -> None:
        """Note an EXIF block (a small TIFF file), also a damaged one. Only the first counts, as in viewers."""
        if "EXIF" in self.removed:
            return
        self.removed.add("EXIF")
        exif = Image.Exif()
        try:
            exif.load(data)
            if exif.get_ifd(ExifTags.IFD.GPSInfo):
                self.removed.add("GPS position")
            if exif.get_ifd(ExifTags.IFD.IFD1):
                self.removed.add("thumbnail")
            orientation = exif.get(ExifTags.Base.Orientation, 1)
        except Exception:  # Pillow's readers raise many types on damaged data, which is dropped here anyway
            return
        if orientation in range(2, 9):
            self.orientation = int(orientation)
