"""The writer of each kind of export, imported when it is used: the libraries of some are large."""

from __future__ import annotations

from importlib import import_module

from backend.exports import ExportedFile, Originals, RecordFacts

WRITERS = {
    "sr": "structured_report",
    "seg": "segmentation",
    "sc": "secondary_capture",
}
"""By the kinds of ``backend.exports.KINDS``: modules of this folder, each with a function ``write`` of the same
arguments, without the kind."""


def write(kind: str, facts: RecordFacts, originals: Originals | None) -> ExportedFile:
    """The file of that kind. ``originals`` are None, or those of the sender for a kind that is ``identified``.

    Raises Conflict where there is nothing to write; UnsupportedImage, ImageTooLarge, ServerBusy.
    """
    written: ExportedFile = import_module(f"{__package__}.{WRITERS[kind]}").write(facts, originals)
    return written
