"""Writes the report: ``report.html`` and a file for every picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml import progress
from ml.compare.overview import of_data
from ml.compare.results import Result, read_results
from ml.errors import MlError
from ml.report import charts
from ml.report.examples import example_grid
from ml.report.page import page

CHARTS = {
    "comparison": (
        "ROC-AUC and loss with 95 % intervals; the numbers are in the table",
        charts.comparison,
    ),
    "training": ("Loss on train and val by epoch", charts.training_curves),
    "roc": ("ROC curves, with each area", charts.roc),
    "reliability": ("Reliability: accuracy against confidence; on the dashed line they are equal", charts.reliability),
    "confusion": ("Confusion matrices: a row is the truth, a column the answer", charts.confusion),
    "costs": (
        "Time, parameters, size and milliseconds an image; the numbers are in the table",
        charts.costs,
    ),
}


def write_report(results: Path, output: Path, data: Path | None = None) -> list[Path]:
    """Write the page and pictures of all ``results`` to ``output``; returns the paths written.

    ``data`` is a folder of images, or one that contains such folders by name. Where it has a data set of the results, a
    grid of its test images with the best network's answers is drawn.

    Raises:
        ResultInvalid: a file is no result.
        MlError: there are no results, matplotlib is not installed, or ``data`` is another data set of that name.
    """
    found = read_results(results)
    if not found:
        raise MlError(f"expected results of scanproof compare in {results}, found none")
    output.mkdir(parents=True, exist_ok=True)
    written, pictures = [], {}
    for name in dict.fromkeys(result["data"]["name"] for result in found):
        pictures[name] = _pictures(name, of_data(found, name), data)
        for title, (_, content) in pictures[name].items():
            written.append(output / f"{name}-{title}.png")
            written[-1].write_bytes(content)
    written.append(output / "report.html")
    written[-1].write_text(page(found, pictures), encoding="utf-8")
    return written


def _pictures(name: str, results: Sequence[Result], data: Path | None) -> dict[str, tuple[str, bytes]]:
    drawn = {}
    for title, (words, draw) in CHARTS.items():
        progress.report(f"drawing {name}: {title}")
        drawn[title] = (words, draw(results))
    for folder in (data / name, data) if data else ():
        if folder.resolve().name == name and folder.is_dir():
            first = results[0]
            words = (
                f"Test images with the answers of {charts.title_of(first)}; green is right, red is wrong, "
                "with the truth below"
            )
            return drawn | {"examples": (words, example_grid(first, folder))}
    return drawn
