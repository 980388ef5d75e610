"""The index holds what the chain holds: from the start, after a gap, after a restart, by several at once."""

from __future__ import annotations

import threading

import pytest
from eth_account import Account
from web3 import Web3

from backend.adapters.chain.development_accounts import USER
from backend.adapters.database.events import SqlEventStore
from backend.domain import RecordFilter
from backend.services import event_index
from backend.services.event_index import EventIndex
from tests.backend.services.event_index.conftest import Node, indexed


class Recording:
    """A chain that notes which blocks are read."""

    def __init__(self, chain) -> None:
        self._chain = chain
        self.start_block: int = chain.start_block
        self.ranges: list[tuple[int, int]] = []

    def __getattr__(self, name: str):
        return getattr(self._chain, name)

    def read(self, first: int, last: int):
        self.ranges.append((first, last))
        return self._chain.read(first, last)


def test_an_index_that_never_synced_is_empty_and_says_so(index: EventIndex) -> None:
    assert index.search(RecordFilter(), 10, None) == []
    assert (index.status().block, index.status().synced) == (None, False)


def test_everything_since_the_deployment_is_read_in_ranges(node: Node, events: SqlEventStore) -> None:
    node.register(4)
    node.diagnose()
    chain = Recording(node.chain)
    index = EventIndex(chain, events, range_blocks=2)
    index.sync()
    assert indexed(index) == node.recorded()
    assert max(last - first for first, last in chain.ranges) == 1
    assert chain.ranges[0][0] == node.chain.start_block
    head = node.chain.head().number
    assert (index.status().block, index.status().head, index.status().synced) == (head, head, True)


def test_ranges_grow_over_few_events_and_shrink_over_many(
    node: Node, events: SqlEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_index, "FIRST_BLOCKS", 1)
    monkeypatch.setattr(event_index, "EVENTS_AT_ONCE", 4)
    start = node.chain.head().number + 1
    for _ in range(16):
        node.rpc("evm_mine")
    node.register(20)
    for _ in range(8):
        node.rpc("evm_mine")
    chain = Recording(node.chain)
    chain.start_block = start
    index = EventIndex(chain, events, range_blocks=8)
    assert index.sync()
    assert [last - first + 1 for first, last in chain.ranges] == [1, 2, 4, 8, 8, 4, 4, 4, 4, 4, 1]
    assert indexed(index) == [r for r in node.recorded() if r.image.block.number >= start]


def test_a_restart_reads_only_what_is_new(node: Node, events: SqlEventStore) -> None:
    node.register()
    EventIndex(node.chain, events).sync()
    seen = node.chain.head().number
    node.register(3)
    chain = Recording(node.chain)
    restarted = EventIndex(chain, events)
    assert len(indexed(restarted)) == len(node.recorded()) - 3
    restarted.sync()
    assert indexed(restarted) == node.recorded()
    assert chain.ranges == [(seen + 1, seen + 3)]


def test_syncing_again_changes_nothing(node: Node, index: EventIndex) -> None:
    node.register(2)
    index.sync()
    before = indexed(index)
    index.sync()
    assert indexed(index) == before == node.recorded()


def test_an_image_just_mined_is_found_at_once(node: Node, index: EventIndex) -> None:
    index.sync()
    node.register()
    image_id = node.recorded()[0].image.image_id
    assert index.lookup(image_id).image.image_id == image_id


def test_a_process_that_dies_between_two_ranges_loses_nothing(node: Node, events: SqlEventStore) -> None:
    node.register(4)

    class Dying(Recording):
        def read(self, first: int, last: int):
            if len(self.ranges) == 2:
                raise KeyboardInterrupt
            return super().read(first, last)

    with pytest.raises(KeyboardInterrupt):
        EventIndex(Dying(node.chain), events, range_blocks=2).sync()
    index = EventIndex(node.chain, events, range_blocks=2)
    assert 0 < index.status().block < node.chain.head().number
    index.sync()
    assert indexed(index) == node.recorded()


def test_several_processes_on_one_database_agree(node: Node, events: SqlEventStore) -> None:
    node.register(6)
    indexes = [EventIndex(node.chain, events, range_blocks=1) for _ in range(4)]
    errors: list[BaseException] = []

    def work(index: EventIndex) -> None:
        try:
            for _ in range(3):
                index.sync()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[index]) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    indexes[0].sync()
    assert indexed(indexes[0]) == node.recorded()


def test_a_cid_that_is_no_text_does_not_stop_the_index(node: Node, index: EventIndex) -> None:
    selector = Web3.keccak(text="registerImage(string,bytes32)")[:4].hex()
    cid = b"baf" + b"\xff\xfe\x00" + b"a" * 53
    data = "0x" + selector + f"{64:064x}" + "0" * 64 + f"{59:064x}" + cid.hex() + "0" * 10
    account = Account.from_key(USER.private_key)
    nonce = int(node.rpc("eth_getTransactionCount", USER.address, "latest"), 16)
    fields = {"to": node.chain.contract, "data": data, "gas": 300_000, "gasPrice": 10**10, "nonce": nonce}
    signed = account.sign_transaction({**fields, "chainId": node.chain.chain_id, "value": 0})
    node.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())
    node.register()
    index.sync()
    assert index.status().synced
    assert indexed(index)[0] == node.recorded()[0]
