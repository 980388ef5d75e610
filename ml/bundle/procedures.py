"""Every preprocessing by the id that ``metadata.json`` names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from ml.errors import BundleError
from ml.histology.measures import MEASURES, measure_tiles
from ml.histology.tiles import GRID
from ml.preprocessing.grey_image import Preprocessed, preprocess
from ml.preprocessing.thumbnail import thumbnail


@dataclass(frozen=True, slots=True)
class Procedure:
    """A preprocessing at one size. ``channels`` are those of the picture that it reads; ``input_shape`` is that of the
    ``pixels`` that it returns, batch of one included."""

    id: str
    size: int
    channels: int
    input_shape: tuple[int, ...]
    run: Callable[[Image.Image], Preprocessed]


def procedure_of(id_: str) -> Procedure:
    """The procedure with this id, such as ``grey-crop-pad-128-v1``. Raises BundleError."""
    size = re.search(r"-([1-9][0-9]{0,3})-v", id_)
    make = FAMILIES.get(id_.replace(size[0], "-<size>-v")) if size else None
    if size is None or make is None:
        raise BundleError(f"expected one of the preprocessings {', '.join(FAMILIES)}, found {id_!r}")
    return make(id_, int(size[1]))


def _grey_crop_pad(id_: str, size: int) -> Procedure:
    return Procedure(id_, size, 1, (1, size, size, 1), lambda image: preprocess(image, size))


def _thumbnail(id_: str, size: int) -> Procedure:
    return Procedure(id_, size, 3, (1, size, size, 3), lambda image: thumbnail(image, size))


def _histology_tiles(id_: str, size: int) -> Procedure:
    return Procedure(id_, size, 3, (1, *GRID, MEASURES), lambda image: measure_tiles(image, size))


FAMILIES: dict[str, Callable[[str, int], Procedure]] = {
    "grey-crop-pad-<size>-v1": _grey_crop_pad,
    "thumbnail-<size>-v1": _thumbnail,
    "histology-tiles-<size>-v1": _histology_tiles,
}
