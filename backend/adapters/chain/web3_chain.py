"""The registry contract on one chain, read through the JSON-RPC of an Ethereum node."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from eth_utils import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionNotFound
from web3.types import TxReceipt

from backend.adapters.chain import artifact, ids, reverts, rpc
from backend.adapters.chain.artifact import Artifact
from backend.adapters.chain.blocks import BlockReader
from backend.adapters.chain.events import (
    COMPROMISE_TOPIC,
    MODEL_TOPICS,
    RECORD_TOPICS,
    REGISTRY_TOPICS,
    ROLES,
    TOPICS,
    TRAINING_TOPIC,
    EventDecoder,
    Log,
    position,
    role_change,
)
from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS
from backend.adapters.chain.logs import LogReader, Topics
from backend.adapters.chain.node_clock import node_time
from backend.adapters.chain.proofs import signatures
from backend.adapters.chain.proofs.encodings import encode_transaction, octets
from backend.domain import (
    BlockRef,
    ClassifierCompromisedEvent,
    Event,
    ModelEvent,
    ModelStatus,
    RecordEvent,
    RegisteredState,
    RegistryState,
    RoleChange,
    SignedTransaction,
    StateKeys,
    StoredImage,
    TransactionState,
    TransactionStatus,
)
from backend.errors import ChainUnavailable, WrongChain
from backend.settings import Secret


def selector(function: str) -> str:
    """The first bytes of a call, by the function's name and types."""
    return Web3.keccak(text=function)[:4].to_0x_hex()


_STATUSES = tuple(ModelStatus)
_STATUS_CODES = [selector("statusOf(bytes32)"), selector("trainingOf(bytes32)")]
_IMAGE_OF, _IS_REGISTERED = selector("imageOf(bytes32)"), selector("isRegistered(bytes32)")
_COMPROMISED_SINCE = selector("compromisedSince(address)")
_NEWEST_REVIEW_OF, _HAS_ROLE = selector("newestReviewOf(bytes32)"), selector("hasRole(bytes32,address)")


def _registered_state(status: str, training: str) -> RegisteredState:
    return RegisteredState(_STATUSES[_number(status)], _hash_or_none(training))


def _hash_or_none(word: str) -> str | None:
    return word.lower() if _number(word) else None


def _number(word: str) -> int:
    """The number that a call returned."""
    content = octets(word)
    if len(content) != 32:
        raise ValueError
    return int.from_bytes(content)


def _word(value: str) -> str:
    """A hash or an address as 64 hex digits of call data."""
    return value.removeprefix("0x").lower().rjust(64, "0")


