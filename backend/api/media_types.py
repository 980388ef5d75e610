"""The media types of an answer that a client accepts, with their parameters (RFC 9110, section 12.5.1; PS3.18, section
8.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.request import parse_http_list

from flask import request
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import parse_options_header

RELATED = "multipart/related"
ANY = "*"
"""Any transfer syntax."""
_MOST_RANGES = 50


@dataclass(frozen=True, slots=True)
class Offer:
    """A media type that can be given, in a part of multipart/related or alone; ``syntax`` is the UID of the transfer
    syntax. Where it is not ``usual``, it is given only to who asks for its transfer syntax."""

    media_type: str
    related: bool = False
    syntax: str = ""
    usual: bool = True

    def __str__(self) -> str:
        name = f'{RELATED}; type="{self.media_type}"' if self.related else self.media_type
        return f"{name}; transfer-syntax={self.syntax}" if self.syntax else name


@dataclass(frozen=True, slots=True)
class _Range:
    """``kind`` is the media type of the parts where ``name`` is multipart/related, else the same as it; empty for any.
    ``syntax`` is empty where none is asked for."""

    name: str
    kind: str
    syntax: str

    def meets(self, offer: Offer) -> bool:
        name = RELATED if offer.related else offer.media_type
        if not _covers(self.name, name) or (offer.related and self.kind and not _covers(self.kind, offer.media_type)):
            return False
        return offer.usual if not self.syntax else self.syntax in (ANY, offer.syntax)


def chosen(offers: Sequence[Offer]) -> Offer:
    """The offer that the client wants most; the first of those that it wants alike. Raises NotAcceptable."""
    for wanted in _ranges():
        for offer in offers:
            if wanted.meets(offer):
                return offer
    usual = list(dict.fromkeys(str(offer) for offer in offers))
    raise NotAcceptable(f"only {' or '.join(usual)} can be given here")


def _ranges() -> list[_Range]:
    """Those of the parameter ``accept`` (PS3.18, section 8.3.3.1), else of the header; but those with a weight of 0."""
    text = ",".join(request.args.getlist("accept")) or request.headers.get("Accept") or "*/*"
    weighted: list[tuple[float, _Range]] = []
    for each in parse_http_list(text)[:_MOST_RANGES]:
        name, options = parse_options_header(each)
        weight = _weight(options.get("q", "1"))
        kind = options.get("type", "").lower() if name.lower() in (RELATED, "multipart/*") else ""
        if weight > 0:
            weighted.append((weight, _Range(name.lower(), kind, options.get("transfer-syntax", ""))))
    return [each for _, each in sorted(weighted, key=lambda each: -each[0])]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _covers(wanted: str, name: str) -> bool:
    return wanted in ("*/*", name) or (wanted.endswith("/*") and name.startswith(wanted[:-1]))
