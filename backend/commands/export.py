"""``scanproof export``: a verified record as one file of a standard."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from backend import settings as configuration
from backend.commands.arguments import WrongUse, existing_file, hash32, new_file, one_of, positive
from backend.commands.chosen_chain import (
    add_chain_arguments,
    chosen_settings,
    limited_reading,
    opened_chain,
    opened_history,
)
from backend.commands.console import Console
from backend.commands.evidence import write_new
from backend.commands.slides import slide_files
from backend.commands.verify import add_opening_argument, object_readers, read_openings
from backend.errors import NotIssuer
from backend.exports import KINDS, file_name

if TYPE_CHECKING:
    from backend.adapters.dicom.identity_map import IdentityMap

HELP = (
    "Write a verified record as a file of a standard\n\n"
    + "\n".join(f"{name}  {kind.title}: {kind.about}" for name, kind in KINDS.items())
)  # fmt: skip
EXAMPLE = "scanproof export 0x… --as sr --output report.dcm"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image_id", metavar="IMAGE_ID", type=hash32, help="the record's image id")
    parser.add_argument(
        "--as", dest="kind", metavar="KIND", type=_kind, required=True, help=f"one of {', '.join(KINDS)}"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=new_file, help="the file to write; must be new (default: a name of the record)"
    )
    parser.add_argument(
        "--diagnosis", metavar="N", type=positive, help="which diagnosis, counted from 1 (default: the newest)"
    )
    parser.add_argument(
        "--map",
        metavar="FILE",
        type=existing_file,
        help="a map of `scanproof deidentify` or of the page: the original patient, study and UIDs are put back",
    )
    parser.add_argument(
        "--key", metavar="FILE", type=existing_file, help="the sender's key (default: one of this installation)"
    )
    parser.add_argument(
        "--passphrase", metavar="FILE", type=existing_file, help="a file with the passphrase of a map of the page"
    )
    add_opening_argument(parser)
    add_chain_arguments(parser)


def _kind(text: str) -> str:
    return one_of(text, KINDS, "kinds of export")


def run(options: argparse.Namespace, console: Console) -> int:
    opened_map = _opened_map(options)
    settings = chosen_settings(options)

    from backend.adapters.dicom.reference import PooledDicomReader
    from backend.adapters.exports import writers
    from backend.adapters.images.inspector import PillowInspector
    from backend.adapters.models.bundled import BundledModels
    from backend.services.exports import ExportService
    from backend.services.models import ModelService
    from backend.wiring import wire_export_keys, wire_registry, wire_verification

    store, documents = object_readers(settings)
    openings = read_openings(options)
    models, inspector = BundledModels(), PillowInspector()
    with (
        opened_chain(settings, console) as opened,
        limited_reading(console, "reading the record from the chain and the store, and checking it"),
        opened_history(opened, console) as history,
    ):
        service = ExportService(
            verification=wire_verification(
                history, store, documents, models, inspector, slide_files(settings, store, models)
            ),
            store=store,
            documents=documents,
            inspector=inspector,
            dicom=PooledDicomReader(),
            outliner=models,
            models=ModelService(models),
            registry=wire_registry(opened, history),
            write=writers.writer(wire_export_keys(settings)),
        )
        facts = service.facts(options.image_id, page=settings.page_url, diagnosis=options.diagnosis, openings=openings)
    originals = opened_map.of_record(facts) if opened_map else None
    try:
        made = service.write(options.kind, facts, originals)
    except NotIssuer as error:
        raise WrongUse(str(error)) from error
    file = options.output or Path(file_name(facts.image_id, options.kind, made.suffix))
    write_new(file, made.content)
    diagnosis = facts.diagnosis
    console.result(
        {
            "file": str(file),
            "bytes": len(made.content),
            "kind": options.kind,
            "mediaType": made.media_type,
            "imageId": facts.image_id,
            "diagnosisId": diagnosis.diagnosis_id,
            "status": diagnosis.status_name,
            "identified": originals is not None,
        },
        f"{file}: {len(made.content):,} bytes, {KINDS[options.kind].title}.\n"
        f"Of the diagnosis {diagnosis.number} of {facts.image_id}: {diagnosis.status_text}.\n"
        + ("It names the patient, as the original files do.\n" if originals else "")
        + f"Check it: {facts.verify}",
    )
    return 0


def _opened_map(options: argparse.Namespace) -> IdentityMap | None:
    """The map of the options, opened before anything else. Raises WrongUse, ConfigurationError."""
    if options.map is None:
        for name in ("key", "passphrase"):
            if getattr(options, name):
                raise WrongUse(f"--{name} opens a map: name one with --map, or leave it out")
        return None
    if not KINDS[options.kind].identified:
        named = ", ".join(name for name, kind in KINDS.items() if kind.identified)
        raise WrongUse(f"--map is for the exports {named}: leave it out")

    from backend.adapters.dicom.identity_map import IdentityMap
    from backend.adapters.dicom.map_locks import Passphrase, SenderKey, load_passphrase
    from backend.adapters.dicom.sender import KEY_FILE, load_key

    if options.passphrase:
        if options.key:
            raise WrongUse("expected --key or --passphrase, whichever the map was made with, found both")
        return IdentityMap(options.map, Passphrase(load_passphrase(options.passphrase)))
    file = options.key or configuration.load().var / KEY_FILE
    if not file.exists():
        raise WrongUse(f"expected the key with which {options.map} was made, found no {file}: name it with --key")
    return IdentityMap(options.map, SenderKey(load_key(file)))
