"""The writer of each kind of export, imported when it is used: the libraries of some are large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from backend.exports import ExportedFile, Originals, RecordFacts
from backend.ports import DiagnosisSigner

WRITERS = {
    "sc": "secondary_capture",
    "fhir": "fhir",
    "prov": "prov",
    "pdf": "pdf",
}
"""By the kinds of ``backend.exports.KINDS``: modules of this folder, each with a function ``write`` of facts and
originals."""
SIGNING_WRITERS = {
    "vc": "credential",
    "c2pa": "content_credentials",
}
"""Those whose function ``write`` has facts and keys."""


@dataclass(frozen=True, slots=True)
class ExportKeys:
    """``classifier`` gives the classifier's key, None where it is not here. ``folder`` keeps the key and certificates
    that sign pictures."""

    classifier: Callable[[], DiagnosisSigner | None]
    folder: Path


def write(kind: str, facts: RecordFacts, originals: Originals | None, *, keys: ExportKeys) -> ExportedFile:
    """The file of that kind. ``originals`` are None, or those of the sender for a kind that is ``identified``.

    Raises Conflict where there is nothing to write; NotIssuer, UnsupportedImage, ImageTooLarge, ServerBusy,
    ConfigurationError.
    """
    written: ExportedFile
    if kind in SIGNING_WRITERS:
        written = import_module(f"{__package__}.{SIGNING_WRITERS[kind]}").write(facts, keys)
    else:
        written = import_module(f"{__package__}.{WRITERS[kind]}").write(facts, originals)
    return written
