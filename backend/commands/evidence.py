"""``scanproof evidence``: a record with its proofs in one file, to check anywhere."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from backend.commands.arguments import WrongUse, hash32, new_file, slice_numbers
from backend.commands.chosen_chain import (
    add_chain_arguments,
    chosen_settings,
    limited_reading,
    opened_chain,
    opened_history,
)
from backend.commands.console import Console
from backend.commands.verify import add_opening_argument, completeness_of, object_readers, read_openings
from backend.domain import ImageRegisteredEvent, describe_block

HELP = (
    "Write a record and its proofs into one file\n\nThe file has everything that is needed to check the record offline."
)
EXAMPLE = "scanproof evidence 0x… --output evidence.zip"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image_id", metavar="IMAGE_ID", type=hash32, help="the record's image id")
    parser.add_argument("--output", metavar="FILE", type=new_file, required=True, help="the file to write; must be new")
    parser.add_argument(
        "--slices",
        metavar="LIST",
        type=slice_numbers,
        help="of a study: the slices whose images are added, for instance 1,40-60 (default: those that decided)",
    )
    add_opening_argument(parser)
    add_chain_arguments(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    settings = chosen_settings(options)

    from backend.adapters.chain.proofs.evidence_chain import EvidenceChain
    from backend.adapters.chain.proofs.reader import ProofReader
    from backend.services.evidence import EvidenceService
    from backend.services.evidence_file import pack

    store, documents = object_readers(settings)
    openings = read_openings(options)
    with (
        opened_chain(settings, console) as opened,
        limited_reading(console, "collecting the record, its proofs and its files"),
        opened_history(opened, console) as history,
    ):
        proofs = ProofReader(opened.rpc_url, contract=history.contract)
        service = EvidenceService(history, store, proofs, read=EvidenceChain, documents=documents)
        evidence = service.collect(options.image_id, openings=openings, slices=options.slices)
    content = pack(evidence)
    chain = EvidenceChain(evidence)
    complete_to = chain.proven_blocks[-1]
    events = chain.events_of_image(options.image_id)
    image_left_out = not any(
        isinstance(event, ImageRegisteredEvent) and event.cid in evidence.objects for event in events
    )
    left_out = sum(evidence.left_out_reviews.values())
    write_new(options.output, content)
    console.result(
        {
            "file": str(options.output),
            "bytes": len(content),
            "imageId": evidence.image_id,
            "chainId": evidence.chain_id,
            "contract": evidence.contract,
            "blocks": [block.hash for block in evidence.blocks],
            "objects": sorted(evidence.objects),
            "leftOutReviews": left_out,
            "imageLeftOut": image_left_out,
            "completeness": completeness_of([complete_to]),
        },
        f"{options.output}: {len(content):,} bytes, {len(evidence.blocks)} blocks, {len(evidence.objects)} objects.\n"
        f"It is complete up to {describe_block(complete_to)}.\n"
        + (f"It lacks {left_out:,} older reviews: the newest ones decide.\n" if left_out else "")
        + ("The slide is too large for it, and is named by its CID: give it with --file.\n" if image_left_out else "")
        + f"Anybody can check it: scanproof verify --evidence {options.output}"
        + ("\nIt holds the opening: whoever gets this file can read the sealed result." if options.opening else ""),
    )
    return 0


def write_new(file: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises WrongUse where it exists or cannot be written."""
    write_all_new({file: [content]})


def write_all_new(contents: Mapping[Path, Iterable[bytes]]) -> None:
    """Write files, each of its pieces in their order, whole, or none of them. Raises WrongUse where one exists or
    cannot be written, and whatever the pieces raise."""
    with ExitStack() as drafts, ExitStack() as written:
        made = []
        for file, pieces in contents.items():
            with _named(file):
                handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
                drafts.callback(Path(temporary).unlink)
                with os.fdopen(handle, "wb") as draft:
                    draft.writelines(pieces)
                    draft.flush()
                    os.fsync(draft.fileno())
            made.append((file, temporary))
        for file, temporary in made:
            with _named(file):
                # Never in place of another file, as a replacement would be.
                os.link(temporary, file)
            written.callback(file.unlink, missing_ok=True)
        written.pop_all()


@contextmanager
def _named(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise WrongUse(f"{file} is there already: name a new file") from error
    except OSError as error:
        raise WrongUse(f"{file} cannot be written: {error.strerror}") from error
