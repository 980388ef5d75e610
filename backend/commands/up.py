"""``scanproof up``: the embedded chain and the server, kept together until one of them or the user ends it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from backend import settings as configuration
from backend.adapters.private_files import write_refusal
from backend.commands.arguments import WrongUse, port
from backend.commands.console import Console, columns
from backend.errors import ChainInUse, ChainUnavailable, ConfigurationError, ScanProofError
from backend.explorer import address_url
from backend.hosts import bracketed
from backend.processes import Child, port_is_free
from backend.settings import ROOT, Settings, reveal

if TYPE_CHECKING:
    from backend.adapters.chain.dev.node import DevelopmentNode

HELP = "Run the chain and serve the page until Ctrl-C"
EXAMPLE = "scanproof up --port 5000"
_log = logging.getLogger(__name__)
_READY_WITHIN_S = 60
_GRACE_S = 30
"""How long requests in flight may take to finish after Ctrl-C."""
_NEVER_OPENED = frozenset(
    {1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110}
    | {111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531}
    | {532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060}
    | {5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)
"""Ports at which browsers open no page (Fetch Standard, port blocking)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=port, help="port of the page (default: SCANPROOF_PORT, else 5000)")


def run(options: argparse.Namespace, console: Console) -> int:
    if options.port in _NEVER_OPENED:
        raise WrongUse(f"--port: browsers open no page at port {options.port}: choose another")
    settings = configuration.load()
    settings = replace(settings, port=options.port or settings.port)
    _check_prerequisites(settings)
    # The server opens the same store and says where it is.
    logging.getLogger("backend.adapters.ipfs").setLevel(logging.ERROR)
    with ExitStack() as running:
        with console.waiting("starting the chain" if settings.embedded_chain else "connecting to the chain"):
            contract, node = _start_chain(settings, running)
        with console.waiting("starting the server"):
            server = _start_server(settings, running)
        _announce(settings, contract, console)
        while True:
            if server.exit_status() is not None:
                raise ScanProofError(f"the server ended with status {server.exit_status()}; everything is stopped")
            if node and (failure := node.failure()):
                raise ChainUnavailable(f"{failure}; everything is stopped")
            time.sleep(0.5)


def _check_prerequisites(settings: Settings) -> None:
    if not (ROOT / "frontend" / "dist" / "index.html").is_file():
        raise ConfigurationError("the page is not built (frontend/dist is missing): run scripts/up, which builds it")
    if settings.port in _NEVER_OPENED:
        raise ConfigurationError(f"browsers open no page at port {settings.port}: choose another with --port")
    if not port_is_free(settings.host, settings.port):
        ours = _is_scanproof(settings)
        owner = f"ScanProof is running already at {settings.page_url}" if ours else "another program uses it"
        raise ConfigurationError(f"port {settings.port} is not free, {owner}: stop it, or choose another with --port")


def _start_chain(settings: Settings, running: ExitStack) -> tuple[str, DevelopmentNode | None]:
    """The contract's address, and the node if this command runs it."""
    from backend.adapters.chain.dev import deployment, embedded
    from backend.adapters.chain.signer import KeyFileSigner
    from backend.wiring import complete_registration, wire_chain

    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    if settings.embedded_chain:
        try:
            started = running.enter_context(
                embedded.running(settings, classifier=signer.address, prepare=complete_registration)
            )
        except (ScanProofError, OSError) as error:
            # Without a disk to write to there is no chain, but what is known can still be read.
            refusal = write_refusal(settings.var)
            if refusal is None or isinstance(error, ChainInUse):
                raise
            _log.error("nothing can be written to %s (%s): nothing can be recorded. %s", settings.var, refusal, error)
            return deployment.load(embedded.folder(settings)).address, None
        return started.deployment.address, started.node
    chain = wire_chain(settings)
    chain.head()
    return chain.contract, None


def _start_server(settings: Settings, running: ExitStack) -> Child:
    command = [
        sys.executable, "-m", "gunicorn", "backend.wsgi:app", "--config", str(ROOT / "gunicorn.conf.py"),
        "--bind", _address(settings), "--graceful-timeout", str(_GRACE_S), "--log-level", "warning",
    ]  # fmt: skip
    server = Child(command, environ={**os.environ, "SCANPROOF_PORT": str(settings.port)})
    running.callback(server.stop, _GRACE_S + 5)
    deadline = time.monotonic() + _READY_WITHIN_S
    while not _is_scanproof(settings):
        if server.exit_status() is not None:
            raise ScanProofError(f"the server ended with status {server.exit_status()}; its messages are above")
        if time.monotonic() > deadline:
            raise ScanProofError(f"the server did not answer at {settings.local_url} within {_READY_WITHIN_S} s")
        time.sleep(0.05)
    return server


def _announce(settings: Settings, contract: str, console: Console) -> None:
    from backend.adapters.chain.development_accounts import CLINICIAN, USER
    from backend.adapters.chain.known_chains import describe

    chain = describe(settings.chain_id)
    chain_values: dict[str, Any] = {"id": settings.chain_id, "name": chain.name}
    values: dict[str, Any] = {"url": settings.page_url, "chain": chain_values, "contract": contract}
    rows = [
        ("Page", settings.page_url),
        ("Chain", f"{chain.name}, chain id {settings.chain_id}"),
        ("Contract", address_url(chain.explorer_url, contract) or contract),
        ("Data", str(settings.var)),
    ]
    note = "Ctrl-C stops everything; the records are kept."
    if settings.embedded_chain:
        node = reveal(settings.rpc_url)
        chain_values["rpcUrl"] = node
        for name, account in (("account", USER), ("clinician", CLINICIAN)):
            values[name] = {"address": account.address, "privateKey": account.private_key}
        rows += [("Node", node), ("Account", USER.address), ("Its key", USER.private_key)]
        rows += [("Clinician", CLINICIAN.address), ("Its key", CLINICIAN.private_key)]
        note = (
            "Import the account in MetaMask to record, and the clinician's to review. Their keys are public knowledge: "
            f"never for real funds.\n{note}"
        )
    console.result(values, f"\nScanProof is ready.\n\n{columns(rows)}\n\n{note}")


def _is_scanproof(settings: Settings) -> bool:
    try:
        asked = urllib.request.Request(f"{settings.local_url}/api/v1/health", headers={"Host": "localhost"})  # noqa: S310 - our own URL
        with urllib.request.urlopen(asked, timeout=2) as answer:  # noqa: S310 - our own URL
            return bool(json.load(answer).get("status") == "ok")
    except (OSError, ValueError, AttributeError):
        return False


def _address(settings: Settings) -> str:
    return f"{bracketed(settings.host)}:{settings.port}"
