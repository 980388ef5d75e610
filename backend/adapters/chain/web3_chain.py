"""The registry contract on one chain, read through the JSON-RPC of an Ethereum node."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain

from eth_utils import keccak
from web3 import Web3

from backend.adapters.chain import artifact, ids, reverts, rpc
from backend.adapters.chain.artifact import Artifact
from backend.adapters.chain.blocks import BlockReader
from backend.adapters.chain.complete import CompleteReader
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
from backend.adapters.chain.rpc import JsonObject, quantity
from backend.ancestry import Ancestry, parent_in, trace
from backend.domain import (
    NO_PARENT,
    BlockRange,
    BlockRef,
    ClassifierCompromisedEvent,
    Event,
    ModelEvent,
    ModelStatus,
    RecordEvent,
    RegisteredState,
    RegistryState,
    RoleChange,
    RoleChangedEvent,
    SignedTransaction,
    StateKeys,
    StoredImage,
    TransactionState,
    TransactionStatus,
)
from backend.domain import position as event_position
from backend.errors import ChainUnavailable, WrongChain
from backend.settings import Secret


def _selector(function: str) -> str:
    """The first bytes of a call, by the function's name and types."""
    return Web3.keccak(text=function)[:4].to_0x_hex()


_STATUSES = tuple(ModelStatus)
_ALL_MODEL_TOPICS = [*MODEL_TOPICS, TRAINING_TOPIC]
_ROLE_TOPICS = [TOPICS["RoleGranted"], TOPICS["RoleRevoked"]]
_ROLE_NAMES = {topic: name for name, topic in ROLES.items()}
_STATUS_CODES = [_selector("statusOf(bytes32)"), _selector("trainingOf(bytes32)")]
_IMAGE_OF, _IS_REGISTERED = _selector("imageOf(bytes32)"), _selector("isRegistered(bytes32)")
_COMPROMISED_SINCE = _selector("compromisedSince(address)")
_NEWEST_REVIEW_OF, _HAS_ROLE = _selector("newestReviewOf(bytes32)"), _selector("hasRole(bytes32,address)")


def _registered_state(status: str, training: str) -> RegisteredState:
    return RegisteredState(_STATUSES[_number(status)], _hash_or_none(training))


def _place_of_model(log: Log) -> int:
    """Which topic of a model's event is the model's id."""
    return 2 if log["topics"][0] == TRAINING_TOPIC else 1


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


