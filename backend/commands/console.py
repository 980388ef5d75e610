"""Where a command writes: results to stdout, everything else to stderr."""

from __future__ import annotations

import json as json_format
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Console:
    json: bool

    def message(self, text: str) -> None:
        """Progress, for a person."""
        print(text, file=sys.stderr, flush=True)

    def result(self, values: dict[str, Any], text: str) -> None:
        """The command's one answer: ``values`` as JSON if that was asked for, otherwise ``text``."""
        print(json_format.dumps(values) if self.json else text, flush=True)

    def error(self, type_: str, message: str) -> None:
        """An error: JSON on stdout if that was asked for, otherwise a line on stderr."""
        if self.json:
            print(json_format.dumps({"error": {"type": type_, "message": message}}), flush=True)
        else:
            print(f"scanproof: {message}", file=sys.stderr, flush=True)


def columns(rows: list[tuple[str, str]]) -> str:
    """Names and values in two aligned columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)
