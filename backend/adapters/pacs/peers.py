"""Application entities that may send, as a person names them. Without pynetdicom, which is slow to import."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from backend.errors import ConfigurationError
from backend.hosts import is_loopback_host


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity that may send; from any address of ``addresses``, or from anywhere on this machine."""

    title: str
    addresses: frozenset[str] = frozenset()

    def is_at(self, address: str) -> bool:
        return address in self.addresses if self.addresses else is_loopback_host(address)


def peer(text: str) -> Peer:
    """``AET`` or ``AET@HOST``. Raises ConfigurationError for a title that is none, or a host that nobody knows."""
    title, _, host = text.partition("@")
    if not is_title(title):
        raise ConfigurationError(f"expected an AE title of 1 to 16 characters, found {title[:80]!r}")
    if not host:
        return Peer(title)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"the host {host[:80]!r} of the AE title {title} is not known: {error}") from error
    return Peer(title, frozenset(str(address[4][0]) for address in found))


def is_title(text: str) -> bool:
    """Whether ``text`` is an AE title (PS3.5, VR AE), without spaces around it."""
    return 0 < len(text) <= 16 and text.isascii() and text.isprintable() and "\\" not in text and text == text.strip()
