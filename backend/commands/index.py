"""``scanproof index``: compares the index of the chain's events with the chain, or makes it anew."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from backend import settings as configuration
from backend.commands.chosen_chain import opened_chain
from backend.commands.console import BlockProgress, Console, columns

HELP = (
    "Compare the index of the chain's events with the chain, or make it anew\n\n"
    "The index is a copy of the contract's events in the database. Both actions read every event from the chain again."
)
EXAMPLE = "scanproof index verify"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=["verify", "rebuild"],
        help="verify: compare every checkpoint, event and record; rebuild: delete the copy and read everything again",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.wiring import wire_index_check

    settings = configuration.load()
    with opened_chain(settings, console) as opened:
        check = wire_index_check(opened)
        action = check.rebuild if options.action == "rebuild" else check.compare
        result = action(BlockProgress(console))
    values = {
        "block": result.checkpoint.number,
        "blockHash": result.checkpoint.hash,
        "checkpoints": result.checkpoints,
        "events": result.events,
        "records": result.records,
        "different": result.different,
        "differences": [asdict(difference) for difference in result.differences],
    }
    rows = [
        ("Up to", f"block {result.checkpoint.number}, {result.checkpoint.hash}"),
        ("Checkpoints", str(result.checkpoints)),
        ("Events", str(result.events)),
        ("Records", str(result.records)),
        ("Differences", f"{result.different}" if result.different else "none"),
    ]
    lines = [
        f"{'' if each.block is None else f'block {each.block}: '}expected {each.expected}, found {each.found}"
        for each in result.differences
    ]
    if result.different:
        lines.append("Make the index anew: scanproof index rebuild")
    console.result(values, "\n".join([columns(rows), *lines]))
    return 1 if result.different else 0
