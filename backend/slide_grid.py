"""The tiles by which a viewer shows a whole slide: Deep Zoom images.

Source: https://learn.microsoft.com/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)
"""

from __future__ import annotations

import math

from backend.domain import ImageFacts
from backend.errors import NotFound

TILE_SIDE = 254
"""In pixels, without the overlap."""
TILE_OVERLAP = 1
"""Pixels that a tile shares with each neighbour."""


def deepzoom_levels(facts: ImageFacts) -> int:
    """How many levels there are: the last is the full size, each one before half as large, the first one pixel."""
    return math.ceil(math.log2(max(facts.width, facts.height))) + 1


def deepzoom_size(facts: ImageFacts, level: int) -> tuple[int, int]:
    """Width and height of a level. Raises NotFound."""
    if not 0 <= level < (count := deepzoom_levels(facts)):
        raise NotFound(f"expected a level from 0 to {count - 1}, found {level}")
    scale = 2 ** (count - 1 - level)
    return math.ceil(facts.width / scale), math.ceil(facts.height / scale)
