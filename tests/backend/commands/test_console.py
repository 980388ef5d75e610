"""What goes to stdout and stderr, on a terminal and elsewhere."""

from __future__ import annotations

import io
import sys
import time

import pytest

from backend.commands import console
from backend.commands.console import Console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_progress_is_one_line_that_a_message_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = Console(json=False)
    shown.progress("1 of 3")
    shown.progress("a text that is longer than the terminal is wide")
    shown.message("done")
    shown.clear()
    assert terminal.getvalue() == "\r\x1b[K1 of 3\r\x1b[Ka text that is long\r\x1b[Kdone\n"


def test_elsewhere_progress_is_a_line_each_also_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Console(json=True)
    shown.progress("1 of 3")
    shown.progress("2 of 3")
    shown.result({"a": 1}, "a is 1")
    assert capsys.readouterr() == ('{"a": 1}\n', "1 of 3\n2 of 3\n")


def test_only_a_long_wait_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console, "WAIT_S", 0.25)
    shown = Console(json=False)
    with shown.waiting("a short step"):
        pass
    with shown.waiting("a long step"):
        time.sleep(1)
    assert capsys.readouterr().err == "a long step\n"


def test_of_a_wait_within_a_wait_the_inner_one_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "WAIT_S", 0.25)
    shown = Console(json=False)
    with shown.waiting("outer"):
        with shown.waiting("inner"):
            time.sleep(1)
        time.sleep(1)
        shown.message("done")
        time.sleep(1)
    assert capsys.readouterr().err == "inner\nouter\ndone\n"
