"""A development account in place of MetaMask: signs and sends what a person would. For the embedded chain only."""

from __future__ import annotations

from dataclasses import dataclass

from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError

from backend.adapters.chain import artifact, reverts, rpc
from backend.adapters.chain.development_accounts import DevelopmentAccount
from backend.domain import SignedDiagnosis
from backend.errors import Conflict

_MINED_WITHIN_S = 30
NO_COMMITMENT = bytes(32)


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """A mined transaction."""

    name: str
    hash: str
    gas_used: int
    block: int


class DevelopmentWallet:
    """Sends to the registry ``contract`` and waits until it is mined."""

    def __init__(self, url: str, contract: str, account: DevelopmentAccount) -> None:
        self.address = account.address
        self._key = account.private_key
        self._web3 = rpc.connect(url)
        self._registry = self._web3.eth.contract(address=contract, abi=artifact.load()["abi"])

    def register_image(self, cid: str) -> SentTransaction:
        """Raises Conflict with the contract's reason, ChainUnavailable."""
        return self._send(self._registry.functions.registerImage(cid, NO_COMMITMENT))

    def record_diagnosis(self, signed: SignedDiagnosis) -> SentTransaction:
        """Raises Conflict with the contract's reason, ChainUnavailable."""
        return self._send(self._registry.functions.recordDiagnosis(_struct(signed), signed.signature))

    def register_with_diagnosis(self, cid: str, signed: SignedDiagnosis) -> SentTransaction:
        """Raises Conflict with the contract's reason, ChainUnavailable."""
        return self._send(
            self._registry.functions.registerWithDiagnosis(cid, NO_COMMITMENT, _struct(signed), signed.signature)
        )

    def _send(self, call: ContractFunction) -> SentTransaction:
        with rpc.translated():
            try:
                transaction = call.build_transaction(
                    {"from": self.address, "nonce": self._web3.eth.get_transaction_count(self.address)}
                )
            except ContractLogicError as error:
                raise Conflict(reverts.describe(error.data) or str(error.message)) from None
            signed = self._web3.eth.account.sign_transaction(transaction, self._key)
            hash_ = self._web3.eth.send_raw_transaction(signed.raw_transaction)
            receipt = self._web3.eth.wait_for_transaction_receipt(hash_, timeout=_MINED_WITHIN_S, poll_latency=0.05)
        return SentTransaction(call.fn_name, hash_.to_0x_hex(), receipt["gasUsed"], receipt["blockNumber"])


def _struct(signed: SignedDiagnosis) -> tuple:
    """IImageRegistry.Diagnosis in the order of its fields."""
    diagnosis = signed.diagnosis
    return (
        diagnosis.image_id,
        diagnosis.model_id,
        diagnosis.label,
        diagnosis.confidence,
        diagnosis.manifest_hash,
        diagnosis.issued_at,
    )
