"""``scanproof models``."""

from __future__ import annotations

import argparse

from backend.commands.console import Console

HELP = "List the installed models"
EXAMPLE = "scanproof models --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.models.bundled import BundledModels

    models = [model.to_json() for model in BundledModels().models()]
    lines = [
        f"{model['name']} {model['version']}  {model['kind']}, {model['modality']}\n"
        f"  labels  {', '.join(label['label'] for label in model['classes'])}\n"
        f"  sha256  {model['sha256']}" + (f"\n  weak    {model['weak']}" if model["weak"] else "")
        for model in models
    ]
    console.result({"models": models}, "\n\n".join(lines))
    return 0
