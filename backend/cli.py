"""The command line. Exit status: 0 good, 1 a check failed or something went wrong, 2 wrong use, 130 Ctrl-C."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from backend.commands.arguments import WrongUse
from backend.commands.console import Console
from backend.errors import ScanProofError
from ml.errors import MlError, WrongChoice

COMMANDS = (
    "up",
    "demo",
    "cid",
    "classify",
    "analyse",
    "verify",
    "evidence",
    "review",
    "registry",
    "models",
    "evaluate",
    "data",
    "compare",
    "report",
    "train",
    "search",
    "ensemble",
    "join",
    "classifier",
)
"""Each is a module of ``backend.commands`` with HELP, EXAMPLE, ``add_arguments`` and ``run``; light to import."""

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asks to end; raised wherever the program is, so that every ``finally`` cleans up."""

    def __init__(self, signal_number: int) -> None:
        self.status = 128 + signal_number


class _Parser(argparse.ArgumentParser):
    """Wrong use is told as JSON as well when ``--json`` was asked for. Options have one spelling, not abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        if "--json" in sys.argv:
            Console(json=True).error("WrongUse", message)
        else:
            self.print_usage(sys.stderr)
            sys.stderr.write(f"{self.prog}: {message}\n")
        sys.exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Console(json="--json" in arguments)
    logging.basicConfig(level=logging.WARNING, format="scanproof: %(message)s", stream=sys.stderr)
    try:
        options = _parser().parse_args(arguments)
        _listen_for_signals()
        status: int = options.run(options, console)
        return status
    except (WrongUse, WrongChoice) as error:
        console.error("WrongUse", str(error))
        return 2
    except (ScanProofError, MlError) as error:
        console.error(type(error).__name__, str(error))
        return 1
    except Stopped as stopped:
        return stopped.status
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # whatever nobody foresaw: who asked for JSON still gets it
        traceback.print_exc()
        console.error(type(error).__name__, str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    description = "Provenance for medical images: pinned to IPFS, classified, signed, recorded on a chain."
    parser = _Parser(prog="scanproof", description=description)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"backend.commands.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _listen_for_signals() -> None:
    def stop(signal_number: int, _frame: object) -> None:
        # Once is enough: another one must not interrupt the cleaning up.
        for each in _STOPPING:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signal_number)

    for each in _STOPPING:
        if signal.getsignal(each) != signal.SIG_IGN:  # nohup and shells' background jobs rely on it
            signal.signal(each, stop)


if __name__ == "__main__":
    sys.exit(main())
