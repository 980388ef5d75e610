"""Draws a grid of test images with predictions. It shows images of the data set, so its licence applies to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.compare.results import Result
from ml.datasets import read_image
from ml.datasets.manifest import file_within
from ml.errors import WrongChoice
from ml.report.canvas import new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 6
RIGHT, WRONG = "#1b6640", "#9c2328"


def check_examples(result: Result, data: Path) -> None:
    """Raises WrongChoice where the folder ``data`` lacks one of the result's example images."""
    for example in result["examples"]:
        try:
            file_within(data.resolve(), data / example["path"])
        except WrongChoice as exc:
            name = result["data"]["name"]
            raise WrongChoice(f"expected the images of {name} in {data}, found no {example['path']}") from exc


def example_grid(result: Result, data: Path) -> bytes:
    """A PNG with the result's example images from the folder ``data``: truth, answer and confidence; wrong ones red.

    Raises:
        MlError: one cannot be read, or matplotlib is not installed.
    """
    examples = result["examples"]
    rows = -(-len(examples) // COLUMNS)
    figure = new_figure(COLUMNS * 1.9, rows * 1.8)
    for number, example in enumerate(examples, 1):
        _draw(figure.add_subplot(rows, COLUMNS, number), example, data)
    return png(figure)


def _draw(axes: Axes, example: dict[str, Any], data: Path) -> None:
    image = read_image(data / example["path"])
    image.thumbnail((200, 200))
    answer = max(example["probabilities"], key=example["probabilities"].get)
    right = answer == example["label"]
    text = f"{answer} {example['probabilities'][answer]:.0%}" + ("" if right else f"\nis {example['label']}")
    axes.imshow(image, cmap="gray" if image.mode == "L" else None)
    axes.set_title(text, fontsize=8, color=RIGHT if right else WRONG, parse_math=False)
    axes.set_axis_off()
