"""``scanproof evaluate``."""

from __future__ import annotations

import argparse
from typing import Any

from backend.commands.arguments import WrongUse, existing_folder, names, word
from backend.commands.console import Console, columns
from backend.commands.model_arguments import installed_model

HELP = (
    "Measure a model on labelled images\n\n"
    "The images lie in a directory with a manifest.csv, or in a directory for each label."
)
EXAMPLE = "scanproof evaluate --model brain-mri --data ../shared/data/brain-mri --split test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", required=True, type=installed_model, help="the installed model")
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder, help="the images")
    parser.add_argument("--split", metavar="NAME", type=word, help="use only this split (default: all images)")
    parser.add_argument(
        "--apart-from",
        dest="exclude_duplicates_of",
        metavar="A[,B]",
        type=names,
        default=[],
        help="leave out images that have a near-duplicate in one of these splits, for example train",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    if options.split in options.exclude_duplicates_of:
        raise WrongUse(f"--apart-from {options.split} leaves nothing of --split {options.split}")

    from ml.bundle.kinds import KINDS, Answer
    from ml.evaluation.evaluate_model import evaluate
    from ml.inference.registry import Registry

    texts = {Answer.DIAGNOSIS: _labels, Answer.MODALITY: _labels, Answer.OUTLINE: _outlines}
    registry = Registry()
    metrics = evaluate(
        model=options.model,
        data=options.data,
        split=options.split,
        registry=registry,
        exclude_duplicates_of=",".join(options.exclude_duplicates_of) or None,
    )
    answer = KINDS[registry.bundle(options.model).metadata.kind].answer
    console.result(metrics, texts[answer](metrics))
    return 0


def _outlines(metrics: dict[str, Any]) -> str:
    rows = [
        ("Model", f"{metrics['model']['name']} {metrics['model']['version']}"),
        ("SHA-256", metrics["model"]["sha256"]),
        ("Images", _images(metrics)),
        ("Mean Dice", _with_interval(metrics, "dice")),
        ("Median Dice", f"{metrics['dice_median']:.1%}"),
        ("Mean IoU", _with_interval(metrics, "iou")),
        ("Found", _with_interval(metrics, "found")),
        ("Threshold method", _with_interval(metrics, "threshold_method_dice")),
        ("Intervals", f"95 %, bootstrap over {metrics['blocks']:,} blocks of slices"),
    ]
    labels = [
        f"{label:<18}    {row['dice']:>7.1%} {row['dice_median']:>7.1%} {row['iou']:>7.1%} {row['images']:>7,}"
        for label, row in metrics["by_label"].items()
    ]
    return columns(rows) + "\n\n" + "\n".join([f"{'Tumour':<18}  mean Dice  median     IoU  images", *labels])


def _labels(metrics: dict[str, Any]) -> str:
    model, abstention = metrics["model"], metrics["abstention"]
    answering = abstention["accuracy_when_answering"]
    positive = f", {metrics['positive']}" if metrics["positive"] else ", mean"
    by = f"{metrics['groups']:,} groups" if metrics["resampled_by"] == "group" else "images"
    rows = [
        ("Model", f"{model['name']} {model['version']}"),
        ("SHA-256", model["sha256"]),
        ("Images", _images(metrics)),
        ("Accuracy", _with_interval(metrics, "accuracy")),
        ("Balanced accuracy", _with_interval(metrics, "balanced_accuracy")),
        (f"Sensitivity{positive}", _with_interval(metrics, "sensitivity")),
        (f"Specificity{positive}", _with_interval(metrics, "specificity")),
        (f"F1{positive}", _with_interval(metrics, "f1")),
        ("ROC-AUC", _with_interval(metrics, "macro_auc")),
        (f"PR-AUC{positive}", _with_interval(metrics, "pr_auc")),
        ("Calibration error", f"{metrics['expected_calibration_error']:.4f}"),
        ("Brier score", f"{metrics['brier_score']:.4f}"),
        ("Abstained", f"{abstention['rate']:.1%}"),
        ("Accuracy otherwise", "no answer at all" if answering is None else f"{answering:.1%}"),
        ("Intervals", f"95 %, bootstrap over {by}"),
    ]
    classes = [f"{'Class':<18}  precision  recall      F1  images"]
    for label, figures in metrics["classes"].items():
        shares = "  ".join(f"{figures[name]:>7.1%}" for name in ("recall", "f1"))
        classes.append(f"{label:<18}    {figures['precision']:>7.1%} {shares} {figures['support']:>7,}")
    return columns(rows) + "\n\n" + "\n".join(classes)


def _images(metrics: dict[str, Any]) -> str:
    split = f" of the split {metrics['split']}" if metrics["split"] else ""
    excluded = f", without near-duplicates in {metrics['apart_from']}" if metrics["apart_from"] else ""
    return f"{metrics['images']:,}{split}{excluded}"


def _with_interval(metrics: dict[str, Any], name: str) -> str:
    value, interval = metrics[name], metrics[f"{name}_interval"]
    if value is None:
        return "undefined: no such images"
    return f"{value:.1%}" + (f" ({interval[0]:.1%} to {interval[1]:.1%})" if interval else "")