def _stored_image(answer: str) -> StoredImage:
    words = octets(answer)
    if len(words) != 4 * 32:
        raise ValueError
    uploader, *numbers = (words[place : place + 32] for place in range(0, len(words), 32))
    registered_at, last_issued_at, diagnosis_count = map(int.from_bytes, numbers)
    return StoredImage(Web3.to_checksum_address(uploader[-20:]), registered_at, last_issued_at, diagnosis_count)


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
        self._complete = CompleteReader(
            self._web3, contract.lower(), [*REGISTRY_TOPICS, *_ROLE_TOPICS], blocks=self._blocks, logs=self._logs
        )
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

    def blocks(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        with self._right_chain():
            return self._blocks.by_numbers(numbers)

    def read(self, first: int, last: int) -> BlockRange | None:
        with self._right_chain():
            found = self._complete.read(first, last)
            if found is None:
                return None
            headers, logs = found
            events = [*self._decoder.decode(logs), *self._role_changes(logs)]
            return BlockRange(headers[0].parent, headers[-1].block, tuple(sorted(events, key=event_position)))

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

    def ancestry(self, model_id: str) -> Ancestry:
        """That of a model with a parent is read from the events of all models at once, not model by model."""
        events = self.events_of_model(model_id)
        if parent_in(events) is None:
            return {model_id: events}
        with self._right_chain():
            logs = self._history([_ALL_MODEL_TOPICS])
            with rpc.translated():
                ours = [log for log in logs if log["topics"][0] in _ALL_MODEL_TOPICS]
                trainings = [log["topics"] for log in reversed(ours) if log["topics"][0] == TRAINING_TOPIC]
                parents = {model: parent for _, _, model, parent in trainings if parent != NO_PARENT}
                found: dict[str, list[ModelEvent]] = {each: [] for each in trace(model_id, parents.get)}
                ancestral = [log for log in ours if log["topics"][_place_of_model(log)] in found]
            for event in self._model_events(ancestral):
                found[event.model_id].append(event)
            return found

    def model_events_in(self, blocks: Collection[BlockRef]) -> Sequence[ModelEvent]:
        with self._right_chain():
            found = self._logs.of_blocks([block.hash for block in blocks], [_ALL_MODEL_TOPICS])
            return sorted(self._model_events(chain.from_iterable(found)), key=event_position)

    def _model_events(self, logs: Iterable[Log]) -> list[ModelEvent]:
        return [event for event in self._decoder.decode(logs) if isinstance(event, ModelEvent)]

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
        answers = self._call([code + _word(model_id) for model_id in model_ids for code in _STATUS_CODES])
        with rpc.translated():
            return [_registered_state(*each) for each in zip(answers[::2], answers[1::2], strict=True)]

    def image_states(self, image_ids: Sequence[str]) -> Sequence[StoredImage | None]:
        known = self._call([_IS_REGISTERED + _word(image_id) for image_id in image_ids])
        with rpc.translated():
            registered = [image_id for image_id, answer in zip(image_ids, known, strict=True) if _number(answer)]
        answers = self._call([_IMAGE_OF + _word(image_id) for image_id in registered])
        with rpc.translated():
            states = dict(zip(registered, map(_stored_image, answers), strict=True))
        return [states.get(image_id) for image_id in image_ids]

    def newest_reviews(self, diagnosis_ids: Sequence[str]) -> Sequence[str | None]:
        answers = self._call([_NEWEST_REVIEW_OF + _word(diagnosis_id) for diagnosis_id in diagnosis_ids])
        with rpc.translated():
            return [_hash_or_none(answer) for answer in answers]

    def has_role(self, role: str, address: str) -> bool:
        (answer,) = self._call([_HAS_ROLE + _word(ROLES[role]) + _word(address)])
        with rpc.translated():
            return _number(answer) == 1

    def _call(self, calls: Sequence[str]) -> list[str]:
        """The results of calls of the contract now. Raises ChainUnavailable."""
        with self._right_chain():
            answers: list[str] = rpc.ask_many(
                self._web3, "eth_call", [({"to": self.contract, "data": call}, "latest") for call in calls]
            )
            return answers

    def events_of_transaction(self, hash_: str) -> Sequence[Event]:
        with self._right_chain():
            receipt = self._receipt(hash_)
            if receipt is None:
                return []
            with rpc.translated():
                return self._decoder.decode(self._logs.checked(receipt["logs"]))

    def transaction(
        self, hash_: str, *, confirmations: int, sender: str | None = None, nonce: int | None = None
    ) -> TransactionStatus:
        """``confirmations`` counts the transaction's own block. A hash that the node does not know is ``replaced`` when
        another transaction used up ``nonce`` of ``sender``.
        """
        with self._right_chain():
            if receipt := self._receipt(hash_):
                return self._mined(hash_, receipt, confirmations)
            if pending := self._transaction(hash_):
                with rpc.translated():
                    found = (Web3.to_checksum_address(pending["from"]), quantity(pending["nonce"]))
                return TransactionStatus(hash_, TransactionState.PENDING, sender=found[0], nonce=found[1])
            if sender is None or nonce is None or self._nonce(sender) <= nonce:
                return TransactionStatus(hash_, TransactionState.UNKNOWN, sender=sender, nonce=nonce)
            # It may have been mined between the two requests, and then it used up the nonce itself.
            if receipt := self._receipt(hash_):
                return self._mined(hash_, receipt, confirmations)
            return TransactionStatus(hash_, TransactionState.REPLACED, sender=sender, nonce=nonce)

    def roles(self, role: str, address: str) -> Sequence[RoleChange]:
        holder = "0x" + _word(address)
        with self._right_chain():
            logs = self._history([_ROLE_TOPICS, ROLES[role], holder])
            with rpc.translated():
                # The node may ignore a filter.
                ours = [log for log in logs if log["topics"][0] in _ROLE_TOPICS]
                return [role_change(log) for log in ours if log["topics"][1:3] == [ROLES[role], holder]]

    def _role_changes(self, logs: Sequence[Log]) -> list[RoleChangedEvent]:
        """Of the roles that have a name here."""
        found = [log for log in logs if log["topics"][0] in _ROLE_TOPICS and log["topics"][1] in _ROLE_NAMES]
        blocks = self._blocks.by_hashes(log["blockHash"] for log in found)
        with rpc.translated():
            changes = [(log, role_change(log)) for log in found]
            return [
                RoleChangedEvent(
                    role=_ROLE_NAMES[log["topics"][1]],
                    account=Web3.to_checksum_address("0x" + log["topics"][2][-40:]),
                    granted=change.granted,
                    sender=change.sender,
                    transaction_hash=change.transaction_hash,
                    log_index=change.log_index,
                    block=blocks[log["blockHash"]],
                )
                for log, change in changes
            ]

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
        return _stored_image(answer)

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

    def _mined(self, hash_: str, receipt: JsonObject, confirmations: int) -> TransactionStatus:
        transaction = self._transaction(hash_)
        if transaction is None:
            raise ChainUnavailable("the node has the transaction's receipt, but not the transaction yet: try again")
        head = quantity(rpc.ask(self._web3, "eth_blockNumber"))
        with rpc.translated():
            block = self._blocks.by_hash(receipt["blockHash"].lower())
            failed = quantity(receipt["status"]) == 0
            gas_used = quantity(receipt["gasUsed"])
            sender, nonce = Web3.to_checksum_address(transaction["from"]), quantity(transaction["nonce"])
            reason = reverts.reason(self._web3, transaction, receipt) if failed else None
        depth = max(1, head - block.number + 1)
        state = TransactionState.CONFIRMED if depth >= confirmations else TransactionState.MINED
        return TransactionStatus(
            hash=hash_,
            state=TransactionState.FAILED if failed else state,
            confirmations=depth,
            block=block,
            gas_used=gas_used,
            sender=sender,
            nonce=nonce,
            revert_reason=reason,
        )

    def _receipt(self, hash_: str) -> JsonObject | None:
        """The receipt of a mined transaction."""
        return self._object("eth_getTransactionReceipt", hash_)

    def _transaction(self, hash_: str) -> JsonObject | None:
        return self._object("eth_getTransactionByHash", hash_)

    def _object(self, method: str, hash_: str) -> JsonObject | None:
        """What the node has of a transaction. Raises ChainUnavailable, also for that of another transaction."""
        found: JsonObject | None = rpc.ask(self._web3, method, hash_)
        with rpc.translated():
            name = "transactionHash" if method == "eth_getTransactionReceipt" else "hash"
            if found is not None and found.get(name, hash_).lower() != hash_.lower():
                raise ChainUnavailable(f"the node answered with another transaction than {hash_}")
            # Some nodes show a receipt without its block for a transaction that waits.
            return None if found is None or (name == "transactionHash" and not found["blockHash"]) else found

    def _nonce(self, sender: str) -> int:
        return quantity(rpc.ask(self._web3, "eth_getTransactionCount", sender, "latest"))

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
        chain_id = quantity(rpc.ask(self._web3, "eth_chainId"))
        code_hex = rpc.ask(self._web3, "eth_getCode", self._address, "latest")
        with rpc.translated():
            code = bytes.fromhex(code_hex.removeprefix("0x"))
        if chain_id != self.chain_id:
            raise WrongChain(f"expected chain {self.chain_id}, but the node serves chain {chain_id}")
        if not code:
            raise WrongChain(f"expected the contract at {self.contract}, but there is no code on chain {chain_id}")
        self._build = artifact.of(code)
        if self._build is None:
            raise WrongChain(f"expected ImageRegistry at {self.contract}, but other code is there on chain {chain_id}")
