"""Makes solc 0.8.30 available to py-solc-x and Brownie: ``python -m scripts.solc``.

The native build is taken where its download site can be reached. Otherwise ``~/.solcx/solc-v0.8.30`` becomes a small
executable over the npm package ``solc``, the same compiler in WebAssembly, which produces the same bytecode.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import requests
import solcx
from solcx.exceptions import DownloadError, SolcInstallationError, UnexpectedVersionError
from solcx.install import BINARY_DOWNLOAD_BASE, get_solcx_install_folder

VERSION = "0.8.30"
ROOT = Path(__file__).resolve().parents[1]
WRAPPER = ROOT / "scripts" / "solc.cjs"
PROBE_TIMEOUT_S = 5


class SolcUnavailable(RuntimeError):
    """No working solc 0.8.30; the message carries the reason and the remedy."""


def ensure_solc() -> Path:
    """Return the executable that py-solc-x will use, installing it first where it is missing or broken.

    Raises:
        SolcUnavailable: neither the native build nor the npm package can be used.
    """
    executable = get_solcx_install_folder() / f"solc-v{VERSION}"
    executable.parent.mkdir(parents=True, exist_ok=True)
    if not _works(executable) and not _install_native():
        _install_npm(executable)
    return executable


def compile_with_npm(standard_input: dict[str, Any]) -> dict[str, Any]:
    """Compile a solc standard-JSON input with the npm build; imports are read relative to the repository root.

    Returns:
        The standard-JSON output.

    Raises:
        SolcUnavailable: node or the npm package is missing.
        ValueError: the compiler reports an error; the message is its own.
    """
    process = _run([_node(), str(WRAPPER), "--standard-json"], stdin=json.dumps(standard_input))
    if process.returncode != 0:
        raise SolcUnavailable(f"npm package solc failed; run `npm ci --ignore-scripts`: {process.stderr.strip()}")
    output: dict[str, Any] = json.loads(process.stdout)
    errors = [error["formattedMessage"] for error in output.get("errors", []) if error["severity"] == "error"]
    if errors:
        raise ValueError("\n".join(errors))
    return output


def _install_native() -> bool:
    try:
        requests.head(BINARY_DOWNLOAD_BASE.format("linux", "list.json"), timeout=PROBE_TIMEOUT_S).raise_for_status()
        solcx.install_solc(VERSION, show_progress=False)
    except (requests.RequestException, DownloadError, SolcInstallationError, UnexpectedVersionError, OSError):
        return False
    return True


def _install_npm(executable: Path) -> None:
    """Write the executable beside its final place, try it, then move it: a reader never sees half of it."""
    handle, name = tempfile.mkstemp(dir=executable.parent, prefix=".solc-")
    candidate = Path(name)
    try:
        with os.fdopen(handle, "w") as script:
            script.write(f'#!/bin/sh\nexec {shlex.quote(_node())} {shlex.quote(str(WRAPPER))} "$@"\n')
        candidate.chmod(0o755)
        process = _run([str(candidate), "--version"])
        if process.returncode != 0 or VERSION not in process.stdout:
            raise SolcUnavailable(
                f"expected the npm package solc {VERSION}, found: {process.stdout}{process.stderr}".strip()
                + "\nRun `npm ci --ignore-scripts` in the repository root."
            )
        candidate.replace(executable)
    finally:
        candidate.unlink(missing_ok=True)


def _works(executable: Path) -> bool:
    try:
        process = _run([str(executable), "--version"])
    except OSError:
        return False
    return process.returncode == 0 and f"Version: {VERSION}" in process.stdout


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise SolcUnavailable("expected node on PATH, found none; install Node 20 or later")
    return node


def _run(command: list[str], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=ROOT, check=False)


if __name__ == "__main__":
    try:
        print(ensure_solc())
    except SolcUnavailable as error:
        raise SystemExit(str(error)) from error
