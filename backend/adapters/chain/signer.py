"""The classifier's key, kept in a file, and its signature below a diagnosis."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from eth_account import Account

from backend.adapters import private_files
from backend.adapters.chain import eip712
from backend.adapters.chain.development_accounts import is_well_known
from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS
from backend.adapters.chain.private_keys import is_private_key
from backend.domain import Diagnosis, SignedDiagnosis
from backend.errors import ConfigurationError


class KeyFileSigner:
    """DiagnosisSigner whose private key lies in ``key_file``; made there at first use with mode 600.

    Raises ConfigurationError when the file cannot be read or written, can be read by other users, holds no key, or
    holds a key that is public knowledge while ``chain_id`` is a live chain.
    """

    def __init__(self, key_file: Path, *, chain_id: int) -> None:
        try:
            if not key_file.exists():
                _create(key_file)
            key = _read(key_file)
        except OSError as error:
            raise ConfigurationError(f"the classifier key {key_file} cannot be used: {error.strerror}") from error
        self._account = Account.from_key(key)
        self.address: str = self._account.address
        if chain_id not in DEVELOPMENT_CHAIN_IDS and is_well_known(self.address):
            raise ConfigurationError(
                f"the classifier key in {key_file} is a development key that everybody knows ({self.address}), "
                f"and chain {chain_id} is live: remove the file to have a new key made, then grant that one its role"
            )

    def __repr__(self) -> str:
        return f"KeyFileSigner(address={self.address})"

    def sign(self, diagnosis: Diagnosis, *, chain_id: int, contract: str) -> SignedDiagnosis:
        """EIP-712 signature, 65 bytes r, s, v with low s."""
        message = eip712.message(diagnosis, chain_id=chain_id, contract=contract)
        signature = "0x" + bytes(self._account.sign_message(message).signature).hex()
        return SignedDiagnosis(diagnosis, signature, self.address, chain_id, contract)


def _create(key_file: Path) -> None:
    """Write a new key; of several processes that do so at once the first wins, and no reader sees half a key."""
    private_files.make_folder(key_file.parent)
    draft = key_file.with_name(f"{key_file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"0x{secrets.token_hex(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, key_file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(key_file: Path) -> str:
    mode = key_file.stat().st_mode & 0o777
    if mode & 0o077:
        raise ConfigurationError(
            f"the classifier key {key_file} is open to other users (mode {mode:o}): chmod 600 {key_file}"
        )
    text = key_file.read_text(encoding="ascii", errors="replace").strip()
    if not is_private_key(text):
        raise ConfigurationError(
            f"the classifier key {key_file} does not hold a private key (64 hex digits): "
            "restore it, or remove it and a new one is made"
        )
    return text
