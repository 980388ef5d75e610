"""The registry's history as an evidence file contains it, proven from block hashes alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import pairwise

from eth_utils import keccak, to_checksum_address

from backend.adapters.chain import artifact, ids
from backend.adapters.chain.events import ROLES, TOPICS, EventDecoder, role_change
from backend.adapters.chain.events import Log as JsonLog
from backend.adapters.chain.proofs import headers, merkle, signatures
from backend.adapters.chain.proofs.encodings import Log, decode_logs
from backend.adapters.chain.proofs.headers import Header
from backend.adapters.chain.storage import RegistryStorage
from backend.ancestry import Ancestry, ancestry_in
from backend.domain import (
    BlockRef,
    Check,
    ClassifierCompromisedEvent,
    Event,
    RecordEvent,
    RegistryState,
    RoleChange,
    SignedTransaction,
    StateKeys,
    position,
)
from backend.errors import ChainUnavailable, InvalidEvidence
from backend.evidence import Evidence, ProvenBlock, ProvenTransaction

_LARGEST = {
    "label": 2**16 - 1,
    "confidence": 2**16 - 1,
    "issued_at": 2**64 - 1,
    "participants": 2**32 - 1,
    "labels": 2**16 - 1,
    "since": 2**40 - 1,
}
"""The largest values of the contract's types. Only a forged receipt has larger ones."""
_ROLE_CHANGES = (TOPICS["RoleGranted"], TOPICS["RoleRevoked"])


