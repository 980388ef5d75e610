"""Messages of Sign-In with Ethereum (EIP-4361) that are read, and those that are not."""

from __future__ import annotations

import pytest

from backend.errors import InvalidInput
from backend.services.siwe import SignInMessage, parse

GOOD = (
    "https://scanproof.example:8443 wants you to sign in with your Ethereum account:\n"
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8\n"
    "\n"
    "Sign in to ScanProof.\n"
    "\n"
    "URI: https://scanproof.example:8443/\n"
    "Version: 1\n"
    "Chain ID: 11155111\n"
    "Nonce: 0123456789abcdef\n"
    "Issued At: 2026-11-29T10:00:00.123456789Z\n"
    "Expiration Time: 2026-11-29T11:05:00+01:00"
)


def test_every_part_is_read() -> None:
    assert parse(GOOD) == SignInMessage(
        scheme="https",
        domain="scanproof.example:8443",
        address="0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        statement="Sign in to ScanProof.",
        uri="https://scanproof.example:8443/",
        chain_id=11155111,
        nonce="0123456789abcdef",
        issued_at=1795946400.123456,
        expires_at=1795946700,
    )
    assert parse(GOOD.removeprefix("https://")).scheme == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Version: 1", "Version: 2"),
        ("Sign in to ScanProof.\n\n", "\n"),
        ("Sign in to ScanProof.", "Sign in.\nURI: https://evil.example"),
        ("Sign in to ScanProof.", "Sign in \u202e."),
        ("Nonce: 0123456789abcdef", "Nonce: 0123456"),
        ("Nonce: 0123456789abcdef", "Nonce: 0123456789-abcdef"),
        ("Chain ID: 11155111", "Chain ID: 0x1"),
        ("\nExpiration Time: 2026-11-29T11:05:00+01:00", ""),
        ("+01:00", "+01:00\nNot Before: 2026-11-29T10:00:00Z"),
        ("+01:00", "+01:00\nRequest ID: 1"),
        ("+01:00", "+01:00\nResources:\n- https://evil.example"),
        ("+01:00", "+01:00\n"),
        ("\n", "\r\n"),
        ("0x70997970", "0x7099797"),
        ("Ethereum account", "Bitcoin account"),
        ("scanproof.example:8443 wants", "me@scanproof.example wants"),
        ("scanproof.example:8443 wants", "scanproof.example/path wants"),
        ("Sign in to ScanProof.", "x" * 2000),
    ],
)
def test_any_other_form_is_refused(before: str, after: str) -> None:
    assert before in GOOD
    with pytest.raises(InvalidInput, match="expected a message of Sign-In with Ethereum"):
        parse(GOOD.replace(before, after, 1))


@pytest.mark.parametrize("time", ["2026-13-29T10:00:00Z", "2026-11-29T25:00:00Z", "0000-11-29T10:00:00Z"])
def test_a_time_that_is_none_is_refused(time: str) -> None:
    with pytest.raises(InvalidInput, match=f"expected a time of RFC 3339, found '{time}'"):
        parse(GOOD.replace("2026-11-29T10:00:00.123456789Z", time))
