"""The writer of each kind of export, imported when it is used: the libraries of some are large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from backend.exports import ExportedFile, Originals, RecordFacts
from backend.ports import DiagnosisSigner

WRITERS = {
    "sr": "structured_report",
    "seg": "segmentation",
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


def write(kind: str, facts: RecordFacts, originals: Originals | None) -> ExportedFile:
    """The file of a kind of WRITERS. ``originals`` are None, or those of the sender for a kind that is ``identified``.

    Raises Conflict where there is nothing to write; UnsupportedImage, ImageTooLarge, ServerBusy.
    """
    written: ExportedFile = import_module(f"{__package__}.{WRITERS[kind]}").write(facts, originals)
    return written


def writer(keys: ExportKeys) -> Callable[[str, RecordFacts, Originals | None], ExportedFile]:
    """As ``write``, for every kind. Raises NotIssuer and ConfigurationError too."""

    def write_any(kind: str, facts: RecordFacts, originals: Originals | None) -> ExportedFile:
        if kind in WRITERS:
            return write(kind, facts, originals)
        signed: ExportedFile = import_module(f"{__package__}.{SIGNING_WRITERS[kind]}").write(facts, keys)
        return signed

    return write_any
