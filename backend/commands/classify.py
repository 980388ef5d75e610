"""``scanproof classify``."""

from __future__ import annotations

import argparse

from backend.commands.arguments import existing_file, read_image
from backend.commands.console import Console, columns

HELP = "Classify an image, as the server would; nothing is stored"
EXAMPLE = "scanproof classify scan.png --model brain-mri"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=existing_file)
    parser.add_argument("--model", metavar="NAME", help="the model (default: the first of `scanproof models`)")


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.classifier import BundleClassifier
    from backend.adapters.image_inspector import PillowInspector

    # What is classified is what would be pinned, without metadata.
    content, _ = PillowInspector().accept(read_image(options.file))
    classifier = BundleClassifier()
    model = classifier.resolve(options.model)
    prediction, _ = classifier.predict(model, content)
    values = {
        "label": prediction.label,
        "confidence": prediction.confidence,
        "probabilities": dict(prediction.probabilities),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
    }
    rows = [("Label", prediction.label), ("Confidence", f"{prediction.confidence:.1%}")]
    rows += [("Reason", prediction.reason)] if prediction.reason else []
    rows += [(f"  {label}", f"{p:.1%}") for label, p in prediction.probabilities.items()]
    rows += [("Model", f"{model.name} {model.version}"), ("SHA-256", model.sha256)]
    console.result(values, f"{columns(rows)}\n\nFor research; not for diagnosis.")
    return 0
