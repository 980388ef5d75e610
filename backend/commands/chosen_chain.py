"""The chain that a command is for: that of the settings, or the one that its options name."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from backend import settings as configuration
from backend.commands.arguments import WrongUse, address, block, http_url
from backend.commands.console import BlockProgress, Console
from backend.deadlines import remaining, time_limit
from backend.errors import ChainUnavailable
from backend.ports import RegistryHistory
from backend.settings import Secret, Settings, reveal

READING_S = 300.0
"""For everything that a command reads of one record."""


def add_chain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rpc", metavar="URL", type=http_url, help="the node to ask (default: that of the settings)")
    parser.add_argument("--contract", metavar="ADDRESS", type=address, help="the registry, if not that of the settings")
    parser.add_argument(
        "--contract-block", metavar="N", type=block, help="the block that created --contract (default: 0)"
    )


def chosen_settings(options: argparse.Namespace) -> Settings:
    """The settings; a node or a contract that is named makes the chain an external one. Raises WrongUse, ChainError."""
    settings = configuration.load()
    if options.contract_block is not None and not options.contract:
        raise WrongUse("--contract-block is the block that created --contract, which is not given")
    if not (options.rpc or options.contract):
        return settings
    if settings.embedded_chain and not (options.rpc and options.contract):
        raise WrongUse("--rpc and --contract belong together; for a record of the embedded chain leave both out")
    from backend.adapters.chain.rpc import chain_id_of

    rpc_url = options.rpc or settings.rpc_url
    block = options.contract_block
    if block is None:
        block = 0 if options.contract else settings.contract_block
    return replace(
        settings,
        chain="external",
        rpc_url=Secret(reveal(rpc_url)),
        chain_id=chain_id_of(rpc_url) if options.rpc else settings.chain_id,
        contract_address=options.contract or settings.contract_address,
        contract_block=block,
    )


@contextmanager
def opened_chain(settings: Settings, console: Console) -> Iterator[Settings]:
    """``settings`` with the address of a node that runs: an embedded chain that nobody runs is run meanwhile.

    Raises ConfigurationError, ChainUnavailable.
    """
    from backend.adapters.chain.dev import embedded

    if not settings.embedded_chain:
        yield settings
        return
    with ExitStack() as running:
        with console.waiting("starting the chain"):
            chain = running.enter_context(embedded.joined(settings, classifier=None))
        if chain.node:
            console.message(f"The chain was not running: {chain.node.kind} runs for the time of this command.")
        yield chain.settings


@contextmanager
def limited_reading(console: Console, text: str, *, seconds: float | None = None) -> Iterator[None]:
    """A step that reads the chain, for READING_S at most by default. Raises ChainUnavailable after that."""
    limit = READING_S if seconds is None else seconds
    with console.waiting(text), time_limit(limit):
        try:
            yield
        except ChainUnavailable as error:
            left = remaining()
            if left is None or left > 0:
                raise
            raise ChainUnavailable(
                f"expected to read the record within {limit:.0f} s, but the node needs longer. Where it answers "
                "eth_getLogs for few blocks at a time, name another node with --rpc, or the block that created the "
                f"contract with --contract-block. The last answer was: {error}"
            ) from None


@contextmanager
def opened_history(settings: Settings, console: Console) -> Iterator[RegistryHistory]:
    """The history of the registry of ``settings``, whose node runs. Within ``limited_reading``: it asks the node."""
    from backend.wiring import wire_history

    with wire_history(settings, progress=BlockProgress(console)) as history:
        yield history
