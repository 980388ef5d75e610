"""Writes the model card (Mitchell et al. 2019) of any kind of bundle from its metadata and what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml.bundle.metadata import TRAIN_ALONE, Abstention, Metadata

NOTICE = "Not a medical device; not for diagnosis, screening or treatment."
PROTOCOLS = {
    "test": "test: measured at the end only, and decided nothing.",
    "test_apart": "test_apart: the images of test that are no copy of one of train, nor a copy of a copy, turned and "
    "mirrored ones included; these figures are nearer to what new images give.",
    "grouped": "grouped: cross-validation in which no patient is both learned from and judged; every image is judged "
    "once, by a model that saw no other image of its patient. This is the figure to expect on new patients.",
    "paper": "paper: images split at random, 54 % to learn from, 13.6 % to choose on, 32.4 % to judge, as in the "
    "literature; images of one patient are on both sides, so the figures flatter.",
    "val": "val: choices were made on it, so its figures flatter; temperature and limits too, where it has no part "
    "apart.",
    "val_apart": "val_apart: the images of val that are no such copy; temperature and limits were fitted on these, and "
    "the members of an ensemble chosen.",
}
"""What can be measured, test before val; each is a key of metrics.json."""

REFIT_PROTOCOLS = PROTOCOLS | {
    "test_apart": "test_apart: the images of test that are no copy of one of train or val, which it learned from, nor "
    "a copy of a copy, turned and mirrored ones included; these figures are nearer to what new images give.",
}


def write_card(metadata: Metadata, metrics: Mapping[str, Any]) -> str:
    """Markdown. ``metrics`` is what ``metrics.json`` holds; a part that it lacks is left out."""
    measured = {name: metrics[name] for name in PROTOCOLS if name in metrics}
    protocols = PROTOCOLS if metadata.learned_from == TRAIN_ALONE else REFIT_PROTOCOLS
    chance = f"chance is about {1 / len(metadata.classes):.0%}"
    article = "An" if metadata.kind[0] in "aeiou" else "A"
    weak = ["", f"**Weak.** {metadata.weak}"] if metadata.weak else []
    weaknesses = [f"- {text}" for text in metadata.weaknesses]
    parts = [
        [f"# {metadata.name} {metadata.version}", "", f"{article} {metadata.kind} for {metadata.modality}.", *weak],
        [f"**Intended use.** {metadata.intended_use} {NOTICE}"],
        [f"**Data.** {metadata.data}"],
        [f"**Licence.** {metadata.licence}"],
        [f"**Training.** {_training(metadata)}"],
        ["**Protocol.** Intervals are 95 % bootstrap intervals.", "", *(f"- {protocols[name]}" for name in measured)],
        _section("Figures", _figures(measured)),
        *(_class_table(figures, name) for name, figures in measured.items()),
        *(_dice_table(figures["by_label"], name) for name, figures in measured.items() if "by_label" in figures),
        _section("Members", _members(metrics.get("members"))),
        _section("Abstention", _abstention(metadata.abstention, metadata.modality, metrics.get("outliers"))),
        _section("Probes for short-cuts", _probes(metrics.get("shortcuts"), next(iter(measured), ""), chance)),
        _section("Weaknesses", weaknesses),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines] if lines else []


def _training(metadata: Metadata) -> str:
    facts = "; ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in metadata.training.items())
    seen = f"{metadata.input_size} x {metadata.input_size} pixels ({metadata.preprocessing})"
    return f"{metadata.architecture} on {seen}; temperature {metadata.temperature:.3f}; {facts}."


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _range(low: str, high: str) -> str:
    return f" ({low.removesuffix(' %')} to {high.removesuffix(' %')})"


def _cell(figures: Mapping[str, Any], name: str, form: Callable[[float], str]) -> str:
    if (value := figures.get(name)) is None:
        return "n/a"
    interval = figures.get(f"{name}_interval")
    return form(value) + (_range(*map(form, interval)) if interval else "")


ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("images", "images", "{:,}".format),
    ("groups, each redrawn as a whole for the intervals", "groups", "{:,}".format),
    ("accuracy", "accuracy", _percent),
    ("balanced accuracy", "balanced_accuracy", _percent),
    ("sensitivity", "sensitivity", _percent),
    ("specificity", "specificity", _percent),
    ("precision", "precision", _percent),
    ("F1", "f1", "{:.3f}".format),
    ("macro AUC", "macro_auc", "{:.4f}".format),
    ("area under precision and recall", "pr_auc", "{:.4f}".format),
    ("expected calibration error", "expected_calibration_error", "{:.4f}".format),
    ("Brier score", "brier_score", "{:.4f}".format),
    ("mean Dice", "dice", "{:.3f}".format),
    ("median Dice", "dice_median", "{:.3f}".format),
    ("mean intersection over union", "iou", "{:.3f}".format),
    ("tumour found (Dice of at least one half)", "found", _percent),
    ("outline beside the tumour", "missed", _percent),
    ("mean Dice of the threshold method", "threshold_method_dice", "{:.3f}".format),
)
"""Title, name in the figures, and form; an interval stands under the name with ``_interval``."""

ABSTENTION_ROWS = (("abstains", "rate"), ("accuracy when answering", "accuracy_when_answering"))


def _figures(measured: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [
        [title, *(_cell(figures, name, form) for figures in measured.values())]
        for title, name, form in ROWS
        if any(figures.get(name) is not None for figures in measured.values())
    ]
    abstaining = any("abstention" in figures for figures in measured.values())
    rows += [
        [title, *(_cell(figures.get("abstention", {}), name, _percent) for figures in measured.values())]
        for title, name in ABSTENTION_ROWS
        if abstaining
    ]
    forced = ["An answer is forced from every image, except in the last two lines.", ""] if abstaining else []
    return [*forced, *_table(["", *measured], rows)] if rows else []


def _class_table(figures: Mapping[str, Any], split: str) -> list[str]:
    if "confusion" not in figures:
        return []
    confusion = dict(zip(figures["confusion"]["labels"], figures["confusion"]["rows_are_truth"], strict=True))
    header = [f"{split}: truth", *(f"as {label}" for label in confusion), "precision", "recall", "F1"]
    rows = [
        [label, *map(str, confusion[label]), *(f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))]
        for label, row in figures["classes"].items()
    ]
    return _table(header, rows)


def _dice_table(labels: Mapping[str, Mapping[str, Any]], split: str) -> list[str]:
    header = [split, "images", "mean Dice", "median", "found", "threshold method"]
    rows = [
        [
            label,
            str(row["images"]),
            *(f"{row[name]:.3f}" for name in ("dice", "dice_median")),
            _percent(row["found"]),
            f"{row['threshold_method_dice']:.3f}",
        ]
        for label, row in labels.items()
    ]
    return _table(header, rows)


def _abstention(limits: Abstention | None, modality: str, outliers: Mapping[str, Any] | None) -> list[str]:
    if limits is None:
        return []
    reasons = []
    if limits.score is not None:
        share = f"{limits.false_alarm_rate:.0%} of the images that it was set on exceed"
        reasons.append(f"the out-of-distribution score is over {limits.score:.2f} (which {share})")
    if limits.colourfulness is not None:
        reasons.append(f"the colourfulness is over {limits.colourfulness:g}")
    if limits.confidence is not None:
        reasons.append(f"no class reaches {limits.confidence:.0%}")
    lines = [f"The model declines when {', or '.join(reasons)}."]
    if outliers:
        rows = [[kind, str(row["images"]), _percent(row["abstained"])] for kind, row in outliers.items()]
        lines += [f"Share of images, all of them unlike {modality}, on which it declines:", ""]
        lines += _table(["kind", "images", "declined"], rows)
    return lines


def _members(members: list[Mapping[str, Any]] | None) -> list[str]:
    if not members:
        return []
    splits = [name for name in PROTOCOLS if any(name in row["accuracy"] for row in members)]
    header = ["member", "share", *(f"alone, accuracy on {split}" for split in splits)]
    return _table(
        header,
        [
            [row["name"], f"{row['share']:.0%}", *(_cell(row["accuracy"], split, _percent) for split in splits)]
            for row in members
        ],
    )


PROBES = {
    "centre_only": "a central disc, borders and skull black",
    "outline_only": "the outline of the head alone",
    "image_size_alone": "no network: width and height of the file",
}


def _probes(shortcuts: Mapping[str, float] | None, split: str, chance: str) -> list[str]:
    if not shortcuts:
        return []
    rows = [[PROBES.get(name, name), _percent(accuracy)] for name, accuracy in shortcuts.items()]
    return [f"Accuracy on {split} with clues removed ({chance}):", "", *_table(["what is left", "accuracy"], rows)]


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows]]
