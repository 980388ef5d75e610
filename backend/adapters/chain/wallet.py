"""An account whose private key is in this process: signs transactions and sends them to the registry."""

from __future__ import annotations

import re
import time
from typing import Any, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.types import TransactionDictType
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError
from web3.types import Nonce, TxParams

from backend.adapters.chain import artifact, reverts, rpc
from backend.adapters.chain.artifact import Artifact
from backend.adapters.chain.development_accounts import is_public
from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS
from backend.adapters.chain.rpc import JsonObject, RangeRefused, quantity
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
from backend.errors import ChainUnavailable, ConfigurationError, Conflict, WrongChain, after_sending
from backend.settings import Secret

_MINED_WITHIN_S = 180
_POLL_S = 0.05
_LONGEST_POLL_S = 1.0
_FEE_STEP = 1.5
"""Nodes replace a waiting transaction when its fees grow by 10 % at least; those that want more get it in few steps."""
_FEE_STEPS = 5
_FEES = ("maxFeePerGas", "maxPriorityFeePerGas", "gasPrice")
_KNOWN = re.compile(
    r"already ?known|\bknown (?:transaction|tx)|"
    r"already (?:imported|exists|in (?:the )?(?:(?:mem|tx)?pool|transaction pool))|duplicate (?:transaction|tx)|"
    r"(?:transaction|tx) already in"
)
_UNDERPRICED = re.compile(
    r"underpriced|replacement|fee too low|fee cap less|max ?fee ?per ?gas|priority ?fee|tip |"
    r"gas ?price (?:is )?too low|gas ?price below|could not replace"
)
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
        if chain_id not in DEVELOPMENT_CHAIN_IDS and is_public(key.reveal(), self.address):
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
        build = self._artifact()
        arguments = (model_id, labels, card_cid) if "labelsOf" in build.functions else (model_id, card_cid)
        return self._send("registerModel", *arguments, build=build)

    def retire_model(self, model_id: str) -> SentTransaction:
        return self._send("retireModel", model_id)

    def anchor_training(self, training: Training) -> SentTransaction:
        parent = training.parent_model_id or _NO_HASH
        fields = (training.training_id, training.model_id, parent, training.metrics_hash, training.participants)
        return self._send("anchorTraining", fields)

    def _artifact(self) -> Artifact:
        """The build of the registry, after the node's chain was compared; read once."""
        serves = quantity(rpc.ask(self._web3, "eth_chainId"))
        if serves != self._chain_id:
            raise WrongChain(f"expected chain {self._chain_id}, but the node serves chain {serves}")
        if self._build is None:
            code = rpc.ask(self._web3, "eth_getCode", self._contract, "latest")
            with rpc.translated():
                self._build = artifact.of(bytes.fromhex(code.removeprefix("0x")))
        if self._build is None:
            raise WrongChain(f"expected ImageRegistry at {self._contract}, but no or other code is there")
        return self._build

    def _send(self, function: str, *arguments: object, build: Artifact | None = None) -> SentTransaction:
        """``build`` is what ``_artifact`` returned, if it was asked already."""
        registry = self._web3.eth.contract(address=self._contract, abi=(build or self._artifact()).abi)
        call: ContractFunction = registry.functions[function](*arguments)
        # Not the pending count: an interrupted command that is repeated must replace its pending transaction.
        sender = Web3.to_checksum_address(self.address)
        nonce = quantity(rpc.ask(self._web3, "eth_getTransactionCount", sender, "latest"))
        with rpc.translated():
            fields: TxParams = {"from": sender, "nonce": Nonce(nonce), "chainId": self._chain_id}
            try:
                # The two libraries describe the same dictionary by different types.
                transaction = cast(TransactionDictType, call.build_transaction(fields))
            except ContractLogicError as error:
                raise Conflict(reverts.explain(error.data) or str(error.message)) from None
        hash_ = self._submit(transaction)
        with after_sending([hash_]):
            receipt = self._wait(hash_)
            with rpc.translated():
                if quantity(receipt["status"]) == 0:
                    sent = rpc.ask(self._web3, "eth_getTransactionByHash", hash_)
                    raise Conflict(reverts.reason(self._web3, sent, receipt))
                return SentTransaction(
                    name=call.fn_name,
                    hash=hash_,
                    gas_used=quantity(receipt["gasUsed"]),
                    block=quantity(receipt["blockNumber"]),
                )

    def _submit(self, transaction: TransactionDictType) -> str:
        """Sign and send, with higher fees while the node finds them too low; the hash.

        A transaction that the node has already is this one, for instance sent by a command that was interrupted.
        """
        for step in range(_FEE_STEPS + 1):
            signed = self._account.sign_transaction(transaction)
            hash_ = "0x" + signed.hash.hex().removeprefix("0x")
            try:
                rpc.ask(self._web3, "eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())
                return hash_
            except RangeRefused as error:
                said = error.said.lower()
                if _KNOWN.search(said) or self._is_known(hash_):
                    return hash_
                if not said:
                    raise _perhaps_sent(hash_, error) from None
                if not _UNDERPRICED.search(said):
                    raise
                if step == _FEE_STEPS:
                    raise ChainUnavailable(
                        f"the node wants higher fees, or another transaction of {self.address} with the nonce "
                        f"{transaction['nonce']!r} waits and pays more: repeat the command later ({error})"
                    ) from None
            except ChainUnavailable as error:
                if self._is_known(hash_):
                    return hash_
                raise _perhaps_sent(hash_, error) from None
            transaction = _with_higher_fees(transaction)
        raise AssertionError("the last step returns or raises")

    def _is_known(self, hash_: str) -> bool:
        try:
            return rpc.ask(self._web3, "eth_getTransactionByHash", hash_) is not None
        except ChainUnavailable:
            return False

    def _wait(self, hash_: str) -> JsonObject:
        """The receipt, once the transaction is mined. A node that fails meanwhile is asked again."""
        deadline = time.monotonic() + _MINED_WITHIN_S
        poll = _POLL_S
        while True:
            trouble = ""
            try:
                receipt: JsonObject | None = rpc.ask(self._web3, "eth_getTransactionReceipt", hash_)
                with rpc.translated():
                    if receipt is not None and receipt["blockHash"]:
                        return receipt
            except ChainUnavailable as error:
                trouble = f" ({error})"
            if time.monotonic() > deadline:
                raise ChainUnavailable(
                    f"transaction {hash_} was sent, but is not mined after {_MINED_WITHIN_S} s{trouble}: "
                    "repeat the command when it is"
                )
            time.sleep(poll)
            poll = min(_LONGEST_POLL_S, poll * 1.1)


def _perhaps_sent(hash_: str, error: ChainUnavailable) -> ChainUnavailable:
    """The answer was lost; the transaction may have arrived."""
    return ChainUnavailable(f"transaction {hash_} may have been sent: repeat the command ({error})")


def _with_higher_fees(transaction: TransactionDictType) -> TransactionDictType:
    fields = cast(dict[str, Any], transaction)
    raised = {name: int(int(fields[name]) * _FEE_STEP) + 1 for name in _FEES if name in fields}
    return cast(TransactionDictType, {**fields, **raised})


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
