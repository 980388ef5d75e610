"""Where a command writes: results to stdout, everything else to stderr."""

from __future__ import annotations

import json as json_format
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from backend.printable import printable

WAIT_S = 2.0
"""A step that takes longer shows progress."""
_PROGRESS_S = 1.0
_ERASE_LINE = "\r\x1b[K"


class Console:
    """``progress`` shows what a command is doing now. On a terminal it is one line, which the next text replaces;
    elsewhere each text is a line of its own. Hidden characters of foreign text are shown, see ``printable``."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self._line_shown = False
        self._steps: list[str] = []
        self._timer: threading.Timer | None = None

    def message(self, text: str) -> None:
        """A line for a person that stays."""
        self.clear()
        print(printable(text), file=sys.stderr, flush=True)

    def progress(self, text: str) -> None:
        self._stop_waiting()
        self._show(text)

    def _show(self, text: str) -> None:
        text = printable(text)
        if not sys.stderr.isatty():
            print(text, file=sys.stderr, flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        print(f"{_ERASE_LINE}{text[:width]}", end="", file=sys.stderr, flush=True)
        self._line_shown = True

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """``progress`` for a step that may take long; nothing is shown where it does not, or shows something itself.

        Of a step within a step, the inner text is shown.
        """
        self._steps.append(text)
        self._start_waiting()
        try:
            yield
        finally:
            self._steps.pop()
            self._start_waiting()

    def _start_waiting(self) -> None:
        self._stop_waiting()
        if self._steps:
            self._timer = threading.Timer(WAIT_S, self._show, self._steps[-1:])
            self._timer.daemon = True
            self._timer.start()

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def result(self, values: Mapping[str, Any], text: str) -> None:
        """The command's one answer: ``values`` as JSON if that was asked for, otherwise ``text``."""
        self.clear()
        print(json_format.dumps(values) if self.json else printable(text), flush=True)

    def error(self, type_: str, message: str, *, usage: str = "", program: str = "scanproof") -> None:
        """An error: JSON on stdout if that was asked for, otherwise a line on stderr, after ``usage``."""
        self.clear()
        if self.json:
            print(json_format.dumps({"error": {"type": type_, "message": message}}), flush=True)
        else:
            print(printable(f"{usage}{program}: {message}"), file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Erase the line of ``progress``."""
        self._stop_waiting()
        if self._line_shown:
            print(_ERASE_LINE, end="", file=sys.stderr, flush=True)
            self._line_shown = False


class BlockProgress:
    """How far a reading of the chain is: first after WAIT_S, then at most one line a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_at = time.monotonic() + WAIT_S

    def __call__(self, block: int, last: int) -> None:
        if (now := time.monotonic()) >= self._next_at:
            self._next_at = now + _PROGRESS_S
            self._console.progress(f"block {block:,} of {last:,}")


def columns(rows: list[tuple[str, str]]) -> str:
    """Names and values in two aligned columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)
