"""Ways to falsify one part of an evidence file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import rlp
from eth_utils import keccak

from backend.adapters.chain.events import TOPICS
from backend.adapters.chain.proofs.merkle import IndexedTrie
from backend.evidence import Evidence, ProvenBlock, ProvenTransaction
from backend.services.evidence_file import pack, unpack

from .conftest import Recorded, World, unchecked, wrong

RECEIPTS_ROOT = 5
GAS_USED = 10


def flipped(content: bytes, place: int = -1) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def writes(transaction: ProvenTransaction, event: str) -> bool:
    return bytes.fromhex(TOPICS[event][2:]) in transaction.receipt


def place_of(evidence: Evidence, event: str, nth: int = 0) -> tuple[int, int]:
    """Which block of the evidence file, and which of its transactions, wrote the nth event of that name."""
    return [
        (b, t)
        for b, block in enumerate(evidence.blocks)
        for t, transaction in enumerate(block.transactions)
        if writes(transaction, event)
    ][nth]


def number_of(block: ProvenBlock) -> int:
    return int.from_bytes(rlp.decode(block.header)[8])


def with_block(evidence: Evidence, place: int, **changes: object) -> Evidence:
    blocks = list(evidence.blocks)
    blocks[place] = replace(blocks[place], **changes)
    return replace(evidence, blocks=tuple(blocks))


def with_transaction(evidence: Evidence, place: tuple[int, int], **changes: object) -> Evidence:
    transactions = list(evidence.blocks[place[0]].transactions)
    transactions[place[1]] = replace(transactions[place[1]], **changes)
    return with_block(evidence, place[0], transactions=tuple(transactions))


def with_log(evidence: Evidence, event: str, change: Callable[[list], None]) -> Evidence:
    """``change`` gets address, topics and data of the log, of which it may replace parts."""
    place = place_of(evidence, event)
    receipt = evidence.blocks[place[0]].transactions[place[1]].receipt
    fields = rlp.decode(receipt[1:])
    (log,) = (log for log in fields[3] if log[1][0].hex() == TOPICS[event][2:])
    change(log)
    return with_transaction(evidence, place, receipt=receipt[:1] + rlp.encode(fields))


def with_word(evidence: Evidence, event: str, word: int, value: int) -> Evidence:
    """The nth 32 bytes of the log's data."""

    def change(log: list) -> None:
        log[2] = log[2][: 32 * word] + value.to_bytes(32) + log[2][32 * (word + 1) :]

    return with_log(evidence, event, change)


def with_header_field(evidence: Evidence, place: int, field: int, value: bytes, *, rehash: bool = False) -> Evidence:
    """Of one block; ``rehash`` gives the block the hash of the changed header."""
    fields = rlp.decode(evidence.blocks[place].header)
    fields[field] = value
    header = rlp.encode(fields)
    hash_ = "0x" + keccak(header).hex() if rehash else evidence.blocks[place].hash
    return with_block(evidence, place, header=header, hash=hash_)


def with_forged_receipt(evidence: Evidence, place: tuple[int, int], receipt: bytes) -> Evidence:
    """As a forger would who computes every hash anew."""
    trie = IndexedTrie([receipt])
    forged = with_transaction(evidence, place, receipt=receipt, receipt_proof=trie.proof(0))
    return with_header_field(forged, place[0], RECEIPTS_ROOT, trie.root, rehash=True)


def without(evidence: Evidence, event: str, nth: int = 0, **stated: object) -> Evidence:
    """Without the nth event of that name, nor its transaction, nor its line in evidence.json."""
    place = place_of(evidence, event, nth)
    block = evidence.blocks[place[0]]
    left = tuple(each for t, each in enumerate(block.transactions) if t != place[1])
    gone = [e for e in evidence.events if e["block"]["hash"] == block.hash]
    events = tuple(e for e in evidence.events if e not in gone)
    return replace(with_block(evidence, place[0], transactions=left), events=events)


def with_stated(evidence: Evidence, event: str, **changes: object) -> Evidence:
    """The first event of that name in evidence.json, changed."""
    place = next(i for i, each in enumerate(evidence.events) if each["event"] == event)
    events = list(evidence.events)
    events[place] = {**events[place], **changes}
    return replace(evidence, events=tuple(events))


def with_object(evidence: Evidence, cid: str, content: bytes | None) -> Evidence:
    """``content`` in its place; None: without it."""
    objects = {**evidence.objects, cid: content}
    return replace(evidence, objects={name: each for name, each in objects.items() if each is not None})


@dataclass(frozen=True, slots=True)
class Falsifiable:
    """True evidence, of which tests falsify parts."""

    world: World
    record: Recorded
    evidence: Evidence
    statements: tuple[bytes, ...] = ()

    def failing(self, evidence: Evidence, **options) -> tuple[list[str], list[str]]:
        """What is wrong with a changed evidence file, and what could not be checked for that reason."""
        verification = self.world.verify_evidence(unpack(pack(evidence)), **options)
        return wrong(verification), unchecked(verification)

    def block(self, event: str, nth: int = 0) -> int:
        """The number of the block that holds it."""
        return number_of(self.evidence.blocks[place_of(self.evidence, event, nth)[0]])
