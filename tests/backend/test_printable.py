"""Characters that a reader does not see are refused where text is accepted, and shown where it is foreign."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from backend.commands.console import Console
from backend.printable import PrintableFormatter, hidden_in, one_line, printable

HIDDEN = [
    ("\x1b[2J", "U+001B"),
    ("\x07", "U+0007"),
    ("\x7f", "U+007F"),
    ("\x9b31m", "U+009B"),
    ("\r", "U+000D"),
    ("\u202e", "U+202E"),
    ("\u2066a\u2069", "U+2066"),
    ("\u200f", "U+200F"),
    ("\u061c", "U+061C"),
    ("\u200b", "U+200B"),
    ("\ufeff", "U+FEFF"),
    ("\u2028", "U+2028"),
    ("\ud800", "U+D800"),
    ("\ue000", "U+E000"),
    ("\U000e0041", "U+E0041"),
]
SEEN = [
    "A broad dural base.\n\tSeen on two slices.",
    "می\u200cشود",
    "👩\u200d⚕️ é ü 猫",
    "10\N{NO-BREAK SPACE}mm, 1\N{IDEOGRAPHIC SPACE}x",
    "",
]


@pytest.mark.parametrize(("text", "name"), HIDDEN)
def test_hidden_characters_are_found_and_shown(text: str, name: str) -> None:
    assert hidden_in(f"seen {text} seen") == name
    shown = printable(f"seen {text} seen")
    assert hidden_in(shown) is None
    assert ascii(chr(int(name[2:], 16)))[1:-1] in shown


@pytest.mark.parametrize("text", SEEN)
def test_all_other_text_is_left_as_it_is(text: str) -> None:
    assert hidden_in(text) is None
    assert printable(text) == text


def test_lines_of_windows_are_lines() -> None:
    assert hidden_in("one\r\ntwo") is None
    assert printable("one\r\ntwo é") == "one\ntwo é"


@pytest.mark.parametrize(("text", "name"), HIDDEN)
def test_nothing_hidden_reaches_the_log(text: str, name: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("name", logging.ERROR, "file", 1, "%s failed", (text,), sys.exc_info())
    assert hidden_in(PrintableFormatter().format(record)) is None


def test_a_name_of_a_file_stays_on_its_line() -> None:
    assert one_line("a\nb\tc\x1b") == "a\\nb\\tc\\x1b"


@pytest.mark.parametrize(("text", "name"), HIDDEN)
def test_nothing_hidden_reaches_a_terminal(text: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(json=False)
    console.message(f"m {text}")
    console.progress(f"p {text}")
    console.error("Wrong", f"e {text}", usage=f"u {text}", program=f"q {text}")
    console.result({}, f"r {text}\nnext line")
    Console(json=True).result({"text": text}, "")
    written = capsys.readouterr()
    assert hidden_in(written.out + written.err) is None
    assert json.loads(written.out.splitlines()[-1]) == {"text": text}
    assert "next line" in written.out.splitlines()
