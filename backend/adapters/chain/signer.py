"""The classifier's private key in a file, and its signature of a diagnosis."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_keys.datatypes import PrivateKey

from backend.adapters import private_files
from backend.adapters.chain import eip712, jws
from backend.adapters.chain.development_accounts import ORDER, is_public
from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS
from backend.domain import Diagnosis, SignedDiagnosis
from backend.errors import ConfigurationError


class KeyFileSigner:
    """Port DiagnosisSigner, with its private key in ``key_file``, which is created with mode 600 if it is missing.

    Raises ConfigurationError when the file cannot be read or written, is readable by other users, holds no key, or
    holds a well-known key while ``chain_id`` is a live chain.
    """

    def __init__(self, key_file: Path, *, chain_id: int) -> None:
        key = _read(key_file)
        self._account = Account.from_key(key)
        self.address: str = self._account.address
        if chain_id not in DEVELOPMENT_CHAIN_IDS and is_public(key, self.address):
            raise ConfigurationError(
                f"the classifier key in {key_file} is a well-known development key ({self.address}), "
                f"and chain {chain_id} is live: remove the file, then grant the role to the new key"
            )

    def __repr__(self) -> str:
        return f"KeyFileSigner(address={self.address})"

    def sign(self, diagnosis: Diagnosis, *, chain_id: int, contract: str) -> SignedDiagnosis:
        """EIP-712 signature, 65 bytes r, s, v with low s."""
        message = eip712.message(diagnosis, chain_id=chain_id, contract=contract)
        signature = "0x" + bytes(self._account.sign_message(message).signature).hex()
        return SignedDiagnosis(
            diagnosis=diagnosis,
            signature=signature,
            classifier=self.address,
            chain_id=chain_id,
            contract=contract,
        )

    def sign_credential(self, credential: Mapping[str, Any]) -> str:
        """The key is that of the address in the issuer's did:pkh."""
        header = {"typ": "vc+jwt", "cty": "vc", "kid": f"{credential['issuer']}#blockchainAccountId"}
        return jws.sign(header, credential, PrivateKey(bytes(self._account.key)))


def is_private_key(text: str) -> bool:
    """Whether ``text`` is 64 hex digits, with or without 0x, of a number in the range of private keys."""
    return bool(re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text)) and 0 < int(text, 16) < ORDER


def _read(key_file: Path) -> str:
    content = private_files.read_key(key_file, "the classifier key", new=lambda: f"0x{secrets.token_hex(32)}\n")
    text = content.decode("ascii", "replace").strip()
    if not is_private_key(text):
        raise ConfigurationError(
            f"the classifier key {key_file} does not hold a private key (64 hex digits): "
            "restore it, or remove it to get a new key"
        )
    return text
