"""One picture of a file: of a DICOM file of several frames, or of a NIfTI volume, the one that is named."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.commands.arguments import WrongUse, positive, read_image


def add_frame(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--frame",
        metavar="N",
        type=positive,
        help="the frame of a DICOM file, or the axial slice of a NIfTI volume from below, counted from 1",
    )


def read_frame(path: Path, frame: int | None) -> bytes:
    """The image as it would be pinned, without metadata; of a file of several pictures number ``frame`` as the models
    see it, an 8-bit PNG.

    Raises WrongUse without a number where it is needed, and for one that the file does not have; UnsupportedImage,
    ImageTooLarge, ServerBusy.
    """
    from backend.adapters.images.inspector import PillowInspector

    inspector = PillowInspector()
    content, facts = inspector.examine(read_image(path))
    if frame is None and facts.frames > 1:
        raise WrongUse(f"{path} has {facts.frames} pictures: name one with --frame, from 1 to {facts.frames}")
    if frame is not None and frame > facts.frames:
        raise WrongUse(f"argument --frame: expected a whole number from 1 to {facts.frames}, found {frame}")
    return inspector.view(content, (frame or 1) - 1) or content
