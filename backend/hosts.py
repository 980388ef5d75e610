"""Hosts in URLs and in the Host header of a request."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def host_name(host: str) -> str:
    """The name or address in a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host


def bracketed(address: str) -> str:
    """The address as a URL has it: one of IPv6 in brackets (RFC 3986, 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def is_loopback_host(host: str) -> bool:
    """Whether ``host``, with or without a port, is a loopback address or localhost. Any other name in a Host header is
    that of a foreign page (DNS rebinding).
    """
    name = host_name(host)
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_http_url(text: str) -> bool:
    """Whether ``text`` is an absolute http or https URL with a valid host and port."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def parsed_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address; None for a name. One of IPv4 that a socket of IPv6 shows as ::ffff:… is one of IPv4."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def network_of(address: str) -> str:
    """What one person can take many addresses of: the /64 of IPv6; the address itself of IPv4. What is none: its first
    45 characters."""
    found = parsed_address(address)
    if found is None:
        return address[:45]
    return str(ipaddress.ip_network((found, 64), strict=False) if found.version == 6 else found)
