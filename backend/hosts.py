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


def is_address(name: str) -> bool:
    """Whether ``name`` is an IP address, and no name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
