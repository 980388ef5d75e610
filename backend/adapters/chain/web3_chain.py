"""The registry contract on one chain, read through the JSON-RPC of an Ethereum node."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from web3 import Web3

from backend.adapters.chain import artifact, ids, reverts, rpc
from backend.adapters.chain.blocks import BlockReader
from backend.adapters.chain.complete import CompleteReader
from backend.adapters.chain.events import (
    MODEL_TOPICS,
    RECORD_TOPICS,
    REGISTRY_TOPICS,
    ROLES,
    TOPICS,
    TRAINING_TOPIC,
    EventDecoder,
    Log,
    position,
)
from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS
from backend.adapters.chain.logs import LogReader, Topics
from backend.adapters.chain.rpc import JsonObject, quantity
from backend.domain import (
    BlockRange,
    BlockRef,
    Event,
    ImageState,
    ModelEvent,
    ModelStatus,
    RecordEvent,
    RegisteredState,
    RoleChangedEvent,
    TransactionState,
    TransactionStatus,
)
from backend.domain import position as event_position
from backend.errors import ChainUnavailable, WrongChain

_STATUSES = tuple(ModelStatus)
_ROLE_TOPICS = [TOPICS["RoleGranted"], TOPICS["RoleRevoked"]]
_ROLE_NAMES = {topic: name for name, topic in ROLES.items()}
_WORD_DIGITS = 64


def _selector(signature: str) -> str:
    return Web3.keccak(text=signature)[:4].to_0x_hex()


_STATUS_CODES = [_selector("statusOf(bytes32)"), _selector("trainingOf(bytes32)")]
_REGISTERED_CODE = _selector("isRegistered(bytes32)")
_IMAGE_CODE = _selector("imageOf(bytes32)")
_NEWEST_REVIEW_CODE = _selector("newestReviewOf(bytes32)")
_HAS_ROLE_CODE = _selector("hasRole(bytes32,address)")


class Web3Chain:
    """Port Chain. The constructor sends nothing; the first request, and the first one after a failure, checks that the
    node serves ``chain_id`` with this registry's code at ``contract``.

    In addition to the errors that the port names, every method that asks the node raises WrongChain.
    """

    def __init__(self, rpc_url: str, *, chain_id: int, contract: str, start_block: int = 0) -> None:
        self.chain_id = chain_id
        self._address = Web3.to_checksum_address(contract)
        self.contract: str = self._address
        self.start_block = start_block
        self.development = chain_id in DEVELOPMENT_CHAIN_IDS
        self._web3 = rpc.connect(rpc_url)
        self._blocks = BlockReader(self._web3)
        self._logs = LogReader(self._web3, self.contract)
        self._complete = CompleteReader(
            self._web3, contract.lower(), [*REGISTRY_TOPICS, *_ROLE_TOPICS], blocks=self._blocks, logs=self._logs
        )
        self._decoder = EventDecoder(self._blocks.by_hashes, chain_id=chain_id, contract=self.contract)
        self._checked = False
        self._check_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Web3Chain(chain_id={self.chain_id}, contract={self.contract})"

    def image_id(self, uploader: str, cid: str) -> str:
        return ids.image_id(uploader, cid)

    def head(self) -> BlockRef:
        with self._right_chain():
            return self._blocks.head()

    def block(self, number: int) -> BlockRef | None:
        """The block of that number on the node's chain now, or None past its head."""
        with self._right_chain():
            return self._blocks.by_number(number)

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

    def model_states(self, model_ids: Sequence[str]) -> Sequence[RegisteredState]:
        """The registry's state of each model now, in one request. Raises ChainUnavailable."""
        answers = self._call([code + _word(model_id) for model_id in model_ids for code in _STATUS_CODES])
        with rpc.translated():
            return [
                RegisteredState(_STATUSES[int(status, 16)], "0x" + training if int(training, 16) else None)
                for (status,), (training,) in zip(answers[::2], answers[1::2], strict=True)
            ]

    def image_states(self, image_ids: Sequence[str]) -> Sequence[ImageState | None]:
        known = self._call([_REGISTERED_CODE + _word(image_id) for image_id in image_ids])
        registered = [image_id for image_id, (word,) in zip(image_ids, known, strict=True) if int(word, 16)]
        answers = self._call([_IMAGE_CODE + _word(image_id) for image_id in registered], words=4)
        states = {
            image_id: ImageState(uploader="0x" + uploader[-40:], diagnosis_count=int(count, 16))
            for image_id, (uploader, _, _, count) in zip(registered, answers, strict=True)
        }
        return [states.get(image_id) for image_id in image_ids]

    def newest_reviews(self, diagnosis_ids: Sequence[str]) -> Sequence[str | None]:
        answers = self._call([_NEWEST_REVIEW_CODE + _word(diagnosis_id) for diagnosis_id in diagnosis_ids])
        return ["0x" + review if int(review, 16) else None for (review,) in answers]

    def has_role(self, role: str, address: str) -> bool:
        ((granted,),) = self._call([_HAS_ROLE_CODE + _word(ROLES[role]) + _word(address)])
        return int(granted, 16) == 1

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

    def roles(self, role: str, address: str) -> Sequence[tuple[int, int, bool]]:
        holder = "0x" + address.removeprefix("0x").lower().rjust(64, "0")
        with self._right_chain():
            logs = self._history([_ROLE_TOPICS, ROLES[role], holder])
            # The node may ignore a filter.
            ours = [log for log in logs if log["topics"][1:3] == [ROLES[role], holder]]
            return [
                (*position(log), log["topics"][0] == TOPICS["RoleGranted"])
                for log in ours
                if log["topics"][0] in _ROLE_TOPICS
            ]

    def _role_changes(self, logs: Sequence[Log]) -> list[RoleChangedEvent]:
        """Of the roles that have a name here."""
        found = [log for log in logs if log["topics"][0] in _ROLE_TOPICS and log["topics"][1] in _ROLE_NAMES]
        blocks = self._blocks.by_hashes(log["blockHash"] for log in found)
        with rpc.translated():
            return [
                RoleChangedEvent(
                    role=_ROLE_NAMES[log["topics"][1]],
                    account=Web3.to_checksum_address("0x" + log["topics"][2][-40:]),
                    granted=log["topics"][0] == TOPICS["RoleGranted"],
                    transaction_hash=log["transactionHash"],
                    log_index=position(log)[1],
                    block=blocks[log["blockHash"]],
                )
                for log in found
            ]

    def _call(self, calls: Sequence[str], *, words: int = 1) -> list[list[str]]:
        """The results of calls of the contract now, each as hex digits of so many words. Raises ChainUnavailable."""
        with self._right_chain():
            questions = [({"to": self.contract, "data": call}, "latest") for call in calls]
            answers = rpc.ask_many(self._web3, "eth_call", questions)
            with rpc.translated():
                return [_words(answer, words) for answer in answers]

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
        if artifact.of(code) is None:
            raise WrongChain(f"expected ImageRegistry at {self.contract}, but other code is there on chain {chain_id}")


def _word(value: str) -> str:
    """A hash or an address as the hex digits of one word (32 bytes) of a call's data."""
    return value.removeprefix("0x").lower().rjust(_WORD_DIGITS, "0")


def _words(answer: str, count: int) -> list[str]:
    digits = answer.removeprefix("0x").lower()
    bytes.fromhex(digits)
    if len(digits) < count * _WORD_DIGITS:
        raise ValueError
    return [digits[start : start + _WORD_DIGITS] for start in range(0, count * _WORD_DIGITS, _WORD_DIGITS)]
