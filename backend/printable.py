"""Text from outside, made safe to show: characters that are not seen, but change what is seen.

Control characters can rewrite a terminal. Direction marks can reorder a line (CVE-2021-42574). Others are invisible.
"""

from __future__ import annotations

import logging
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's general categories: control, format, surrogate, private use, line and paragraph separator."""
_JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner, without which Persian and several Indian scripts are misspelled."""
_LINES = "\n\t"


def is_hidden(character: str) -> bool:
    """Whether a reader does not see this character. Line feed, tab and the joiners are not hidden."""
    return character not in _LINES + _JOINERS and unicodedata.category(character) in _HIDDEN


def hidden_in(text: str) -> str | None:
    """The first hidden character of ``text`` as U+202E; None if there is none."""
    lines = text.replace("\r\n", "\n")
    return next((f"U+{ord(character):04X}" for character in lines if is_hidden(character)), None)


def printable(text: str) -> str:
    """``text`` with each hidden character as an escape of Python, such as ``\\u202e``."""
    if text.isascii() and text.isprintable():
        return text
    lines = text.replace("\r\n", "\n")
    return "".join(ascii(character)[1:-1] if is_hidden(character) else character for character in lines)


class PrintableFormatter(logging.Formatter):
    """Formats log records without hidden characters: paths of requests and messages of nodes are foreign text."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def one_line(text: str) -> str:
    """As ``printable``, with line feeds and tabs as escapes too: for names of files."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")
