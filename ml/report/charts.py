"""The report's charts, each a PNG from the results of one data set; the sources' own figures are marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ml.compare.published import PUBLISHED
from ml.compare.results import Result
from ml.report.canvas import COLOURS, INK, grid, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THEIRS = "#aab4bd"
COSTS: tuple[tuple[str, Callable[[Result], float]], ...] = (
    ("seconds an epoch", lambda result: result["cost"]["seconds_per_epoch"]),
    ("parameters, million", lambda result: result["network"]["parameters"]["total"] / 1e6),
    ("exported file, MB", lambda result: result["cost"]["bytes"] / 1e6),
    ("milliseconds an image", lambda result: result["cost"]["milliseconds"]),
)


def title_of(result: Result) -> str:
    return f"{result['network']['name']}, {result['recipe']['name']}, {result['protocol']}"


def training_curves(results: Sequence[Result]) -> bytes:
    """Loss on train and val by epoch, a line for each division."""

    def draw(axes: Axes, result: Result) -> None:
        for number, history in enumerate(result["training"]):
            for name, colour, label in (("loss", COLOURS[0], "train"), ("val_loss", COLOURS[1], "val")):
                values = [float("nan") if value is None else value for value in history.get(name, ())]
                steps = range(1, len(values) + 1)
                axes.plot(steps, values, color=colour, lw=1.2, label=None if number else label)
        axes.set_title(title_of(result), fontsize=9, color=INK)
        axes.set_xlabel("epoch", fontsize=8)
        axes.set_ylabel("loss", fontsize=8)
        axes.legend(frameon=False, fontsize=8)

    return grid(results, draw)


def roc(results: Sequence[Result]) -> bytes:
    def draw(axes: Axes, result: Result) -> None:
        axes.plot([0, 1], [0, 1], color=THEIRS, lw=1, ls="--")
        for colour, curve in zip(COLOURS * 4, result["curves"]["roc"], strict=False):
            label = f"{curve['label']} {_two(result['figures']['classes'][curve['label']]['auc'])}"
            axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=colour, lw=1.4, label=label)
        axes.set_title(title_of(result), fontsize=9, color=INK)
        axes.set_xlabel("false positive rate", fontsize=8)
        axes.set_ylabel("true positive rate", fontsize=8)
        axes.set_aspect("equal")
        axes.legend(frameon=False, fontsize=7, loc="lower right")

    return grid(results, draw)


def reliability(results: Sequence[Result]) -> bytes:
    """Accuracy against confidence; the size of a dot shows the number of images."""

    def draw(axes: Axes, result: Result) -> None:
        bins = result["curves"]["reliability"]
        most = max(each["images"] for each in bins)
        x, y = ([each[name] for each in bins] for name in ("confidence", "accuracy"))
        axes.plot([0, 1], [0, 1], color=THEIRS, lw=1, ls="--")
        axes.plot(x, y, color=COLOURS[0], lw=1.2)
        axes.scatter(x, y, [12 + 60 * each["images"] / most for each in bins], color=COLOURS[0])
        axes.set_title(
            f"{title_of(result)}\ncalibration error {_two(result['figures']['expected_calibration_error'])}",
            fontsize=9,
            color=INK,
        )
        axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02))
        axes.set_xlabel("confidence", fontsize=8)
        axes.set_ylabel("accuracy", fontsize=8)

    return grid(results, draw)


def confusion(results: Sequence[Result]) -> bytes:
    def draw(axes: Axes, result: Result) -> None:
        labels, rows = result["figures"]["confusion"]["labels"], result["figures"]["confusion"]["rows_are_truth"]
        shares = [[count / max(1, sum(row)) for count in row] for row in rows]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for y, row in enumerate(rows):
            for x, count in enumerate(row):
                colour = "white" if shares[y][x] > 0.6 else INK
                axes.text(x, y, str(count), ha="center", va="center", fontsize=8, color=colour)
        ticks = range(len(labels))
        axes.set_xticks(ticks, labels, rotation=30, ha="right", parse_math=False)
        axes.set_yticks(ticks, labels, parse_math=False)
        axes.set_xlabel("answer", fontsize=8)
        axes.set_ylabel("truth", fontsize=8)
        axes.set_title(title_of(result), fontsize=9, color=INK)

    return grid(results, draw)


def comparison(results: Sequence[Result]) -> bytes:
    """S1's chart: the networks' AUC, with intervals, and loss, beside the sources' own figures on their own data."""
    names = {result["network"]["name"] for result in results}
    theirs = [each for each in PUBLISHED if each.auc is not None and each.network in names]
    labels = [title_of(result) for result in results] + [f"{each.network}, {each.source}'s own" for each in theirs]
    colours = [COLOURS[0]] * len(results) + [THEIRS] * len(theirs)
    figure = new_figure(11, 1.2 + 0.34 * len(labels))
    for place, (name, key) in enumerate((("ROC-AUC", "macro_auc"), ("loss", "negative_log_likelihood")), 1):
        axes = figure.add_subplot(1, 2, place)
        values = [result["figures"][key] for result in results]
        values += [each.auc if key == "macro_auc" else each.loss for each in theirs]
        axes.barh(range(len(labels)), [value or 0 for value in values], color=colours)
        for row, result in enumerate(results):
            if interval := result["figures"][f"{key}_interval"]:
                axes.plot(interval, [row, row], color=INK, lw=1.4)
        axes.set_yticks(range(len(labels)), labels if place == 1 else [""] * len(labels), fontsize=8)
        axes.set_xlabel(name, fontsize=9)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    if theirs:
        figure.suptitle("grey: published by the source, on its own data", fontsize=9, color=INK)
    return png(figure)


def costs(results: Sequence[Result]) -> bytes:
    """Time, parameters, size and milliseconds, on logarithmic scales."""
    figure = new_figure(11, 1.2 + 0.34 * len(results))
    for place, (name, value) in enumerate(COSTS, 1):
        axes = figure.add_subplot(1, len(COSTS), place)
        axes.barh(range(len(results)), [value(result) for result in results], color=COLOURS[2])
        axes.set_yticks(
            range(len(results)), [title_of(r) if place == 1 else "" for r in results], fontsize=8, parse_math=False
        )
        axes.set_xscale("log")
        axes.tick_params(axis="x", which="both", labelsize=8)
        axes.xaxis.set_minor_formatter("")
        axes.set_xlabel(name, fontsize=8)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def _two(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
