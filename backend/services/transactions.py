"""The status of a transaction, and the images in its events."""

from __future__ import annotations

from backend.domain import RecordEvent, TransactionState, TransactionStatus
from backend.ports import Chain


class TransactionService:
    def __init__(self, chain: Chain, *, confirmations: int) -> None:
        self._chain = chain
        self.required = confirmations

    def status(self, hash_: str, *, sender: str | None, nonce: int | None) -> tuple[TransactionStatus, tuple[str, ...]]:
        """The status, and the ids of the images in its events, in order. Raises ChainError."""
        status = self._chain.transaction(hash_, confirmations=self.required, sender=sender, nonce=nonce)
        if status.state not in (TransactionState.MINED, TransactionState.CONFIRMED):
            return status, ()
        events = self._chain.events_of_transaction(hash_)
        return status, tuple(dict.fromkeys(event.image_id for event in events if isinstance(event, RecordEvent)))
