"""Writes the model card (Mitchell et al. 2019) from what was measured."""

from __future__ import annotations

from typing import Any

from ml.metadata import Metadata

WEAKNESSES = """\
- The images without a tumour come from another source than the tumour images: other scanners, sequences, file sizes.
  Cropping the borders removes part of that clue, not all of it; see the probes above. On a hospital's own images the
  figures will be lower.
- The collection has no patient ids. Near-duplicates are kept in one split, but different slices of one patient may lie
  in different splits, so the figures are not patient-level.
- "No tumour" means that none of the three kinds was recognised. Other lesions (strokes, metastases) have no class, and
  some images labelled as free of tumour show them.
- The abstention limits are fitted to this collection. A body part or sequence that looks much like these images may
  still be answered.
- One slice as a picture is judged, not a study; nothing is known of age, history or other sequences.
"""


def write_card(metadata: Metadata, metrics: dict[str, Any]) -> str:
    """Markdown. ``metrics`` is what ``metrics.json`` holds."""
    splits = [name for name in ("test", "val") if name in metrics]
    training, limits = metadata.training, metadata.abstention
    return "\n".join(
        [
            f"# {metadata.name} {metadata.version}",
            "",
            f"**Intended use.** {metadata.intended_use}",
            "",
            f"**Data.** {metadata.data}",
            "",
            f"**Licence.** {metadata.licence}",
            "",
            f"**Training.** A residual network of {training['parameters']:,} parameters, from scratch, on "
            f"{training['images']:,} images of {metadata.input_size} x {metadata.input_size} pixels "
            f"({metadata.preprocessing}); {training['epochs']} epochs, seed {training['seed']}.",
            "",
            "**Protocol.** Weights are fitted on train. Every choice, the temperature "
            f"({metadata.temperature:.3f}) and the abstention limits are made on val, whose figures are therefore "
            "flattering; test was measured at the end only and decided nothing. Intervals are 95 % bootstrap intervals "
            "over images.",
            "",
            "## Figures",
            "",
            "An answer is forced from every image, except in the last two lines.",
            "",
            *_table(["", *splits], [[title, *(show(metrics[name]) for name in splits)] for title, show in ROWS]),
            "",
            *_class_table(metrics[splits[0]], splits[0]),
            "",
            "## Abstention",
            "",
            f"The model declines when the Mahalanobis score is over {limits.score:.2f} (which "
            f"{limits.false_alarm_rate:.0%} of the val images exceed), the colourfulness is over "
            f"{limits.colourfulness:g}, or no class reaches {limits.confidence:.0%}. Share of images, all of them "
            "unlike brain MRI, on which it declines:",
            "",
            *_table(
                ["kind", "images", "declined"],
                [[kind, str(row["images"]), _percent(row["abstained"])] for kind, row in metrics["outliers"].items()],
            ),
            "",
            "## Probes for short-cuts",
            "",
            f"Accuracy on {splits[0]} with clues removed (chance is about {1 / len(metadata.classes):.0%}):",
            "",
            *_table(["what is left", "accuracy"], [[PROBES[k], _percent(v)] for k, v in metrics["shortcuts"].items()]),
            "",
            "## Weaknesses",
            "",
            WEAKNESSES,
        ]
    )


PROBES = {
    "centre_only": "a central disc, borders and skull black",
    "outline_only": "the outline of the head alone",
    "image_size_alone": "no network: width and height of the file",
}


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * value:.1f} %"


def _with_interval(figures: dict[str, Any], name: str) -> str:
    low, high = figures[f"{name}_interval"]
    return f"{_percent(figures[name])} ({100 * low:.1f} to {100 * high:.1f})"


ROWS = (
    ("images", lambda figures: str(figures["images"])),
    ("accuracy", lambda figures: _with_interval(figures, "accuracy")),
    ("balanced accuracy", lambda figures: _with_interval(figures, "balanced_accuracy")),
    ("macro AUC", lambda figures: "n/a" if figures["macro_auc"] is None else f"{figures['macro_auc']:.4f}"),
    ("expected calibration error", lambda figures: f"{figures['expected_calibration_error']:.4f}"),
    ("Brier score", lambda figures: f"{figures['brier_score']:.4f}"),
    ("abstains", lambda figures: _percent(figures["abstention"]["rate"])),
    ("accuracy when answering", lambda figures: _percent(figures["abstention"]["accuracy_when_answering"])),
)


def _class_table(figures: dict[str, Any], split: str) -> list[str]:
    confusion = dict(zip(figures["confusion"]["labels"], figures["confusion"]["rows_are_truth"], strict=True))
    header = [f"{split}: truth", *(f"as {label}" for label in confusion), "precision", "recall", "F1"]
    rows = [
        [label, *map(str, confusion[label]), *(f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))]
        for label, row in figures["classes"].items()
    ]
    return _table(header, rows)


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows]]
