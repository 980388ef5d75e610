"""``scanproof review``: confirm, override or withdraw a diagnosis on the chain."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.commands.arguments import existing_file, hash32, word
from backend.commands.chosen_chain import add_chain_arguments, chosen_settings, limited_reading, opened_chain
from backend.commands.console import BlockProgress, Console, columns
from backend.domain import SEALED_LABEL, DiagnosisRecordedEvent, Verdict
from backend.errors import Conflict, InvalidInput

HELP = "Confirm, override or withdraw a diagnosis on the chain\n\nThe account needs CLINICIAN_ROLE."
EXAMPLE = 'scanproof review 0x… --override meningioma --reason "A broad dural base, seen on two slices."'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image_id", metavar="IMAGE_ID", type=hash32, help="the record's image id")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--confirm", action="store_true", help="the diagnosis is right")
    what.add_argument(
        "--override",
        metavar="LABEL",
        nargs="?",
        const=False,
        type=word,
        help="another label is right; leave LABEL out for a sealed diagnosis",
    )
    what.add_argument("--withdraw", action="store_true", help="nobody should rely on the diagnosis")
    parser.add_argument(
        "--reason",
        metavar="TEXT",
        required=True,
        type=_reason,
        help="why; public unless the diagnosis is sealed, so name no patient",
    )
    parser.add_argument("--diagnosis", metavar="ID", type=hash32, help="which diagnosis (default: the newest)")
    parser.add_argument(
        "--opening",
        metavar="FILE",
        type=existing_file,
        help="the opening of a sealed diagnosis, needed to confirm or override it",
    )
    add_chain_arguments(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    chosen = chosen_settings(options)

    from backend.wiring import wire_review_submission

    with opened_chain(chosen, console) as settings:
        service = wire_review_submission(settings, progress=BlockProgress(console))
        with limited_reading(console, "reading the record from the chain"):
            record, diagnosis = service.find(options.image_id, options.diagnosis)
        if diagnosis.label == SEALED_LABEL and not (options.opening or options.withdraw):
            raise Conflict(
                "the diagnosis is sealed: name its opening with --opening, as nobody can judge what they do not see"
            )
        opened = _opened(diagnosis, options.opening) if options.opening else None
        verdict, label = _decision(options, opened)
        if opened:
            console.message(f"The opening is that of the diagnosis: it says {opened}.")
        with console.waiting("sending the review and waiting for its block"):
            done = service.review(record, diagnosis, verdict, label, options.reason)
    event, statement = done.event, done.statement
    values = {
        "imageId": event.image_id,
        "diagnosisId": event.diagnosis_id,
        "reviewId": event.review_id,
        "supersedes": event.supersedes,
        "status": event.verdict,
        "label": statement.label,
        "labelCode": event.label,
        "reviewer": event.reviewer,
        "reasonHash": event.reason_hash,
        "statement": done.file,
        "published": done.published,
        "transaction": event.transaction_hash,
        "block": event.block.number,
    }
    rows = [
        ("Diagnosis", event.diagnosis_id),
        ("Now", event.verdict + (f", {statement.label}" if statement.label else "")),
        ("Review", event.review_id),
        ("Reviewer", event.reviewer),
        ("Transaction", f"{event.transaction_hash}{' (found: it was recorded before)' if done.found else ''}"),
        ("Statement", done.file + ("" if done.published else ", the only copy: keep it")),
    ]
    console.result(values, columns(rows))
    return 0


def _reason(text: str) -> str:
    from backend.printable import hidden_in
    from backend.services.statements import MAX_REASON_CHARACTERS

    if not 0 < len(text.strip()) <= MAX_REASON_CHARACTERS:
        raise argparse.ArgumentTypeError(
            f"expected a reason of 1 to {MAX_REASON_CHARACTERS:,} characters, found {len(text.strip()):,}"
        )
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        raise argparse.ArgumentTypeError("expected a reason in Unicode, found bytes that are no text")
    if hidden := hidden_in(text):
        raise argparse.ArgumentTypeError(
            f"expected a reason without control, direction and invisible characters, found {hidden}"
        )
    return text


def _decision(options: argparse.Namespace, opened: str | None) -> tuple[Verdict, str | None]:
    """The verdict and its label; the label of a confirmed sealed diagnosis is the opened one."""
    if options.confirm:
        return Verdict.CONFIRMED, opened
    return (Verdict.WITHDRAWN, None) if options.withdraw else (Verdict.OVERRIDDEN, options.override or None)


def _opened(diagnosis: DiagnosisRecordedEvent, file: Path) -> str:
    """The label in the opening of a sealed diagnosis. Raises Conflict where it is not its opening, InvalidInput."""
    from backend.cids import hash_of
    from backend.services.manifests import MAX_MANIFEST_BYTES, read

    if diagnosis.label != SEALED_LABEL:
        raise Conflict(f"the diagnosis {diagnosis.diagnosis_id} is not sealed, so that there is nothing to open")
    with file.open("rb") as handle:
        content = handle.read(MAX_MANIFEST_BYTES + 1)
    found = hash_of(content)
    if found != diagnosis.manifest_hash:
        raise Conflict(f"expected an opening with the SHA-256 {diagnosis.manifest_hash}, found {found}")
    manifest = read(content)
    if manifest is None:
        raise InvalidInput("the opening has the right hash, but is no ScanProof manifest")
    return manifest.label
