"""``scanproof data``."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import WrongUse, existing_folder, file_in_folder
from backend.commands.console import Console, columns
from backend.printable import one_line

if TYPE_CHECKING:
    from ml.datasets.duplicates import Duplicates
    from ml.datasets.survey import Survey

HELP = (
    "List the public image sets, or check labelled images\n\n"
    "A check counts images and finds damaged files, near-duplicates and leakage."
)
EXAMPLE = "scanproof data ../shared/data/brain-mri --output classes.png"

BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=existing_folder,
        help="with a manifest.csv, the BreakHis tree, or a directory for each class (default: list the public sets)",
    )
    parser.add_argument(
        "--output", metavar="CHART.png", type=file_in_folder, help="write a chart of the class frequencies"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    if options.folder is None:
        if options.output:
            raise WrongUse("--output needs DIR, whose chart it is")
        return _sources(console)

    from ml.datasets import read_samples
    from ml.datasets.class_frequencies import class_frequency_chart
    from ml.datasets.survey import survey

    found = survey(read_samples(options.folder))
    if options.output:
        counts = {one_line(label): parts for label, parts in found.labels_by_part().items()}
        options.output.write_bytes(class_frequency_chart(one_line(options.folder.resolve().name), counts))
    console.result(_values(options, found), _layout(options, found))
    return 0 if all(check.passed for check in found.checks) else 1


def _sources(console: Console) -> int:
    from ml.datasets.sources import PUBLIC_SETS

    text = "\n\n".join(
        columns([(field.capitalize(), value) for field, value in asdict(public).items()]) for public in PUBLIC_SETS
    )
    console.result({"sets": [asdict(public) for public in PUBLIC_SETS]}, text)
    return 0


def _values(options: argparse.Namespace, found: Survey) -> dict[str, Any]:
    def names(sets: tuple[Duplicates, ...]) -> list[list[str]]:
        return [[str(sample.path.relative_to(options.folder)) for sample in each] for each in sets]

    sizes = Counter(f"{width}x{height}" for width, height in found.sizes)
    return {
        "folder": str(options.folder),
        "images": len(found.samples),
        "labels": found.counts("label"),
        "splits": found.counts("split"),
        "folds": found.counts("fold"),
        "labels_by_part": found.labels_by_part(),
        "groups": found.counts("group"),
        "magnifications": found.counts("magnification"),
        "tumour_types": found.counts("tumour_type"),
        "sizes": dict(sizes.most_common()),
        "unreadable": [
            {"path": str(sample.path.relative_to(options.folder)), "reason": reason}
            for sample, reason in found.unreadable
        ],
        "duplicates": names(found.leakage.duplicates),
        "duplicates_across_splits": names(found.leakage.crossing),
        "duplicates_with_several_labels": names(found.leakage.mislabelled),
        "groups_across_splits": list(found.leakage.groups),
        "checks": [asdict(check) for check in found.checks],
        "chart": str(options.output) if options.output else None,
    }


def _layout(options: argparse.Namespace, found: Survey) -> str:
    parts = [_frequencies(found), columns(_facts(found))] if found.samples else []
    parts.append(
        "\n".join(
            f"{'passed' if check.passed else 'FAILED'}  {check.name}: {one_line(check.detail)}"
            for check in found.checks
        )
    )
    if options.output:
        parts.append(f"Chart: {options.output}")
    return "\n\n".join(parts)


def _frequencies(found: Survey) -> str:
    """A line a class: images in each split, in all, a bar, and its share."""
    counts = found.labels_by_part()
    parts = [part for part in next(iter(counts.values())) if part]
    totals = found.counts("label")
    width = max(len("Class"), *(len(one_line(label)) for label in totals))
    lines = ["  ".join([f"{'Class':<{width}}", *(f"{part:>7}" for part in parts), f"{'images':>7}"])]
    for label, total in totals.items():
        figures = [f"{counts[label][part]:>7,}" for part in parts]
        bar = "█" * max(1, round(BAR * total / max(totals.values())))
        share = f"{bar} {total / len(found.samples):.1%}"
        lines.append("  ".join([f"{one_line(label):<{width}}", *figures, f"{total:>7,}", share]))
    sums = [sum(each[part] for each in counts.values()) for part in parts] + [len(found.samples)]
    lines.append("  ".join([f"{'All':<{width}}", *(f"{figure:>7,}" for figure in sums)]))
    return "\n".join(lines)


def _facts(found: Survey) -> list[tuple[str, str]]:
    """Figures of all images together, without those that the directory says nothing about."""
    groups = found.counts("group")
    duplicates = found.leakage.duplicates
    rows = [
        ("Sizes", _sizes(found)),
        ("Folds", _listed(found.counts("fold")) if found.counts("split") else ""),
        ("Groups", f"{len(groups):,}, of {min(groups.values())} to {max(groups.values())} images" if groups else ""),
        ("Magnifications", _listed(found.counts("magnification"), "X")),
        ("Tumour types", _listed(found.counts("tumour_type"))),
        ("Near-duplicates", f"{sum(map(len, duplicates)):,} images in {len(duplicates):,} sets"),
    ]
    return [row for row in rows if row[1]]


def _sizes(found: Survey) -> str:
    sizes = Counter(f"{width} x {height}" for width, height in found.sizes)
    ((common, count),) = sizes.most_common(1)
    if len(sizes) == 1:
        return common
    widths, heights = zip(*found.sizes, strict=True)
    return (
        f"{len(sizes):,}; {min(widths)} to {max(widths)} wide, {min(heights)} to {max(heights)} high; "
        f"most often {common} ({count:,})"
    )


def _listed(counts: dict[str, int], unit: str = "") -> str:
    return ", ".join(f"{one_line(value)}{unit} {count:,}" for value, count in counts.items())
