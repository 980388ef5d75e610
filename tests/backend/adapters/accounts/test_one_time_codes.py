"""One-time codes by the vectors of RFC 6238, and their secrets at rest."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from backend.adapters.accounts.one_time_codes import TotpCodes
from backend.errors import ConfigurationError

ALICE, BOB = "a" * 32, "b" * 32
NOW = 1_800_000_015


def made(codes: TotpCodes) -> tuple[bytes, pyotp.TOTP]:
    sealed, uri = codes.new(ALICE, "alice@example.org")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/ScanProof:alice%40example.org")
    return sealed, pyotp.TOTP(parse_qs(parts.query)["secret"][0])


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_the_codes_are_those_of_the_standard(seconds: int, code: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pyotp, "random_base32", lambda: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    codes = TotpCodes(tmp_path / "key")
    sealed, _ = codes.new(ALICE, "alice@example.org")
    assert codes.step(sealed, ALICE, code, seconds) == seconds // 30


def test_codes_of_the_neighbouring_half_minutes_are_accepted_and_no_others(tmp_path: Path) -> None:
    codes = TotpCodes(tmp_path / "key")
    sealed, app = made(codes)
    steps = [codes.step(sealed, ALICE, app.at(NOW + 30 * each), NOW) for each in range(-2, 3)]
    current = NOW // 30
    assert steps == [None, current - 1, current, current + 1, None]
    for wrong in ("", "12345", "1234567", "12345a", "١٢٣٤٥٦"):
        assert codes.step(sealed, ALICE, wrong, NOW) is None


def test_a_secret_is_bound_to_its_account_and_to_the_key(tmp_path: Path) -> None:
    codes = TotpCodes(tmp_path / "key")
    sealed, app = made(codes)
    assert app.secret.encode() not in sealed
    for reader, account in ((codes, BOB), (TotpCodes(tmp_path / "other key"), ALICE)):
        with pytest.raises(ConfigurationError, match="is not the one with which secrets of one-time codes were stored"):
            reader.step(sealed, account, app.at(NOW), NOW)
