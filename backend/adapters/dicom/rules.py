"""What a de-identified DICOM file keeps: the table ``rules.json``, which the page reads too.

It lists what is kept; whatever it does not name is removed (DICOM PS3.15, Annex E: Basic Application Level
Confidentiality Profile with the options that ``methods`` names). A value is kept only if it is a number, a term of a
closed vocabulary, or a UID of the standard; free text never is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PRIVATE = "private attributes"
OVERLAYS = "overlays"
CURVES = "curves"


@dataclass(frozen=True, slots=True)
class Rule:
    """One attribute that is kept. ``vr`` are the value representations that it may have, the usual one first.

    ``kind`` names what is done with its value, see ``values``. ``root`` attributes are kept only outside sequences.
    ``most`` is the number of values; ``terms`` are those that a value may be, and ``otherwise`` stands for others.
    ``descriptor`` is the tag of the attribute that gives the size of a lookup table.
    """

    name: str
    vr: tuple[str, ...]
    kind: str
    root: bool = False
    most: int = 1
    terms: frozenset[str] = frozenset()
    otherwise: str | None = None
    ignore_case: bool = False
    descriptor: int = 0


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """How a data set is encoded (PS3.5, Annex A). ``stream`` names the codec of encapsulated pixel data."""

    implicit: bool = False
    big_endian: bool = False
    deflated: bool = False
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """``methods`` are codes of PS3.16, context group 7050, with their meanings."""

    version: int
    methods: tuple[tuple[str, str], ...]
    transfer_syntaxes: dict[str, TransferSyntax]
    attributes: dict[int, Rule]
    words: frozenset[str]
    names: dict[int, str]

    def name(self, tag: int) -> str:
        """For people: ``(0010,0010) Patient's Name``. Private attributes, curves and overlays have one name each."""
        group = tag >> 16
        if group & 1:
            return PRIVATE
        if 0x5000 <= group <= 0x50FF:
            return CURVES
        if 0x6000 <= group <= 0x60FF:
            return OVERLAYS
        number = f"({group:04X},{tag & 0xFFFF:04X})"
        return f"{number} {self.names[tag]}" if tag in self.names else number


@cache
def rules() -> Rules:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("rules.json").read_bytes())
    vocabularies = {name: frozenset(terms) for name, terms in table["vocabularies"].items()}
    attributes = {int(tag, 16): _rule(fields, vocabularies) for tag, fields in table["attributes"].items()}
    return Rules(
        version=table["version"],
        methods=tuple((method["value"], method["meaning"]) for method in table["methods"]),
        transfer_syntaxes={
            uid: TransferSyntax(
                implicit=fields.get("implicit", False),
                big_endian=fields.get("bigEndian", False),
                deflated=fields.get("deflated", False),
                stream=fields.get("stream"),
            )
            for uid, fields in table["transferSyntaxes"].items()
        },
        attributes=attributes,
        words=vocabularies["words"],
        names={
            **{int(tag, 16): name for tag, name in table["removed"].items()},
            **{tag: rule.name for tag, rule in attributes.items()},
        },
    )


def _rule(fields: dict[str, Any], vocabularies: dict[str, frozenset[str]]) -> Rule:
    return Rule(
        name=fields["name"],
        vr=tuple(fields["vr"]),
        kind=fields["rule"],
        root=fields.get("root", False),
        most=fields.get("most", 1),
        terms=vocabularies[fields["terms"]] if "terms" in fields else frozenset(),
        otherwise=fields.get("otherwise"),
        ignore_case=fields.get("ignoreCase", False),
        descriptor=int(fields.get("descriptor", "0"), 16),
    )
