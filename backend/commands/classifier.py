"""``scanproof classifier``."""

from __future__ import annotations

import argparse

from backend import settings as configuration
from backend.commands.console import Console

HELP = (
    "Print the address of the classifier's key\n\n"
    "The first use creates the key. A deployment gives the address CLASSIFIER_ROLE."
)
EXAMPLE = "scanproof classifier"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.chain.signer import KeyFileSigner

    settings = configuration.load()
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    console.result({"address": signer.address, "keyFile": str(settings.classifier_key_file)}, signer.address)
    return 0
