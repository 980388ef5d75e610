"""``scanproof cid``."""

from __future__ import annotations

import argparse

from backend.commands.arguments import existing_file
from backend.commands.console import Console

HELP = "Print the CID that Pinata would give to a file"
EXAMPLE = "scanproof cid scan.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=existing_file, help="any file")


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.ipfs.unixfs import cid_of

    with options.file.open("rb") as file:
        cid = cid_of(file)
        console.result({"cid": cid, "size": file.tell()}, cid)
    return 0
