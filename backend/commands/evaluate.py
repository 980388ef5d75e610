"""``scanproof evaluate``."""

from __future__ import annotations

import argparse

from backend.commands.arguments import existing_folder
from backend.commands.console import Console, columns

HELP = "Measure a model on a folder of labelled images (manifest.csv with path, label)"
EXAMPLE = "scanproof evaluate --model brain-mri --data ../shared/data/brain-mri --split test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", required=True)
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder)
    parser.add_argument("--split", metavar="NAME", help="only the rows of this split (default: all)")


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.evaluate_command import evaluate

    metrics = evaluate(model=options.model, data=options.data, split=options.split)
    console.result(metrics, _layout(metrics))
    return 0


def _layout(metrics: dict) -> str:
    model, abstention, auc = metrics["model"], metrics["abstention"], metrics["macro_auc"]
    low, high = metrics["accuracy_interval"]
    answering = abstention["accuracy_when_answering"]
    rows = [
        ("Model", f"{model['name']} {model['version']}"),
        ("SHA-256", model["sha256"]),
        ("Images", f"{metrics['images']:,}" + (f" of the split {metrics['split']}" if metrics["split"] else "")),
        ("Accuracy", f"{metrics['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%})"),
        ("Balanced accuracy", f"{metrics['balanced_accuracy']:.1%}"),
        ("Macro AUC", "undefined for one class" if auc is None else f"{auc:.4f}"),
        ("Calibration error", f"{metrics['expected_calibration_error']:.4f}"),
        ("Abstained", f"{abstention['rate']:.1%}"),
        ("Accuracy otherwise", "no answer at all" if answering is None else f"{answering:.1%}"),
    ]
    classes = [f"{'Class':<18}  precision  recall      F1  images"]
    for label, figures in metrics["classes"].items():
        shares = "  ".join(f"{figures[name]:>7.1%}" for name in ("recall", "f1"))
        classes.append(f"{label:<18}    {figures['precision']:>7.1%} {shares} {figures['support']:>7,}")
    return columns(rows) + "\n\n" + "\n".join(classes)
