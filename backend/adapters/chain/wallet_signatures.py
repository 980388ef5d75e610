"""Whether a wallet signed a text: by its key, or by what its contract says (ERC-1271).

Wallets that are not deployed yet (ERC-6492) are not accepted: to check one means to run code that the signer chose.
"""

from __future__ import annotations

import re

from eth_abi import encode
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct
from eth_utils import is_checksum_address, to_checksum_address
from web3 import Web3

from backend.adapters.chain import rpc
from backend.adapters.chain.development_accounts import is_well_known
from backend.adapters.chain.eip712 import HALF_ORDER
from backend.adapters.chain.rpc import RangeRefused
from backend.settings import Secret

MAGIC = "0x1626ba7e"
"""The selector of ``isValidSignature(bytes32,bytes)``, and the value that it returns for a good signature."""
_MOST_BYTES = 4096
_GAS = hex(3_000_000)


class ChainWalletSignatures:
    """Port WalletSignatures."""

    def __init__(self, url: Secret | str) -> None:
        self._web3: Web3 = rpc.connect(url)

    def is_checksummed(self, address: str) -> bool:
        return is_checksum_address(address)

    def has_public_key(self, address: str) -> bool:
        return is_well_known(address)

    def is_signed(self, address: str, message: str, signature: str) -> bool:
        if not re.fullmatch(rf"0x(?:[0-9a-fA-F]{{2}}){{1,{_MOST_BYTES}}}", signature):
            return False
        octets = bytes.fromhex(signature[2:])
        signable = encode_defunct(text=message)
        if len(octets) == 65 and int.from_bytes(octets[32:64], "big") <= HALF_ORDER:
            try:
                if Account.recover_message(signable, signature=octets).lower() == address.lower():
                    return True
            except Exception:  # eth_keys and its backends raise several unrelated types for a malformed signature
                return False
        return self._contract_says(address, bytes(_hash_eip191_message(signable)), octets)

    def _contract_says(self, address: str, hash_: bytes, signature: bytes) -> bool:
        if rpc.ask(self._web3, "eth_getCode", to_checksum_address(address), "latest") in ("0x", "0x0", None):
            return False
        data = MAGIC + encode(["bytes32", "bytes"], [hash_, signature]).hex()
        try:
            call = {"to": to_checksum_address(address), "data": data, "gas": _GAS}
            answer = rpc.ask(self._web3, "eth_call", call, "latest")
        except RangeRefused:  # it reverts, or is no such contract
            return False
        return bool(answer == MAGIC + "00" * 28)
