"""The command line. Exit status: 0 success, 1 a check failed or something went wrong, 2 wrong use, 130 Ctrl-C."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from backend.commands.arguments import WrongUse
from backend.commands.console import Console
from backend.commands.quiet import quieten
from backend.errors import ScanProofError
from ml.errors import MlError, WrongChoice

COMMANDS = (
    "up",
    "demo",
    "cid",
    "classify",
    "analyse",
    "deidentify",
    "shares",
    "envelope",
    "lab",
    "keys",
    "pacs",
    "verify",
    "evidence",
    "export",
    "review",
    "registry",
    "scrub",
    "kinds",
    "course",
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
    "accounts",
    "index",
)
"""Each is a module of ``backend.commands``, light to import, with ``add_arguments``, ``run``, EXAMPLE and HELP, whose
first line stands in the list of commands."""

LOADING = "loading"
"""Shown where a command takes long to begin: on a busy machine its libraries alone take seconds to import."""

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asks to end; raised wherever the program is, so that every ``finally`` cleans up."""

    def __init__(self, signal_number: int) -> None:
        self.status = 128 + signal_number


class _Parser(argparse.ArgumentParser):
    """Raises WrongUse. Options have one spelling, not abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise WrongUse(message, self.format_usage())


class _CommandList(argparse.HelpFormatter):
    """A line for each command."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=20, width=88)
        # argparse measures the names of commands without their indent.
        self._action_max_length = self._max_help_position - 2


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print("scanproof", version("scanproof"))
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not sys.stderr:  # closed by the caller: print would write to stdout instead
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    console = Console(json="--json" in arguments)
    quieten(console)
    try:
        with console.waiting(LOADING):
            options = _parse(arguments)
            _listen_for_signals()
            status: int = options.run(options, console)
            return status
    except (WrongUse, WrongChoice) as error:
        usage = error.usage if isinstance(error, WrongUse) else ""
        console.error("WrongUse", str(error), usage=usage, program=_program(arguments))
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
        console.clear()
        traceback.print_exc()
        console.error(type(error).__name__, str(error))
        return 1
    finally:
        console.clear()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises WrongUse. Of the commands, only the one that is called is imported, unless their list is asked for."""
    if not arguments:
        raise WrongUse("expected a command", _parser(COMMANDS).format_help())
    name = arguments[0]
    if name in COMMANDS:
        return _parser([name]).parse_args(arguments)
    if not name.startswith("-"):
        raise WrongUse(f"{name!r} is no command; {_hint(name)}")
    return _parser(COMMANDS).parse_args(arguments)


def _program(arguments: Sequence[str]) -> str:
    return f"scanproof {arguments[0]}" if arguments and arguments[0] in COMMANDS else "scanproof"


def _hint(name: str) -> str:
    from difflib import get_close_matches

    similar = get_close_matches(name, COMMANDS)
    return f"did you mean {' or '.join(similar)}?" if similar else "scanproof --help lists the commands"


def _parser(names: Iterable[str]) -> argparse.ArgumentParser:
    description = "Provenance for medical images: pinned to IPFS, classified, signed, recorded on a chain."
    parser = _Parser(
        prog="scanproof",
        description=description,
        epilog="`scanproof COMMAND --help` explains a command.",
        formatter_class=_CommandList,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name in names:
        module = importlib.import_module(f"backend.commands.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP.partition("\n")[0],
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
