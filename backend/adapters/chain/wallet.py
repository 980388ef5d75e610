"""An account whose key is in this process: signs and sends to the registry what a person would with MetaMask."""

from __future__ import annotations

from eth_account import Account
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError, TimeExhausted

from backend.adapters.chain import artifact, reverts, rpc
from backend.adapters.chain.development_accounts import is_well_known
from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS
from backend.adapters.chain.private_keys import is_private_key
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
    """Ports Reviewer and ModelAdmin. Sends to the registry ``contract`` and waits until it is mined.

    Every method that sends raises Conflict with the contract's reason, WrongChain when the node serves another chain
    than ``chain_id``, and ChainUnavailable. The constructor sends nothing, and raises ConfigurationError for what is no
    private key, and for a key that is public knowledge while ``chain_id`` is a live chain.
    """

    def __init__(self, url: str, contract: str, key: Secret, *, chain_id: int) -> None:
        if not is_private_key(key):
            raise ConfigurationError("expected a private key of 64 hex digits, found something else")
        self._account = Account.from_key(str.__str__(key))
        self.address: str = self._account.address
        if chain_id not in DEVELOPMENT_CHAIN_IDS and is_well_known(self.address):
            raise ConfigurationError(
                f"expected a key of your own on chain {chain_id}, which is live, found a development key that "
                f"everybody knows ({self.address})"
            )
        self._chain_id = chain_id
        self._web3 = rpc.connect(url)
        self._registry = self._web3.eth.contract(address=contract, abi=artifact.load()["abi"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(address={self.address})"

    def register_image(self, cid: str) -> SentTransaction:
        return self._send(self._registry.functions.registerImage(cid, NO_COMMITMENT))

    def record_diagnosis(self, signed: SignedDiagnosis) -> SentTransaction:
        return self._send(self._registry.functions.recordDiagnosis(_struct(signed.diagnosis), signed.signature))

    def register_with_diagnosis(self, cid: str, signed: SignedDiagnosis) -> SentTransaction:
        diagnosis = _struct(signed.diagnosis)
        return self._send(
            self._registry.functions.registerWithDiagnosis(cid, NO_COMMITMENT, diagnosis, signed.signature)
        )

    def review(self, diagnosis: DiagnosisRecordedEvent, review: Review) -> SentTransaction:
        verdict = list(Verdict).index(review.verdict)
        step = (review.supersedes, review.reason_hash, verdict, review.label)
        return self._send(self._registry.functions.reviewDiagnosis(_struct(diagnosis), step))

    def register_model(self, model_id: str, card_cid: str) -> SentTransaction:
        return self._send(self._registry.functions.registerModel(model_id, card_cid))

    def retire_model(self, model_id: str) -> SentTransaction:
        return self._send(self._registry.functions.retireModel(model_id))

    def anchor_training(self, training: Training) -> SentTransaction:
        parent = training.parent_model_id or _NO_HASH
        fields = (training.training_id, training.model_id, parent, training.metrics_hash, training.participants)
        return self._send(self._registry.functions.anchorTraining(fields))

    def _send(self, call: ContractFunction) -> SentTransaction:
        with rpc.translated():
            serves = self._web3.eth.chain_id
        if serves != self._chain_id:
            raise WrongChain(f"expected chain {self._chain_id}, but the node serves chain {serves}")
        with rpc.translated():
            # Not the pending count: a command that was cut off and is repeated must take the place of its transaction.
            fields = {"from": self.address, "nonce": self._web3.eth.get_transaction_count(self.address)}
            try:
                transaction = call.build_transaction({**fields, "chainId": self._chain_id})
            except ContractLogicError as error:
                raise Conflict(reverts.explain(error.data) or str(error.message)) from None
            hash_ = self._web3.eth.send_raw_transaction(self._account.sign_transaction(transaction).raw_transaction)
            try:
                receipt = self._web3.eth.wait_for_transaction_receipt(hash_, _MINED_WITHIN_S, _POLL_S)
            except TimeExhausted:
                raise ChainUnavailable(
                    f"transaction {hash_.to_0x_hex()} was sent, but is not mined after {_MINED_WITHIN_S} s: "
                    "repeat the command when it is"
                ) from None
            if receipt["status"] == 0:
                raise Conflict(reverts.reason(self._web3, self._web3.eth.get_transaction(hash_), receipt))
        return SentTransaction(call.fn_name, hash_.to_0x_hex(), receipt["gasUsed"], receipt["blockNumber"])


def _struct(diagnosis: Diagnosis | DiagnosisRecordedEvent) -> tuple:
    """IImageRegistry.Diagnosis in the order of its fields."""
    return (
        diagnosis.image_id,
        diagnosis.model_id,
        diagnosis.label,
        diagnosis.confidence,
        diagnosis.manifest_hash,
        diagnosis.issued_at,
    )
