"""Draws the chart of class frequencies."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml.errors import MlError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#2f6db5", "#e0962f", "#3b9c6d", "#8a5fb0", "#c2504f", "#6f7b85")
INK = "#1c2733"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sides in inches. Raises MlError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise MlError(
            "expected matplotlib to draw a chart with, found that it is not installed: uv sync --group dev"
        ) from exc
    return Figure(figsize=(width, height), layout="constrained")


def class_frequency_chart(title: str, counts: Mapping[str, Mapping[str, int]]) -> bytes:
    """A PNG with a bar a class, stacked by split, from counts by label and then by split (S4's chart).

    Raises:
        MlError: matplotlib is not installed.
    """
    labels = list(counts)
    parts = list(next(iter(counts.values())))
    figure = new_figure(max(5.0, 1.3 * len(labels) + 2.5), 4.2)
    axes = figure.add_subplot()
    base = [0] * len(labels)
    for number, part in enumerate(parts):
        heights = [counts[label][part] for label in labels]
        axes.bar(labels, heights, 0.65, base, label=part, color=COLOURS[number % len(COLOURS)])
        base = [below + height for below, height in zip(base, heights, strict=True)]
    for position, total in enumerate(base):
        axes.annotate(f"{total:,}", (position, total), (0, 3), textcoords="offset points", ha="center", color=INK)
    # A file or folder name is plain text: a $ in it starts no formula.
    axes.set_title(title, color=INK, parse_math=False)
    axes.set_xticks(range(len(labels)), labels, parse_math=False)
    axes.set_ylabel("images", color=INK)
    axes.margins(y=0.1)
    axes.spines[["top", "right"]].set_visible(False)
    if len(parts) > 1:
        figure.legend(frameon=False, loc="outside right center")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return file.getvalue()
