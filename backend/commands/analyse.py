"""``scanproof analyse``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import WrongUse, existing_file, output_folder
from backend.commands.console import Console, columns
from backend.commands.frames import add_frame, read_frame

if TYPE_CHECKING:
    from ml.analysis.steps import Analysis, Figure, Step

HELP = (
    "Analyse an image step by step; nothing is stored\n\n"
    "Filter, statistics, texture, threshold and outlined region, without a model."
)
EXAMPLE = "scanproof analyse scan.png --output steps"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="IMAGE", type=existing_file, help="the image")
    parser.add_argument(
        "--output", metavar="DIR", type=output_folder, help="write a PNG for each step into this directory"
    )
    add_frame(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.images.decoded_images import DecodedImages
    from backend.adapters.models.bundled import analyse

    analysis = analyse(read_frame(options.file, options.frame), DecodedImages())
    pictures = _write(analysis, options.output) if options.output else {}
    steps = [_described(step) | {"picture": pictures.get(step.name)} for step in analysis.steps]
    console.result({"stained": analysis.stained, "steps": steps}, _in_words(analysis, options.output))
    return 0


def _write(analysis: Analysis, folder: Path) -> dict[str, str]:
    """The written files by the names of the steps. Numbers put them in order in a listing."""
    paths = {step.name: folder / f"{place}-{step.name}.png" for place, step in enumerate(analysis.steps, 1)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for step in analysis.steps:
            paths[step.name].write_bytes(step.png())
    except OSError as error:
        raise WrongUse(f"the pictures cannot be written to {folder}: {error.strerror}") from error
    return {name: str(path) for name, path in paths.items()}


def _described(step: Step) -> dict[str, Any]:
    figures = [
        {name: getattr(figure, name) for name in ("name", "title", "value", "unit", "explanation")}
        for figure in step.figures
    ]
    return {"name": step.name, "title": step.title, "explanation": step.explanation, "figures": figures}


def _in_words(analysis: Analysis, folder: Path | None) -> str:
    rows = []
    for step in analysis.steps:
        rows += [(step.title, "")] if step.figures else []
        rows += [(f"  {figure.title}", _value(figure)) for figure in step.figures]
    rows += [("Pictures", str(folder))] if folder else []
    return (
        f"{columns(rows)}\n\nThe outline is the result of a threshold, not a finding. For research; not for diagnosis."
    )


def _value(figure: Figure) -> str:
    decimals = 0 if float(figure.value).is_integer() else 4 if abs(figure.value) < 10 else 1
    return f"{figure.value:,.{decimals}f} {figure.unit}".rstrip()
