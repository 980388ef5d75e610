"""The registry contract on one chain, read through the JSON-RPC of an Ethereum node."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from backend.adapters.chain.logs import HistoryReader, LogReader, Progress
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
_HISTORY_TOPICS = [*REGISTRY_TOPICS, *_ROLE_TOPICS]
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
    node serves ``chain_id`` with this registry's code at ``contract``; ``head`` and ``time`` check the id each time.

    In addition to the errors that the port names, every method that asks the node raises WrongChain. With
    ``brief``, for the time of one command, many histories may come from one reading: see HistoryReader; ``progress`` is
    told how far a reading of histories is.
    """

    def __init__(
        self,
        rpc_url: Secret | str,
        *,
        chain_id: int,
        contract: str,
        start_block: int = 0,
        brief: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.chain_id = chain_id
        self._address = Web3.to_checksum_address(contract)
        self.contract: str = self._address
        self.start_block = start_block
        self.development = chain_id in DEVELOPMENT_CHAIN_IDS
        self._web3 = rpc.connect(rpc_url)
        self._blocks = BlockReader(self._web3)
        self._logs = LogReader(self._web3, self.contract)
        self._complete = CompleteReader(
            self._web3, contract.lower(), _HISTORY_TOPICS, blocks=self._blocks, logs=self._logs
        )
        self._history = HistoryReader(
            self._logs, self._blocks, first=start_block, topics=_HISTORY_TOPICS, keep=brief, progress=progress
        ).read
        self._decoder = EventDecoder(self._blocks.by_hashes, chain_id=chain_id, contract=self.contract)
        self._build: Artifact | None = None
        self._checked = False
        self._check_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Web3Chain(chain_id={self.chain_id}, contract={self.contract})"

    def image_id(self, uploader: str, cid: str) -> str:
        return ids.image_id(uploader, cid)

    def head(self) -> BlockRef:
        """Whoever reads on from here reads the right chain: each call checks the node's chain id."""
        with self._right_chain():
            self._check_id()
            return self._blocks.head()

    def time(self) -> int:
        with self._right_chain():
            clock = self._check_id()
            head = self._blocks.head().timestamp
            return max(head, clock or head)

    def blocks(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        """The blocks of these numbers on the node's chain now, None past its head."""
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

    def events_in(self, numbers: Sequence[int]) -> Sequence[Event]:
        with self._right_chain():
            blocks = [block for block in self._blocks.by_numbers(numbers) if block]
            if len(blocks) < len(numbers):
                raise ChainUnavailable("the node does not have every block yet: try again in a moment")
            self._blocks.keep(blocks)
            found = self._logs.of_blocks([block.hash for block in blocks], [REGISTRY_TOPICS])
            return sorted(self._decoder.decode(chain.from_iterable(found)), key=event_position)

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
        with self._right_chain():
            return self._images(image_ids, "latest")

    def _images(self, image_ids: Sequence[str], tag: str) -> list[StoredImage | None]:
        """``imageOf`` reverts for an image that is not registered, and nodes report that in many ways."""
        known = self._answers([_IS_REGISTERED + _word(image_id) for image_id in image_ids], tag)
        with rpc.translated():
            registered = [image_id for image_id, answer in zip(image_ids, known, strict=True) if _number(answer)]
        answers = self._answers([_IMAGE_OF + _word(image_id) for image_id in registered], tag)
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

    def compromised_since(self, classifier: str) -> int | None:
        with self._right_chain():
            return self._compromises([classifier], "latest")[classifier]

    def _compromises(self, classifiers: Sequence[str], tag: str) -> dict[str, int | None]:
        """The first contract takes no reports."""
        if not self._build or "compromisedSince" not in self._build.functions:
            return dict.fromkeys(classifiers)
        answers = self._answers([_COMPROMISED_SINCE + _word(account) for account in classifiers], tag)
        with rpc.translated():
            return {account: _number(each) or None for account, each in zip(classifiers, answers, strict=True)}

    def _call(self, calls: Sequence[str]) -> list[str]:
        """The results of calls of the contract now. Raises ChainUnavailable."""
        with self._right_chain():
            return self._answers(calls, "latest")

    def _answers(self, calls: Sequence[str], tag: str) -> list[str]:
        questions = [({"to": self.contract, "data": call}, tag) for call in calls]
        answers: list[str] = rpc.ask_many(self._web3, "eth_call", questions)
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
                *(_HAS_ROLE + _word(ROLES[role]) + _word(account) for role, account in keys.roles),
            ]
            answers = iter(self._answers(calls, tag))
            (image,) = self._images([keys.image_id], tag)
            compromises = self._compromises(keys.classifiers, tag)
            with rpc.translated():
                return RegistryState(
                    image=image,
                    newest_reviews={id_: _hash_or_none(next(answers)) for id_ in keys.diagnosis_ids},
                    models={id_: _registered_state(next(answers), next(answers)) for id_ in keys.model_ids},
                    compromises=compromises,
                    roles={each: _number(next(answers)) == 1 for each in keys.roles},
                )

    def signed_transactions(self, hashes: Sequence[str]) -> Sequence[SignedTransaction | None]:
        with self._right_chain():
            found = self._encoded(hashes)
            with rpc.translated():
                return [signatures.decode(found[hash_]) if hash_ in found else None for hash_ in hashes]

    def _encoded(self, hashes: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes with these hashes, as the node has them or put together from its fields, without those of which it
        gives neither.

        Few nodes have every transaction for ever, and some have no ``eth_getRawTransactionByHash``.
        """
        found: dict[str, bytes] = {}
        with suppress(rpc.RangeRefused):
            answers = rpc.ask_many(self._web3, "eth_getRawTransactionByHash", [(hash_,) for hash_ in hashes])
            with rpc.translated():
                raws = {hash_: octets(raw) for hash_, raw in zip(hashes, answers, strict=True) if raw}
            found = {hash_: raw for hash_, raw in raws.items() if "0x" + keccak(raw).hex() == hash_.lower()}
        missing = [hash_ for hash_ in hashes if hash_ not in found]
        fields = rpc.ask_many(self._web3, "eth_getTransactionByHash", [(hash_,) for hash_ in missing])
        for hash_, each in zip(missing, fields, strict=True):
            with suppress(ChainUnavailable), rpc.translated():
                encoded = encode_transaction({**each, "hash": hash_.lower()}) if each else None
                if encoded:
                    found[hash_] = encoded
        return found

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
        except (ChainUnavailable, WrongChain):
            # The next node at that URL may serve another chain.
            self._checked = False
            raise

    def _check(self) -> None:
        self._check_id()
        code_hex = rpc.ask(self._web3, "eth_getCode", self._address, "latest")
        with rpc.translated():
            code = bytes.fromhex(code_hex.removeprefix("0x"))
        if not code:
            raise WrongChain(f"expected the contract at {self.contract}, but there is no code on chain {self.chain_id}")
        self._build = artifact.of(code)
        if self._build is None:
            raise WrongChain(
                f"expected ImageRegistry at {self.contract}, but other code is there on chain {self.chain_id}"
            )

    def _check_id(self) -> int | None:
        """Raises WrongChain for the node of another chain. The node's clock, None when it does not tell."""
        answer, clock = rpc.ask_dated(self._web3, "eth_chainId")
        chain_id = quantity(answer)
        if chain_id != self.chain_id:
            raise WrongChain(f"expected chain {self.chain_id}, but the node serves chain {chain_id}")
        return clock
