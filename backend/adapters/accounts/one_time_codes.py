"""One-time codes by time (TOTP, RFC 6238). Secrets are stored encrypted, so that a copied database makes no codes.

A stored secret is a nonce of 12 bytes and AES-256-GCM of the secret, with the account's id as additional data.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.adapters.dicom.sender import load_key
from backend.errors import ConfigurationError

_NONCE_BYTES = 12
_STEP_S = 30
_TOLERATED_STEPS = 1
"""Clocks of telephones differ (RFC 6238, 5.2)."""
ISSUER = "ScanProof"


class TotpCodes:
    """Port CodeMaker. The key of ``key_file`` is made at first use, with mode 600."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def new(self, account_id: str, label: str) -> tuple[bytes, str]:
        secret, nonce = pyotp.random_base32(), secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher().encrypt(nonce, secret.encode(), account_id.encode())
        return sealed, pyotp.TOTP(secret).provisioning_uri(name=label, issuer_name=ISSUER)

    def step(self, sealed: bytes, account_id: str, code: str, now: int) -> int | None:
        if not re.fullmatch(r"[0-9]{6}", code):
            return None
        totp, current = pyotp.TOTP(self._open(sealed, account_id)), now // _STEP_S
        for step in range(current - _TOLERATED_STEPS, current + _TOLERATED_STEPS + 1):
            if hmac.compare_digest(totp.at(step * _STEP_S), code):
                return step
        return None

    def _open(self, sealed: bytes, account_id: str) -> str:
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, content, account_id.encode()).decode()
        except InvalidTag:
            raise ConfigurationError(
                f"the key {self._key_file} is not the one with which secrets of one-time codes were stored"
            ) from None

    def _cipher(self) -> AESGCM:
        return AESGCM(load_key(self._key_file))
