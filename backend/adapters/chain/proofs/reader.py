"""Makes the Merkle proofs of logs and of the registry's code and storage from an Ethereum node's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from eth_utils import keccak

from backend.adapters.chain import artifact, rpc
from backend.adapters.chain.proofs import headers, merkle
from backend.adapters.chain.proofs.encodings import encode_receipt, encode_transaction, octets
from backend.adapters.chain.rpc import JsonObject
from backend.adapters.chain.storage import RegistryStorage
from backend.domain import StateKeys
from backend.errors import ChainUnavailable, WrongChain
from backend.evidence import ProvenBlock, ProvenCode, ProvenTransaction
from backend.settings import Secret

_DEPTHS = (64, 16, 4, 0)
"""Blocks behind the head, one of which gives the state. The first is deep enough that a reorganisation is unlikely, and
recent enough for most nodes, which keep the state of 128 blocks; the others are for those that keep less."""
_BLOCKS = 8
"""Of one batch: a full block with its receipts takes a megabyte."""
_SLOTS = 200
"""Of one request: nodes refuse more than about a thousand."""


class ProofReader:
    """Port Proofs, for the registry ``contract``. The constructor sends nothing."""

    def __init__(self, rpc_url: Secret | str, *, contract: str) -> None:
        self._web3 = rpc.connect(rpc_url)
        self._contract = contract

    def blocks(self, positions: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], ProvenBlock]:
        wanted: dict[int, set[int]] = {}
        for block_number, log_index in positions:
            wanted.setdefault(block_number, set()).add(log_index)
        numbers = sorted(wanted)
        blocks: dict[tuple[int, int], ProvenBlock] = {}
        with rpc.translated():
            for start in range(0, len(numbers), _BLOCKS):
                part = numbers[start : start + _BLOCKS]
                found: list[JsonObject | None] = rpc.ask_many(
                    self._web3, "eth_getBlockByNumber", [(hex(number), True) for number in part]
                )
                whole = [block for block in found if block is not None]
                if len(whole) < len(part):
                    raise ChainUnavailable("the chain was reorganised while it was read: try again")
                for number, block, receipts in zip(part, whole, self._receipts(whole), strict=True):
                    for log_index, proven in self._block(block, receipts, wanted[number]).items():
                        blocks[number, log_index] = proven
        if len(blocks) < sum(map(len, wanted.values())):
            raise ChainUnavailable("the chain was reorganised while it was read: try again")
        return blocks

    def state(self, newest: int, keys: StateKeys) -> tuple[ProvenBlock, ProvenCode, tuple[bytes, ...]]:
        with rpc.translated():
            head = rpc.quantity(self._ask("eth_blockNumber"))
        refusal = ""
        for number in dict.fromkeys(max(newest, head - depth) for depth in _DEPTHS):
            try:
                return self._state(number, keys)
            except rpc.RangeRefused as error:
                refusal = str(error)
        raise ChainUnavailable(f"evidence needs a node that answers eth_getProof for recent blocks: {refusal}")

    def _state(self, number: int, keys: StateKeys) -> tuple[ProvenBlock, ProvenCode, tuple[bytes, ...]]:
        tag = hex(number)
        with rpc.translated():
            block: JsonObject | None = self._ask("eth_getBlockByNumber", tag, False)
            if block is None:
                raise ChainUnavailable("the chain was reorganised while it was read: try again")
            code = octets(self._ask("eth_getCode", self._contract, tag))
            build = artifact.of(code)
            if build is None:
                raise WrongChain(f"expected ImageRegistry at {self._contract}, but other code is there")
            storage = RegistryStorage(build.storage_layout)
            slots = storage.slots(keys)
            nodes: set[bytes] = set()
            for start in range(0, len(slots), _SLOTS):
                part = [f"0x{slot:064x}" for slot in slots[start : start + _SLOTS]]
                account: JsonObject = self._ask("eth_getProof", self._contract, part, tag)
                nodes.update(octets(node) for slot in account["storageProof"] for node in slot["proof"])
            proof = tuple(octets(node) for node in account["accountProof"])
            found = merkle.proven_account(octets(block["stateRoot"]), octets(self._contract), proof)
            if found is None or found.code_hash != keccak(code):
                raise ChainUnavailable(f"the node's proof of the contract does not fit the state of block {number}")
            proven = merkle.ProvenStorage(found.storage_root, nodes)
            for slot in slots:
                proven.word(slot)
            header = ProvenBlock(block["hash"], headers.encode(block), ())
        return header, ProvenCode(code, block["hash"], proof), tuple(sorted(nodes))

    def _block(
        self, block: JsonObject, receipts: Sequence[JsonObject], log_indices: set[int]
    ) -> dict[int, ProvenBlock]:
        """For each log index the block with the transaction that wrote that log."""
        hashes = [transaction["hash"] for transaction in block["transactions"]]
        if [receipt and receipt["transactionHash"] for receipt in receipts] != hashes:
            raise ChainUnavailable("the chain was reorganised while it was read: try again")
        transactions = [self._encoded(transaction) for transaction in block["transactions"]]
        encoded_receipts = [encode_receipt(receipt) for receipt in receipts]
        transactions_trie = _trie(block, "transactionsRoot", transactions)
        receipts_trie = _trie(block, "receiptsRoot", encoded_receipts)
        header = headers.encode(block)
        found: dict[int, ProvenBlock] = {}
        for receipt in receipts:
            index = int(receipt["transactionIndex"], 16)
            written = log_indices.intersection(int(log["logIndex"], 16) for log in receipt["logs"])
            if written:
                proven = ProvenTransaction(
                    index=index,
                    transaction=transactions[index],
                    transaction_proof=transactions_trie.proof(index),
                    receipt=encoded_receipts[index],
                    receipt_proof=receipts_trie.proof(index),
                )
                found.update(dict.fromkeys(written, ProvenBlock(block["hash"], header, (proven,))))
        return found

    def _receipts(self, blocks: Sequence[JsonObject]) -> list[list[JsonObject]]:
        """All receipts of each block, in order; one by one from a node without eth_getBlockReceipts, such as
        Ganache."""
        limits = rpc.provider_of(self._web3).limits
        if limits.receipts:
            try:
                return rpc.ask_many(self._web3, "eth_getBlockReceipts", [(block["number"],) for block in blocks])
            except rpc.MethodMissing:
                limits.receipts = False
            except rpc.RangeRefused:
                pass
        hashes = [[(transaction["hash"],) for transaction in block["transactions"]] for block in blocks]
        found = iter(rpc.ask_many(self._web3, "eth_getTransactionReceipt", list(chain.from_iterable(hashes))))
        return [list(islice(found, len(each))) for each in hashes]

    def _encoded(self, transaction: JsonObject) -> bytes:
        encoded = encode_transaction(transaction)
        if encoded is None:
            return octets(self._ask("eth_getRawTransactionByHash", transaction["hash"]))
        return encoded

    def _ask(self, method: str, *parameters: object) -> Any:
        return rpc.ask(self._web3, method, *parameters)


def _trie(block: JsonObject, root: str, values: list[bytes]) -> merkle.IndexedTrie:
    """Raises ChainUnavailable when the values do not have the block's root, because one has an unknown encoding."""
    trie = merkle.IndexedTrie(values)
    if trie.root != octets(block[root]):
        raise ChainUnavailable(
            f"expected the {root} {block[root]} of block {int(block['number'], 16)}, found 0x{trie.root.hex()}: "
            "this chain's blocks are not Ethereum's"
        )
    return trie
