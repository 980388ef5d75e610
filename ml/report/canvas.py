"""Draws with matplotlib without its global state."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ml.datasets.class_frequencies import COLOURS, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Item = TypeVar("Item")
COLUMNS = 3
DPI = 120

__all__ = ["COLOURS", "INK", "grid", "new_figure", "png"]


def grid(items: Sequence[Item], draw: Callable[[Axes, Item], None], width: float = 3.6, height: float = 3.2) -> bytes:
    """A PNG with a small chart for each item, three in a row; ``draw`` draws one of them."""
    columns = min(COLUMNS, len(items))
    rows = -(-len(items) // columns)
    figure = new_figure(columns * width, rows * height)
    for number, item in enumerate(items, 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        draw(axes, item)
    return png(figure)


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()
