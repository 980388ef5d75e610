"""Runs the contract tests on one chain: ``python -m tests.contracts.run ganache-cli|anvil [folder] [pytest options]``.

Brownie keeps networks, packages and accounts in the home directory, where an older set-up would change the outcome. So
it gets a home of its own below ``build/``, and the chains' executables from ``node_modules``. The exit status is
pytest's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.solc import ROOT, ensure_solc

NETWORKS = ("ganache-cli", "anvil")


def main(arguments: list[str]) -> int:
    """Run pytest through Brownie. Exit status 2 for wrong use.

    Args:
        arguments: the network, a folder or file of tests (all unless given), then pytest's options.
    """
    if not arguments or arguments[0] not in NETWORKS:
        print(f"expected a network, one of {', '.join(NETWORKS)}; found {arguments[:1]}", file=sys.stderr)
        return 2
    network, *options = arguments
    if not options or not Path(options[0]).exists():
        options = ["tests/contracts", *options]
    home = ROOT / "build" / "home"
    home.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "HOME": str(home),
        "SOLCX_BINARY_PATH": str(ensure_solc().parent),
        "PATH": os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]),
    }
    brownie = Path(sys.executable).with_name("brownie")
    command = [str(brownie), "test", *options, "--network", network]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
