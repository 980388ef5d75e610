"""The embedded chain of the settings, ready to use: node, contract and the classifier's role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from backend.adapters.chain.dev import deployment
from backend.adapters.chain.dev.deployment import Deployment
from backend.adapters.chain.dev.folder_lock import wait_for_running
from backend.adapters.chain.dev.node import HOST, DevelopmentNode
from backend.errors import ChainInUse
from backend.processes import free_port
from backend.settings import Secret, Settings


@dataclass(frozen=True, slots=True)
class EmbeddedChain:
    """``settings`` with the chain's true address; ``node`` is None when another process runs the chain."""

    settings: Settings
    deployment: Deployment
    node: DevelopmentNode | None


def folder(settings: Settings) -> Path:
    """Where the chain of the settings is kept."""
    return settings.var / "chain" / settings.chain


Prepare = Callable[[Settings], object]


def _nothing(_settings: Settings) -> None: ...


@contextmanager
def running(settings: Settings, *, classifier: str | None, prepare: Prepare = _nothing) -> Iterator[EmbeddedChain]:
    """Run the embedded chain on the port of the settings while the context lasts; its records are kept.

    ``classifier`` gets its role, and a contract is deployed if there is none. With None, for reading only, there must
    be one. ``prepare`` is called, with the settings, before other processes are told that the chain can be used.
    Raises ChainInUse when another process runs the chain, ConfigurationError, ChainUnavailable, what ``prepare`` does.
    """
    port = int(settings.rpc_url.rsplit(":", 1)[1])
    node = DevelopmentNode(settings.chain, folder(settings), port=port, chain_id=settings.chain_id)
    found = None if classifier else deployment.load(node.folder)
    node.start()
    try:
        found = found or deployment.find_or_deploy(node.url, node.folder, classifier=classifier)
        prepare(settings)
        node.announce(found.address)
        yield EmbeddedChain(settings, found, node)
    finally:
        node.stop()


@contextmanager
def joined(settings: Settings, *, classifier: str | None, prepare: Prepare = _nothing) -> Iterator[EmbeddedChain]:
    """The embedded chain that another process runs or, for as long as the context lasts, one on a free port."""
    with ExitStack() as stack:
        try:
            chain = stack.enter_context(running(_at(settings, free_port()), classifier=classifier, prepare=prepare))
        except ChainInUse:
            there = wait_for_running(folder(settings))
            chain = EmbeddedChain(_at(settings, there.port), deployment.load(folder(settings)), None)
        yield chain


def _at(settings: Settings, port: int) -> Settings:
    return replace(settings, rpc_url=Secret(f"http://{HOST}:{port}"))