class EvidenceChain:
    """Port ProvenHistory, from the receipts of ``evidence``.

    Receipts are read whether or not they are proven: ``proofs`` contains a check for each header, transaction and
    receipt, two for the code and one for the state, and all of them must pass. The log index of an event counts the
    evidence file's logs in its block, which preserves their order. Raises InvalidEvidence for a block or transaction
    that is there twice.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.chain_id = evidence.chain_id
        self.contract: str = to_checksum_address(evidence.contract)
        self._contract = bytes.fromhex(evidence.contract.removeprefix("0x"))
        self._decoder = EventDecoder(_no_blocks, chain_id=evidence.chain_id, contract=evidence.contract)
        self._headers: dict[str, Header] = {}
        self._blocks: dict[int, BlockRef] = {}
        self._events: list[Event] = []
        self._state_block: BlockRef | None = None
        self._storage: RegistryStorage | None = None
        self._words: merkle.ProvenStorage | None = None
        self._roles: list[tuple[str, str, RoleChange]] = []
        self._transactions: dict[str, bytes] = {}
        checks: list[Check] = []
        for block in evidence.blocks:
            checks += self._read(block)
        self._events.sort(key=position)
        self.proofs: Sequence[Check] = (*checks, *self._parents(), *self._code(evidence))

    @property
    def proven_blocks(self) -> Sequence[BlockRef]:
        """The evidence file's blocks, by number, without those whose header cannot be decoded."""
        return [self._blocks[number] for number in sorted(self._blocks)]

    def anchored(self, trusted: Collection[str]) -> Set[str]:
        found: set[str] = set()
        parent = ""
        for block in reversed(self.proven_blocks):
            if block.hash in trusted or block.hash == parent:
                found.add(block.hash)
                parent = "0x" + self._headers[block.hash].parent_hash.hex()
        return found

    def image_id(self, uploader: str, cid: str) -> str:
        return ids.image_id(uploader, cid)

    def blocks(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        return [self._blocks.get(number) for number in numbers]

    def events(self, first: int, last: int) -> Sequence[Event]:
        return [event for event in self._events if first <= event.block.number <= last]

    def events_of_image(self, image_id: str) -> Sequence[RecordEvent]:
        return [event for event in self._events if isinstance(event, RecordEvent) and event.image_id == image_id]

    def ancestry(self, model_id: str) -> Ancestry:
        return ancestry_in(self._events, model_id)

    def events_of_classifier(self, address: str) -> Sequence[ClassifierCompromisedEvent]:
        return [
            event
            for event in self._events
            if isinstance(event, ClassifierCompromisedEvent) and event.classifier.lower() == address.lower()
        ]

    def events_of_transaction(self, hash_: str) -> Sequence[Event]:
        return [event for event in self._events if event.transaction_hash == hash_]

    def roles(self, role: str, address: str) -> Sequence[RoleChange]:
        wanted = (ROLES[role], address.lower())
        return sorted(change for *key, change in self._roles if tuple(key) == wanted)

    def state_block(self) -> BlockRef | None:
        return self._state_block

    def state(self, keys: StateKeys, block: BlockRef) -> RegistryState | None:
        """Only of the state's block."""
        if self._storage is None or self._words is None or block != self._state_block:
            return None
        try:
            return self._storage.read(keys, self._words.word)
        except (ValueError, LookupError):
            return None

    def signed_transactions(self, hashes: Sequence[str]) -> Sequence[SignedTransaction | None]:
        found = [self._transactions.get(hash_) for hash_ in hashes]
        return [None if transaction is None else signatures.decode(transaction) for transaction in found]

    def _read(self, block: ProvenBlock) -> Iterator[Check]:
        try:
            header = headers.decode(block.header)
        except ValueError as error:
            yield Check(f"header of block {block.hash}", False, f"keccak-256 {block.hash}", str(error))
            return
        reference = BlockRef(header.number, block.hash, header.timestamp)
        if header.number in self._blocks:
            raise InvalidEvidence(f"expected each block once, found block {header.number} twice")
        self._blocks[header.number] = reference
        self._headers[block.hash] = header
        found = "0x" + keccak(block.header).hex()
        name = f"header of block {header.number}"
        yield Check(name, found == block.hash, f"keccak-256 {block.hash}", f"keccak-256 {found}")
        logs = 0
        for previous, each in zip((None, *block.transactions), block.transactions, strict=False):
            if previous is not None and previous.index >= each.index:
                raise InvalidEvidence(f"expected the transactions of block {header.number} in order, each once")
            transaction, receipt = _proven(header, each)
            try:
                signatures.check_form(each.transaction)
                self._transactions["0x" + keccak(each.transaction).hex()] = each.transaction
            except ValueError as error:
                transaction = Check(transaction.name, False, transaction.expected, str(error))
            yield transaction
            try:
                found_logs = decode_logs(each.receipt)
                self._take(reference, each, found_logs, first=logs)
            except (ValueError, ChainUnavailable) as error:
                yield Check(receipt.name, False, receipt.expected, str(error))
            else:
                logs += len(found_logs)
                yield receipt

    def _take(self, block: BlockRef, transaction: ProvenTransaction, logs: Sequence[Log], *, first: int) -> None:
        transaction_hash = "0x" + keccak(transaction.transaction).hex()
        for index, log in enumerate(logs, start=first):
            if log.address != self._contract or not log.topics:
                continue
            topics = ["0x" + topic.hex() for topic in log.topics]
            answer: JsonLog = {
                "topics": topics,
                "data": "0x" + log.data.hex(),
                "transactionHash": transaction_hash,
                "logIndex": hex(index),
                "blockHash": block.hash,
                "blockNumber": hex(block.number),
                "blockTimestamp": hex(block.timestamp),
            }
            if topics[0] in _ROLE_CHANGES and len(topics) == 4:
                holder = "0x" + log.topics[2][-20:].hex()
                self._roles.append((topics[1], holder, role_change(answer)))
            events = self._decoder.decode([answer])
            if any((getattr(event, name, 0) or 0) > largest for event in events for name, largest in _LARGEST.items()):
                raise ValueError("expected numbers that fit their types in the logs")
            self._events += events

    def _parents(self) -> Iterator[Check]:
        for older, newer in pairwise(self.proven_blocks):
            if newer.number == older.number + 1:
                parent = "0x" + self._headers[newer.hash].parent_hash.hex()
                yield Check(f"parent of block {newer.number}", parent == older.hash, older.hash, parent)

    def _code(self, evidence: Evidence) -> Iterator[Check]:
        code = evidence.code
        found = "0x" + keccak(code.code).hex()
        build = artifact.of(code.code)
        if build is None:
            what = "not the code of ImageRegistry"
        else:
            what = f"the code of {'a former ' if build.former else ''}ImageRegistry as compiled here"
        described = f"{len(code.code):,} bytes, keccak-256 {found}: {what}"
        yield Check("contract code", build is not None, f"the code of ImageRegistry at {evidence.contract}", described)
        header = self._headers.get(code.block_hash)
        if evidence.storage_proof is not None:
            yield self._newest(header)
        expected = f"code hash {found} at {evidence.contract} in the state of block {code.block_hash}"
        if header is None:
            yield Check("contract account", False, expected, "not checked: no such block is in the evidence file")
            return
        account = merkle.proven_account(header.state_root, self._contract, code.account_proof)
        proven = account and "0x" + account.code_hash.hex()
        described = f"code hash {proven} in the state of block {header.number}" if proven else "the proof does not fit"
        yield Check("contract account", proven == found, expected, described)
        if evidence.storage_proof is not None and build and account and proven == found:
            self._storage = RegistryStorage(build.storage_layout)
            self._words = merkle.ProvenStorage(account.storage_root, evidence.storage_proof)

    def _newest(self, header: Header | None) -> Check:
        """An older state would leave out what the newer blocks of the evidence file are silent about."""
        newest = self.proven_blocks[-1] if self._blocks else None
        self._state_block = newest
        passed = header is not None and newest is not None and header.number == newest.number
        expected = f"the state of the newest block, {newest.number if newest else 'of which there is none'}"
        found = f"block {header.number}" if header else "no block of the evidence file"
        return Check("state block", passed, expected, found)


def _proven(header: Header, each: ProvenTransaction) -> tuple[Check, Check]:
    place = f"{each.index} of block {header.number}"
    hash_ = "0x" + keccak(each.transaction).hex()
    of_transaction = merkle.proven_at_index(header.transactions_root, each.index, each.transaction_proof)
    of_receipt = merkle.proven_at_index(header.receipts_root, each.index, each.receipt_proof)
    return (
        _compared(
            f"transaction {place}",
            tree="transactionsRoot",
            root=header.transactions_root,
            proven=of_transaction,
            stated=each.transaction,
            transaction_hash=hash_,
        ),
        _compared(
            f"receipt {place}",
            tree="receiptsRoot",
            root=header.receipts_root,
            proven=of_receipt,
            stated=each.receipt,
            transaction_hash=hash_,
        ),
    )


def _compared(
    name: str, *, tree: str, root: bytes, proven: bytes | None, stated: bytes, transaction_hash: str
) -> Check:
    expected = f"a proof that leads to the {tree} 0x{root.hex()}"
    if proven is None:
        return Check(name, False, expected, "the proof does not lead there")
    if proven != stated:
        return Check(name, False, expected, "the proof leads there from other bytes")
    return Check(name, True, expected, f"proven, of transaction {transaction_hash}")


def _no_blocks(_hashes: Iterable[str]) -> Mapping[str, BlockRef]:
    """Every log of an evidence file has the time of its block."""
    return {}
