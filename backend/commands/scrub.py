"""``scanproof scrub``: checks what is stored, repairs what has another copy, removes what belongs to nothing."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from backend import settings as configuration
from backend.commands.arguments import hours, http_url
from backend.commands.chosen_chain import opened_chain
from backend.commands.console import Console
from backend.errors import ChainError, ConfigurationError
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.services.scrub import ScrubReport

HELP = (
    "Check and repair what is stored\n\n"
    "Hashes every block of the store, or fetches and hashes every object that Pinata keeps; compares the rows of the\n"
    "database with their checksums and with the chain; repairs what has another copy, and removes blocks that belong\n"
    "to nothing. `scanproof up` does the same slowly."
)
EXAMPLE = "scanproof scrub --dry-run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="report only; change nothing")
    parser.add_argument(
        "--gateway",
        metavar="URL",
        type=http_url,
        action="append",
        default=[],
        help="an IPFS gateway that may be asked for damaged objects, which tells it their CIDs; may be repeated",
    )
    parser.add_argument(
        "--orphan-hours",
        metavar="N",
        type=hours,
        default=24.0,
        help="remove blocks that belong to nothing if they are older (default: 24)",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.wiring import wire

    # The command reports what it finds itself.
    logging.getLogger("backend.services.scrub").setLevel(logging.ERROR)
    logging.getLogger("backend.adapters.ipfs").setLevel(logging.CRITICAL)
    settings = configuration.load()
    with _chain(settings, console) as opened:
        container = wire(opened, gateways=options.gateway, orphan_age_s=3600 * options.orphan_hours)
        try:
            with console.waiting("checking rows, events and blocks"):
                report = container.scrub.run(dry_run=options.dry_run)
        finally:
            container.close()
    console.result(asdict(report) | {"damaged": len(report.damage)}, _text(report))
    return 1 if report.damage or report.unchecked else 0


@contextmanager
def _chain(settings: Settings, console: Console) -> Iterator[Settings]:
    """``settings`` of a running chain. Without one, the rest is checked all the same."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(opened_chain(settings, console))
        except (ChainError, ConfigurationError, OSError):
            opened = settings
        yield opened


def _text(report: ScrubReport) -> str:
    lines = [f"{finding.what}: {finding.problem}: {finding.repair or 'NOT REPAIRED'}" for finding in report.findings]
    lines += [f"Not checked: {reason}" for reason in report.unchecked]
    verb = "would be removed" if report.dry_run else "removed"
    lines.append(
        f"{report.objects:,} objects, {report.rows:,} rows and {report.events:,} events checked: "
        f"{len(report.findings)} damaged, {len(report.findings) - len(report.damage)} repaired. "
        f"{report.orphans:,} blocks that belong to nothing ({report.orphan_bytes:,} bytes) {verb}."
    )
    return "\n".join(lines)
