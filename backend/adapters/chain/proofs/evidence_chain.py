"""The chain as an evidence bundle shows it: what can be proven of it from block hashes alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from eth_abi import encode
from eth_utils import keccak, to_checksum_address

from backend.adapters.chain import artifact
from backend.adapters.chain.events import ROLES, TOPICS, EventDecoder
from backend.adapters.chain.proofs import headers, merkle
from backend.adapters.chain.proofs.encodings import Log, decode_logs
from backend.adapters.chain.proofs.headers import Header
from backend.domain import BlockRef, Check, Event, ModelEvent, RecordEvent, position
from backend.errors import ChainUnavailable, InvalidEvidence
from backend.evidence import Evidence, ProvenBlock, ProvenTransaction

_LARGEST = {"label": 2**16 - 1, "confidence": 2**16 - 1, "issued_at": 2**64 - 1, "participants": 2**32 - 1}
"""What the contract can write at most. Only a forged receipt holds more."""
_ROLE_CHANGES = {TOPICS["RoleGranted"]: True, TOPICS["RoleRevoked"]: False}


class EvidenceChain:
    """The part of the port Chain that a verification reads, from the receipts of ``evidence``.

    Receipts are read whether or not they are proven: ``proofs`` holds a check for each header, transaction and receipt
    and two for the code, of which every one must pass. The log index of an event counts the logs of the bundle in its
    block, which keeps their order. Raises InvalidEvidence for blocks or transactions that are there twice.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.chain_id = evidence.chain_id
        self.contract: str = to_checksum_address(evidence.contract)
        self._contract = bytes.fromhex(evidence.contract.removeprefix("0x"))
        self._decoder = EventDecoder(_Nothing(), chain_id=evidence.chain_id, contract=evidence.contract)
        self._headers: dict[str, Header] = {}
        self._blocks: dict[int, BlockRef] = {}
        self._events: list[Event] = []
        self._roles: list[tuple[str, str, tuple[int, int, bool]]] = []
        checks: list[Check] = []
        for block in evidence.blocks:
            checks += self._read(block)
        self._events.sort(key=position)
        self.proofs: tuple[Check, ...] = (*checks, *self._code(evidence))

    @property
    def blocks(self) -> Sequence[BlockRef]:
        """The bundle's, by number; those whose header cannot be read are not among them."""
        return [self._blocks[number] for number in sorted(self._blocks)]

    def image_id(self, uploader: str, cid: str) -> str:
        return "0x" + keccak(encode(["address", "string"], [uploader, cid])).hex()

    def block(self, number: int) -> BlockRef | None:
        return self._blocks.get(number)

    def events(self, first: int, last: int) -> Sequence[Event]:
        return [event for event in self._events if first <= event.block.number <= last]

    def events_of_image(self, image_id: str) -> Sequence[RecordEvent]:
        return [event for event in self._events if isinstance(event, RecordEvent) and event.image_id == image_id]

    def events_of_model(self, model_id: str) -> Sequence[ModelEvent]:
        return [event for event in self._events if isinstance(event, ModelEvent) and event.model_id == model_id]

    def roles(self, role: str, address: str) -> Sequence[tuple[int, int, bool]]:
        wanted = (ROLES[role], address.lower())
        return sorted(change for *key, change in self._roles if tuple(key) == wanted)

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
        hash_ = "0x" + keccak(transaction.transaction).hex()
        for index, log in enumerate(logs, start=first):
            if log.address != self._contract or not log.topics:
                continue
            topics = ["0x" + topic.hex() for topic in log.topics]
            if topics[0] in _ROLE_CHANGES and len(topics) == 4:
                holder = "0x" + log.topics[2][-20:].hex()
                self._roles.append((topics[1], holder, (block.number, index, _ROLE_CHANGES[topics[0]])))
            events = self._decoder.decode(
                [
                    {
                        "topics": topics,
                        "data": "0x" + log.data.hex(),
                        "transactionHash": hash_,
                        "logIndex": hex(index),
                        "blockHash": block.hash,
                        "blockNumber": hex(block.number),
                        "blockTimestamp": hex(block.timestamp),
                    }
                ]
            )
            if any(getattr(event, name, 0) > largest for event in events for name, largest in _LARGEST.items()):
                raise ValueError("expected numbers that fit their types in the logs")
            self._events += events

    def _code(self, evidence: Evidence) -> Iterator[Check]:
        code = evidence.code
        found = "0x" + keccak(code.code).hex()
        ours = artifact.matches(code.code)
        what = (
            "the code of ImageRegistry as compiled here" if ours else "other code than ImageRegistry as compiled here"
        )
        described = f"{len(code.code):,} bytes, keccak-256 {found}: {what}"
        yield Check("contract code", ours, f"the code of ImageRegistry at {evidence.contract}", described)
        header = self._headers.get(code.block_hash)
        expected = f"code hash {found} at {evidence.contract} in the state of block {code.block_hash}"
        if header is None:
            yield Check("contract account", False, expected, "not checked: no such block is in the bundle")
            return
        account = merkle.proven_account(header.state_root, self._contract, code.account_proof)
        proven = account and "0x" + account.hex()
        described = f"code hash {proven} in the state of block {header.number}" if proven else "the proof does not fit"
        yield Check("contract account", proven == found, expected, described)


def _proven(header: Header, each: ProvenTransaction) -> tuple[Check, Check]:
    place = f"{each.index} of block {header.number}"
    hash_ = "0x" + keccak(each.transaction).hex()
    of_transaction = merkle.proven_at_index(header.transactions_root, each.index, each.transaction_proof)
    of_receipt = merkle.proven_at_index(header.receipts_root, each.index, each.receipt_proof)
    return (
        _compared(
            f"transaction {place}",
            "transactionsRoot",
            header.transactions_root,
            of_transaction,
            each.transaction,
            hash_,
        ),
        _compared(f"receipt {place}", "receiptsRoot", header.receipts_root, of_receipt, each.receipt, hash_),
    )


def _compared(name: str, tree: str, root: bytes, proven: bytes | None, stated: bytes, hash_: str) -> Check:
    expected = f"a proof that leads to the {tree} 0x{root.hex()}"
    if proven is None:
        return Check(name, False, expected, "the proof does not lead there")
    if proven != stated:
        return Check(name, False, expected, "the proof leads there from other bytes")
    return Check(name, True, expected, f"proven, of transaction {hash_}")


class _Nothing:
    """In place of a node: every log tells the time of its block itself."""

    def by_hashes(self, hashes: Iterator[str]) -> Mapping[str, BlockRef]:
        return {}
