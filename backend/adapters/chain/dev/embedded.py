"""Runs the embedded chain of the settings: node, contract and the classifier's role."""

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
from backend.hosts import bracketed
from backend.processes import free_port
from backend.settings import Settings, reveal


@dataclass(frozen=True, slots=True)
class EmbeddedChain:
    """``settings`` has the chain's actual URL; ``node`` is None when another process runs the chain."""

    settings: Settings
    deployment: Deployment
    node: DevelopmentNode | None


def folder(settings: Settings) -> Path:
    """The folder with the chain of the settings."""
    return settings.var / "chain" / settings.chain


_PAGE_HOSTS = ("127.0.0.1", "localhost", "[::1]")
Prepare = Callable[[Settings], object]


def _nothing(_settings: Settings) -> None: ...


@contextmanager
def running(settings: Settings, *, classifier: str | None, prepare: Prepare = _nothing) -> Iterator[EmbeddedChain]:
    """Run the embedded chain on the port of the settings while the context lasts. The chain persists.

    ``classifier`` is granted its role, and a contract is deployed if there is none. None is for reading only: a
    contract must exist. ``prepare`` is called with the settings before other processes can use the chain. Raises
    ChainInUse when another process runs the chain, ConfigurationError, ChainUnavailable, and the errors of ``prepare``.
    """
    port = int(reveal(settings.rpc_url).rsplit(":", 1)[1])
    origins = [f"http://{host}:{settings.port}" for host in dict.fromkeys([bracketed(settings.host), *_PAGE_HOSTS])]
    node = DevelopmentNode(settings.chain, folder(settings), port=port, chain_id=settings.chain_id, origins=origins)
    if classifier is None:
        # Fails here when there is no contract: the start would create a chain.
        deployment.load(node.folder)
    node.start()
    try:
        if classifier is None:
            found = deployment.load(node.folder)
        else:
            found = deployment.find_or_deploy(node.url, node.folder, classifier=classifier)
        prepare(settings)
        node.announce(found.address)
        yield EmbeddedChain(settings, found, node)
    finally:
        node.stop()


@contextmanager
def joined(settings: Settings, *, classifier: str | None, prepare: Prepare = _nothing) -> Iterator[EmbeddedChain]:
    """The embedded chain of another process; if none runs it, this process does, on a free port, during the context."""
    with ExitStack() as stack:
        try:
            chain = stack.enter_context(running(_at(settings, free_port()), classifier=classifier, prepare=prepare))
        except ChainInUse:
            there = wait_for_running(folder(settings))
            chain = EmbeddedChain(_at(settings, there.port), deployment.load(folder(settings)), None)
        yield chain


def _at(settings: Settings, port: int) -> Settings:
    return replace(settings, rpc_url=f"http://{HOST}:{port}")
