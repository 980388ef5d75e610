"""The registry's history, each part of it read once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from backend.ancestry import Ancestry
from backend.domain import (
    BlockRef,
    ClassifierCompromisedEvent,
    Event,
    RecordEvent,
    RegistryState,
    RoleChange,
    SignedTransaction,
    StateKeys,
)
from backend.ports import RegistryHistory

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class ReadOnce:
    """Port RegistryHistory, for one verification: all its checks see the same answers, and many ask the same."""

    def __init__(self, chain: RegistryHistory) -> None:
        self._chain = chain
        self.chain_id = chain.chain_id
        self.contract = chain.contract
        self._answers: dict[Hashable, Any] = {}

    def image_id(self, uploader: str, cid: str) -> str:
        return self._chain.image_id(uploader, cid)

    def blocks(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        return self._each_once("block", self._chain.blocks, numbers)

    def events_of_image(self, image_id: str) -> Sequence[RecordEvent]:
        return self._once("events_of_image", self._chain.events_of_image, image_id)

    def ancestry(self, model_id: str) -> Ancestry:
        return self._once("ancestry", self._chain.ancestry, model_id)

    def events_of_classifier(self, address: str) -> Sequence[ClassifierCompromisedEvent]:
        return self._once("events_of_classifier", self._chain.events_of_classifier, address)

    def events_of_transaction(self, hash_: str) -> Sequence[Event]:
        return self._once("events_of_transaction", self._chain.events_of_transaction, hash_)

    def roles(self, role: str, address: str) -> Sequence[RoleChange]:
        return self._once("roles", self._chain.roles, role, address)

    def state_block(self) -> BlockRef | None:
        return self._once("state_block", self._chain.state_block)

    def state(self, keys: StateKeys, block: BlockRef) -> RegistryState | None:
        return self._once("state", self._chain.state, keys, block)

    def signed_transactions(self, hashes: Sequence[str]) -> Sequence[SignedTransaction | None]:
        return self._each_once("signed_transaction", self._chain.signed_transactions, hashes)

    def _once(self, name: str, ask: Callable[..., T], *arguments: Hashable) -> T:
        key = (name, *arguments)
        if key not in self._answers:
            self._answers[key] = ask(*arguments)
        answer: T = self._answers[key]
        return answer

    def _each_once(self, name: str, ask: Callable[[Sequence[K]], Sequence[T]], wanted: Sequence[K]) -> Sequence[T]:
        """As ``_once``, for many answers that the chain gives together."""
        missing = [each for each in dict.fromkeys(wanted) if (name, each) not in self._answers]
        if missing:
            answers = ask(missing)
            self._answers.update(((name, each), answer) for each, answer in zip(missing, answers, strict=True))
        return [self._answers[name, each] for each in wanted]