class Web3Chain:
    """Port Chain. The constructor sends nothing; the first request, and the first one after a failure, checks that the
    node serves ``chain_id`` with this registry's code at ``contract``.

    In addition to the errors that the port names, every method that asks the node raises WrongChain.
    """

    def __init__(self, rpc_url: Secret | str, *, chain_id: int, contract: str, start_block: int = 0) -> None:
        self.chain_id = chain_id
        self._address = Web3.to_checksum_address(contract)
        self.contract: str = self._address
        self.start_block = start_block
        self.development = chain_id in DEVELOPMENT_CHAIN_IDS
        self._url = rpc_url
        self._web3 = rpc.connect(rpc_url)
        self._blocks = BlockReader(self._web3)
        self._logs = LogReader(self._web3, self.contract)
        self._decoder = EventDecoder(self._blocks.by_hashes, chain_id=chain_id, contract=self.contract)
        self._build: Artifact | None = None
        self._checked = False
        self._check_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Web3Chain(chain_id={self.chain_id}, contract={self.contract})"

    def image_id(self, uploader: str, cid: str) -> str:
        return ids.image_id(uploader, cid)

    def head(self) -> BlockRef:
        with self._right_chain():
            return self._blocks.head()

    def time(self) -> int:
        head = self.head().timestamp
        return max(head, node_time(self._url) or head)

    def block(self, number: int) -> BlockRef | None:
        """The block of that number on the node's chain now, or None past its head."""
        with self._right_chain():
            return self._blocks.by_number(number)

    def events(self, first: int, last: int) -> Sequence[Event]:
        with self._right_chain():
            ranges = self._logs.read(first, last, [REGISTRY_TOPICS])
            return [event for logs in ranges for event in self._decoder.decode(logs)]

    def events_of_image(self, image_id: str) -> Sequence[RecordEvent]:
        with self._right_chain():
            events = self._decoder.decode(self._history([RECORD_TOPICS, image_id]))
            # The node may ignore a filter.
            return [event for event in events if isinstance(event, RecordEvent) and event.image_id == image_id]

    def events_of_model(self, model_id: str) -> Sequence[ModelEvent]:
        with self._right_chain():
            logs = [*self._history([MODEL_TOPICS, model_id]), *self._history([TRAINING_TOPIC, None, model_id])]
            events = self._decoder.decode(sorted(logs, key=position))
            return [event for event in events if isinstance(event, ModelEvent) and event.model_id == model_id]

    def events_of_classifier(self, address: str) -> Sequence[ClassifierCompromisedEvent]:
        with self._right_chain():
            events = self._decoder.decode(self._history([COMPROMISE_TOPIC, "0x" + _word(address)]))
            return [
                event
                for event in events
                if isinstance(event, ClassifierCompromisedEvent) and event.classifier.lower() == address.lower()
            ]

    def model_states(self, model_ids: Sequence[str]) -> Sequence[RegisteredState]:
        """The registry's state of each model now, in one request. Raises ChainUnavailable."""
        calls = [selector + model_id.removeprefix("0x") for model_id in model_ids for selector in _STATUS_CODES]
        with self._right_chain():
            questions = [({"to": self.contract, "data": call}, "latest") for call in calls]
            answers = rpc.ask_many(self._web3, "eth_call", questions)
            with rpc.translated():
                return [_registered_state(*each) for each in zip(answers[::2], answers[1::2], strict=True)]

    def events_of_transaction(self, hash_: str) -> Sequence[Event]:
        with self._right_chain():
            receipt: rpc.JsonObject | None = rpc.ask(self._web3, "eth_getTransactionReceipt", hash_)
            if receipt is None:
                return []
            with rpc.translated():
                logs: list[Log] = [log for log in receipt["logs"] if log["address"].lower() == self.contract.lower()]
            return self._decoder.decode(logs)

    def transaction(
        self, hash_: str, *, confirmations: int, sender: str | None = None, nonce: int | None = None
    ) -> TransactionStatus:
        """``confirmations`` counts the transaction's own block. A hash that the node does not know is ``replaced`` when
        another transaction used up ``nonce`` of ``sender``.
        """
        with self._right_chain():
            if receipt := self._receipt(hash_):
                return self._mined(hash_, receipt, confirmations)
            with rpc.translated():
                try:
                    pending = self._web3.eth.get_transaction(HexBytes(hash_))
                    return TransactionStatus(
                        hash_, TransactionState.PENDING, sender=pending["from"], nonce=pending["nonce"]
                    )
                except TransactionNotFound:
                    pass
                if sender is None or nonce is None or self._nonce(sender) <= nonce:
                    return TransactionStatus(hash_, TransactionState.UNKNOWN, sender=sender, nonce=nonce)
            # It may have been mined between the two requests, and then it used up the nonce itself.
            if receipt := self._receipt(hash_):
                return self._mined(hash_, receipt, confirmations)
            return TransactionStatus(hash_, TransactionState.REPLACED, sender=sender, nonce=nonce)

    def roles(self, role: str, address: str) -> Sequence[RoleChange]:
        holder = "0x" + _word(address)
        with self._right_chain():
            logs = self._history([[TOPICS["RoleGranted"], TOPICS["RoleRevoked"]], ROLES[role], holder])
            with rpc.translated():
                return [role_change(log) for log in logs]

    def state_block(self) -> BlockRef | None:
        return self.head()

    def state(self, keys: StateKeys, block: BlockRef) -> RegistryState | None:
        tag = hex(block.number)
        with self._right_chain():
            calls = [
                *(_NEWEST_REVIEW_OF + _word(id_) for id_ in keys.diagnosis_ids),
                *(code + _word(id_) for id_ in keys.model_ids for code in _STATUS_CODES),
                *(_COMPROMISED_SINCE + _word(account) for account in self._reportable(keys)),
                *(_HAS_ROLE + _word(ROLES[role]) + _word(account) for role, account in keys.roles),
            ]
            questions = [({"to": self.contract, "data": call}, tag) for call in calls]
            answers = iter(rpc.ask_many(self._web3, "eth_call", questions) if questions else [])
            with rpc.translated():
                return RegistryState(
                    image=self._stored_image(keys.image_id, tag),
                    newest_reviews={id_: _hash_or_none(next(answers)) for id_ in keys.diagnosis_ids},
                    models={id_: _registered_state(next(answers), next(answers)) for id_ in keys.model_ids},
                    compromises=dict.fromkeys(keys.classifiers)
                    | {account: _number(next(answers)) or None for account in self._reportable(keys)},
                    roles={each: _number(next(answers)) == 1 for each in keys.roles},
                )

    def _reportable(self, keys: StateKeys) -> Sequence[str]:
        """The classifiers that the registry can have a report of; the first contract had none."""
        return keys.classifiers if self._build and "compromisedSince" in self._build.functions else ()

    def _stored_image(self, image_id: str, tag: str) -> StoredImage | None:
        """``imageOf`` reverts for an image that is not registered, and nodes report that in many ways."""
        registered = rpc.ask(
            self._web3, "eth_call", {"to": self.contract, "data": _IS_REGISTERED + _word(image_id)}, tag
        )
        if not _number(registered):
            return None
        answer = rpc.ask(self._web3, "eth_call", {"to": self.contract, "data": _IMAGE_OF + _word(image_id)}, tag)
        words = octets(answer)
        if len(words) != 4 * 32:
            raise ValueError
        uploader, *numbers = (words[place : place + 32] for place in range(0, len(words), 32))
        registered_at, last_issued_at, diagnosis_count = map(int.from_bytes, numbers)
        return StoredImage(Web3.to_checksum_address(uploader[-20:]), registered_at, last_issued_at, diagnosis_count)

    def signed_transaction(self, hash_: str) -> SignedTransaction | None:
        with self._right_chain():
            encoded = self._encoded(hash_)
            with rpc.translated():
                return None if encoded is None else signatures.decode(encoded)

    def _encoded(self, hash_: str) -> bytes | None:
        """The bytes with that hash, as the node has them or put together from its fields; None when it gives neither.

        Few nodes have every transaction for ever, and some have no ``eth_getRawTransactionByHash``.
        """
        try:
            raw = rpc.ask(self._web3, "eth_getRawTransactionByHash", hash_)
        except rpc.RangeRefused:
            raw = None
        with rpc.translated():
            if raw and "0x" + keccak(octets(raw)).hex() == hash_.lower():
                return octets(raw)
        fields: rpc.JsonObject | None = rpc.ask(self._web3, "eth_getTransactionByHash", hash_)
        with suppress(ChainUnavailable), rpc.translated():
            return encode_transaction({**fields, "hash": hash_.lower()}) if fields else None
        return None

    def _history(self, topics: Topics) -> list[Log]:
        """The logs with these topics since the contract's deployment."""
        head = self._blocks.head().number
        return [log for logs in self._logs.read(self.start_block, head, topics) for log in logs]

    def _mined(self, hash_: str, receipt: TxReceipt, confirmations: int) -> TransactionStatus:
        with rpc.translated():
            transaction = self._web3.eth.get_transaction(HexBytes(hash_))
            head = self._web3.eth.block_number
        block = self._blocks.by_hash(receipt["blockHash"].to_0x_hex())
        depth = max(1, head - block.number + 1)
        failed = receipt["status"] == 0
        state = TransactionState.CONFIRMED if depth >= confirmations else TransactionState.MINED
        return TransactionStatus(
            hash=hash_,
            state=TransactionState.FAILED if failed else state,
            confirmations=depth,
            block=block,
            gas_used=receipt["gasUsed"],
            sender=transaction["from"],
            nonce=transaction["nonce"],
            revert_reason=reverts.reason(self._web3, transaction, receipt) if failed else None,
        )

    def _receipt(self, hash_: str) -> TxReceipt | None:
        with rpc.translated():
            try:
                return self._web3.eth.get_transaction_receipt(HexBytes(hash_))
            except TransactionNotFound:
                return None

    def _nonce(self, sender: str) -> int:
        return self._web3.eth.get_transaction_count(Web3.to_checksum_address(sender))

    @contextmanager
    def _right_chain(self) -> Iterator[None]:
        with self._check_lock:
            if not self._checked:
                self._check()
                self._checked = True
        try:
            yield
        except ChainUnavailable:
            # The next node at that URL may serve another chain.
            self._checked = False
            raise

    def _check(self) -> None:
        with rpc.translated():
            chain_id = self._web3.eth.chain_id
            code = bytes(self._web3.eth.get_code(self._address))
        if chain_id != self.chain_id:
            raise WrongChain(f"expected chain {self.chain_id}, but the node serves chain {chain_id}")
        if not code:
            raise WrongChain(f"expected the contract at {self.contract}, but there is no code on chain {chain_id}")
        self._build = artifact.of(code)
        if self._build is None:
            raise WrongChain(f"expected ImageRegistry at {self.contract}, but other code is there on chain {chain_id}")
