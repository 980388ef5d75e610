"""Writes the report: ``report.html`` and a file for every picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml import progress
from ml.compare.overview import of_data
from ml.compare.results import Result, read_results
from ml.errors import WrongChoice
from ml.report import charts
from ml.report.examples import check_examples, example_grid
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
        WrongChoice: there are no results, or ``data`` is another data set of that name. Nothing was written.
        MlError: matplotlib is not installed, or an image cannot be decoded.
    """
    found = read_results(results)
    if not found:
        raise WrongChoice(f"expected results of scanproof compare in {results}, found none")
    names = list(dict.fromkeys(result["data"]["name"] for result in found))
    folders = {name: _folder_of(name, data) for name in names}
    for name, folder in folders.items():
        if folder:
            check_examples(of_data(found, name)[0], folder)
    output.mkdir(parents=True, exist_ok=True)
    written, pictures = [], {}
    for name in names:
        pictures[name] = _pictures(name, of_data(found, name), folders[name])
        for title, (_, content) in pictures[name].items():
            written.append(output / f"{name}-{title}.png")
            written[-1].write_bytes(content)
    written.append(output / "report.html")
    written[-1].write_text(page(found, pictures), encoding="utf-8")
    return written


def _folder_of(name: str, data: Path | None) -> Path | None:
    """The folder of the data set ``name``: ``data`` itself, or one in it."""
    folders = (data / name, data) if data else ()
    return next((folder for folder in folders if folder.resolve().name == name and folder.is_dir()), None)


def _pictures(name: str, results: Sequence[Result], folder: Path | None) -> dict[str, tuple[str, bytes]]:
    drawn = {}
    for title, (words, draw) in CHARTS.items():
        progress.report(f"drawing {name}: {title}")
        drawn[title] = (words, draw(results))
    if folder:
        first = results[0]
        words = (
            f"Test images with the answers of {charts.title_of(first)}; green is right, red is wrong, "
            "with the truth below"
        )
        drawn["examples"] = (words, example_grid(first, folder))
    return drawn
