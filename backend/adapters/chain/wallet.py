"""An account whose private key is in this process: signs transactions and sends them to the registry."""

from __future__ import annotations

from typing import cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.types import TransactionDictType
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError, TimeExhausted
from web3.types import TxParams

from backend.adapters.chain import artifact, reverts, rpc
from backend.adapters.chain.artifact import Artifact
from backend.adapters.chain.development_accounts import is_guessable, is_well_known
from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS
from backend.adapters.chain.signer import is_private_key
from backend.domain import (
    Diagnosis,
    DiagnosisRecordedEvent,
    Review,
    SentTransaction,
    SignedDiagnosis,
    Training,
    Verdict,
)
from backend.errors import ChainUnavailable, ConfigurationError, Conflict, WrongChain
from backend.settings import Secret

_MINED_WITHIN_S = 180
_POLL_S = 0.05
_NO_HASH = bytes(32)
NO_COMMITMENT = _NO_HASH


class Wallet:
    """Ports Reviewer and ModelAdmin: sends to the registry ``contract`` and waits until the transaction is mined.

    Every method that sends raises Conflict with the contract's reason, WrongChain when the node serves another chain
    than ``chain_id``, and ChainUnavailable. The constructor sends nothing; it raises ConfigurationError when ``key`` is
    no private key, or a well-known one while ``chain_id`` is a live chain.
    """

    def __init__(self, url: Secret | str, contract: str, key: Secret, *, chain_id: int) -> None:
        if not is_private_key(key.reveal()):
            raise ConfigurationError("expected a private key of 64 hex digits, found something else")
        self._account: LocalAccount = Account.from_key(key.reveal())
        self.address: str = self._account.address
        known = is_well_known(self.address) or is_guessable(key.reveal())
        if chain_id not in DEVELOPMENT_CHAIN_IDS and known:
            raise ConfigurationError(
                f"expected a key of your own on chain {chain_id}, which is live, found a well-known development key "
                f"({self.address})"
            )
        self._chain_id = chain_id
        self._web3 = rpc.connect(url)
        self._contract = Web3.to_checksum_address(contract)
        self._build: Artifact | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(address={self.address})"

    def register_image(self, cid: str) -> SentTransaction:
        return self._send("registerImage", cid, NO_COMMITMENT)

    def record_diagnosis(self, signed: SignedDiagnosis) -> SentTransaction:
        return self._send("recordDiagnosis", _struct(signed.diagnosis), signed.signature)

    def register_with_diagnosis(self, cid: str, signed: SignedDiagnosis) -> SentTransaction:
        return self._send("registerWithDiagnosis", cid, NO_COMMITMENT, _struct(signed.diagnosis), signed.signature)

    def review(self, diagnosis: DiagnosisRecordedEvent, review: Review) -> SentTransaction:
        verdict = list(Verdict).index(review.verdict)
        step = (review.supersedes, review.reason_hash, verdict, review.label)
        return self._send("reviewDiagnosis", _struct(diagnosis), step)

    def register_model(self, model_id: str, labels: int, card_cid: str) -> SentTransaction:
        """A former registry has no place for the number of labels, and is not given it."""
        if "labelsOf" not in self._artifact().functions:
            return self._send("registerModel", model_id, card_cid)
        return self._send("registerModel", model_id, labels, card_cid)

    def retire_model(self, model_id: str) -> SentTransaction:
        return self._send("retireModel", model_id)

    def anchor_training(self, training: Training) -> SentTransaction:
        parent = training.parent_model_id or _NO_HASH
        fields = (training.training_id, training.model_id, parent, training.metrics_hash, training.participants)
        return self._send("anchorTraining", fields)

    def _artifact(self) -> Artifact:
        """The build of the registry, after the node's chain was compared; read once."""
        with rpc.translated():
            serves = self._web3.eth.chain_id
        if serves != self._chain_id:
            raise WrongChain(f"expected chain {self._chain_id}, but the node serves chain {serves}")
        if self._build is None:
            with rpc.translated():
                self._build = artifact.of(bytes(self._web3.eth.get_code(self._contract)))
        if self._build is None:
            raise WrongChain(f"expected ImageRegistry at {self._contract}, but no or other code is there")
        return self._build

    def _send(self, function: str, *arguments: object) -> SentTransaction:
        registry = self._web3.eth.contract(address=self._contract, abi=self._artifact().abi)
        call: ContractFunction = registry.functions[function](*arguments)
        with rpc.translated():
            # Not the pending count: an interrupted command that is repeated must replace its pending transaction.
            sender = Web3.to_checksum_address(self.address)
            fields: TxParams = {
                "from": sender,
                "nonce": self._web3.eth.get_transaction_count(sender),
                "chainId": self._chain_id,
            }
            try:
                transaction = call.build_transaction(fields)
            except ContractLogicError as error:
                raise Conflict(reverts.explain(error.data) or str(error.message)) from None
            # The two libraries describe the same dictionary by different types.
            signed = self._account.sign_transaction(cast(TransactionDictType, transaction))
            hash_ = self._web3.eth.send_raw_transaction(signed.raw_transaction)
            try:
                receipt = self._web3.eth.wait_for_transaction_receipt(hash_, _MINED_WITHIN_S, _POLL_S)
            except TimeExhausted:
                raise ChainUnavailable(
                    f"transaction {hash_.to_0x_hex()} was sent, but is not mined after {_MINED_WITHIN_S} s: "
                    "repeat the command when it is"
                ) from None
            if receipt["status"] == 0:
                raise Conflict(reverts.reason(self._web3, self._web3.eth.get_transaction(hash_), receipt))
        return SentTransaction(
            name=call.fn_name,
            hash=hash_.to_0x_hex(),
            gas_used=receipt["gasUsed"],
            block=receipt["blockNumber"],
        )


def _struct(diagnosis: Diagnosis | DiagnosisRecordedEvent) -> tuple[str, str, int, int, str, int]:
    """IImageRegistry.Diagnosis as a tuple."""
    return (
        diagnosis.image_id,
        diagnosis.model_id,
        diagnosis.label,
        diagnosis.confidence,
        diagnosis.manifest_hash,
        diagnosis.issued_at,
    )
