"""A node that shows less than the chain holds leaves no gap behind a checkpoint, and nothing says that all was read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from backend.adapters.chain import complete
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.database.events import SqlEventStore
from backend.domain import Verdict
from backend.errors import ChainUnavailable, LogsIncomplete
from backend.processes import free_port
from backend.services.event_index import EventIndex
from tests.backend.services.event_index.conftest import Node, indexed, running_node
from tests.standins.nodes import QuirkyNode, Rule, error, quirky_node

RECEIPTS = ("eth_getBlockReceipts", "eth_getTransactionReceipt")


class Logs(Rule):
    """Changes the logs of ``eth_getLogs``; ``without`` are methods that answer null."""

    def __init__(self, change: Callable[[list], list | None], *, without: tuple[str, ...] = ()) -> None:
        self.change = change
        self.without = without

    def call(self, method, params, relay):
        if method in self.without:
            return {"result": None}
        answer = relay()
        return {"result": self.change(answer["result"])} if method == "eth_getLogs" and "result" in answer else answer


@pytest.fixture(scope="module", params=["anvil"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Anvil, and Ganache, which has no receipts of a whole block, where a test asks for it."""
    with running_node(request.param, tmp_path_factory.mktemp("node"), free_port()) as node:
        yield node


both = pytest.mark.parametrize("node", ["anvil", "ganache"], indirect=True)


@pytest.fixture
def quirky(node: Node) -> Iterator[QuirkyNode]:
    with quirky_node(node.settings.rpc_url) as quirky:
        yield quirky


@pytest.fixture
def index(node: Node, quirky: QuirkyNode, events: SqlEventStore) -> EventIndex:
    return EventIndex(through(node, quirky), events)


def through(node: Node, quirky: QuirkyNode) -> Web3Chain:
    chain = node.chain
    return Web3Chain(quirky.url, chain_id=chain.chain_id, contract=chain.contract, start_block=chain.start_block)


def up_to(block: int) -> Callable[[list], list]:
    return lambda logs: [log for log in logs if int(log["blockNumber"], 16) <= block]


@both
def test_logs_that_the_node_does_not_show_yet_come_from_the_receipts(node, quirky, index) -> None:
    node.register()
    quirky.rule = Logs(up_to(node.chain.head().number - 1))
    assert index.sync()
    assert indexed(index) == node.recorded()


def test_a_block_whose_logs_nobody_shows_is_not_read(node, quirky, index) -> None:
    node.register()
    before = node.chain.head().number
    node.diagnose()
    image_id = node.recorded()[0].image.image_id
    quirky.rule = Logs(up_to(before), without=RECEIPTS)
    for _ in range(2):
        with pytest.raises(LogsIncomplete, match=f"^the node does not show every event of block {before + 1} yet"):
            index.sync()
        assert (index.status().block, index.status().synced) == (before, False)
        with pytest.raises(LogsIncomplete):
            index.lookup(image_id)
    assert indexed(index) == node.recorded()[1:]
    quirky.rule = Rule()
    assert index.lookup(image_id).image.image_id == image_id
    assert index.status().synced
    assert indexed(index) == node.recorded()


@both
@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_a_silent_limit_of_the_number_of_logs_leaves_nothing_out(node, quirky, index, most) -> None:
    for _ in range(3):
        node.diagnose()
        node.review(Verdict.CONFIRMED)
    node.model()
    quirky.rule = Logs(lambda logs: logs[:most])
    assert index.sync()
    assert indexed(index) == node.recorded()


@pytest.mark.parametrize(
    "change",
    [
        lambda logs: [{**log, "removed": True} for log in logs],
        lambda logs: [*logs, *logs],
        lambda logs: logs[::-1],
        lambda logs: logs[1::2],
        lambda logs: [{**log, "blockTimestamp": "0x0"} for log in logs],
        lambda logs: [{**log, "blockTimestamp": None} for log in logs],
        lambda logs: [{**log, "blockTimestamp": "1764333570"} for log in logs],
        lambda logs: [{**log, "blockTimestamp": "0x6929bb02"} for log in logs],
        lambda logs: [{**log, "blockTimestamp": 2**70} for log in logs],
        lambda logs: [{**log, "address": log["address"].upper().replace("0X", "0x")} for log in logs],
        lambda logs: [{**log, "transactionIndex": None, "logIndex": int(log["logIndex"], 16)} for log in logs],
    ],
)
def test_what_the_index_holds_is_what_the_chain_holds_whatever_logs_say_besides(node, quirky, index, change) -> None:
    node.diagnose()
    node.review(Verdict.OVERRIDDEN, label=2)
    quirky.rule = Logs(change)
    assert index.sync()
    assert indexed(index) == node.recorded()
    assert all(node.chain.blocks([r.image.block.number])[0] == r.image.block for r in indexed(index))


@pytest.mark.parametrize("change", [lambda logs: None, lambda logs: {}, lambda logs: [17], lambda logs: [{}]])
def test_what_are_no_logs_is_a_chain_error(node, quirky, index, change) -> None:
    node.register()
    quirky.rule = Logs(change)
    with pytest.raises(ChainUnavailable):
        index.sync()
    assert not index.status().synced


def test_a_log_that_its_header_excludes_is_not_believed(node, quirky, index) -> None:
    node.register()
    number = node.chain.head().number

    def invented(logs: list) -> list:
        return [{**log, "topics": [*log["topics"][:1], "0x" + "12" * 32, *log["topics"][2:]]} for log in logs]

    quirky.rule = Logs(invented)
    with pytest.raises(ChainUnavailable, match=re.escape("are not in the filter of its header (logsBloom)")):
        index.sync()
    assert (index.status().block or 0) < number


@pytest.mark.parametrize("missing", [-32601, -32000])
def test_a_node_without_receipts_of_a_block_is_asked_for_each_transaction(node, quirky, index, missing) -> None:
    class Without(Rule):
        def call(self, method, params, relay):
            if method == "eth_getLogs":
                return {"result": []}
            if method == "eth_getBlockReceipts":
                return error(missing, "the method eth_getBlockReceipts does not exist/is not available")
            return relay()

    node.diagnose()
    quirky.rule = Without()
    assert index.sync()
    assert indexed(index) == node.recorded()
    asked = quirky.counts["eth_getBlockReceipts"]
    node.register()
    assert index.sync()
    assert quirky.counts["eth_getBlockReceipts"] == asked


def test_headers_without_transactions_are_used_where_the_node_has_them(node, quirky, index) -> None:
    """As Geth's eth_getHeaderByNumber; a node whose method answers something else is not believed."""

    class Headers(Rule):
        wrong = False

        def call(self, method, params, relay):
            if method != "eth_getHeaderByNumber":
                return relay()
            block = node.rpc("eth_getBlockByNumber", params[0], False)
            del block["transactions"]
            return {"result": {**block, "logsBloom": "0x0"} if self.wrong else block}

    node.register()
    node.mine(10)
    quirky.rule = Headers()
    assert index.sync()
    assert indexed(index) == node.recorded()
    assert quirky.counts["eth_getHeaderByNumber"] > 10
    wrong = Headers()
    wrong.wrong = True
    with quirky_node(node.settings.rpc_url, wrong) as other:
        chain = through(node, other)
        assert chain.read(node.chain.start_block, node.chain.head().number) == node.chain.read(
            node.chain.start_block, node.chain.head().number
        )


def crowded(block: dict, share: int) -> dict:
    """The header with every ``share``-th bit of its filter set, as if a thousand contracts had written logs."""
    bits = sum(1 << bit for bit in range(0, 2048, share))
    return {**block, "logsBloom": f"0x{int(block['logsBloom'], 16) | bits:0512x}"}


class Crowded(Rule):
    """Every filter matches everything, and the node has no receipts."""

    hidden = False

    def call(self, method, params, relay):
        if method in RECEIPTS:
            return {"result": None}
        answer = relay()
        if method.startswith("eth_getBlockBy") and answer.get("result"):
            return {"result": crowded(answer["result"], 1)}
        return answer


def test_a_filter_that_matches_by_chance_does_not_stop_the_index_for_ever(node, quirky, index, monkeypatch) -> None:
    """Near the head the block must be proven; some blocks deep, its logs are asked for again by its hash."""
    monkeypatch.setattr(complete, "SETTLED_BLOCKS", 4)
    assert index.sync()
    quirky.rule = Crowded()
    node.mine(3)
    with pytest.raises(LogsIncomplete):
        index.sync()
    node.mine(4)
    with pytest.raises(LogsIncomplete):
        index.sync()
    assert index.status().block == node.chain.head().number - 4
    assert not index.status().synced


def test_a_filter_that_matches_by_chance_is_explained_by_the_receipts(node, quirky, index) -> None:
    """Another contract's logs: transfers of a token whose address and topics match ours by chance are made up here, as
    the receipts of a block in which our contract wrote nothing."""
    assert index.sync()
    node.mine(1)
    head = node.chain.head()
    receipt = {"blockHash": head.hash, "transactionHash": "0x" + "77" * 32}
    strange = [f"0x{number:040x}" for number in range(1500)]

    class Busy(Rule):
        def call(self, method, params, relay):
            if method == "eth_getBlockReceipts":
                return {"result": [{**receipt, "logs": [{"address": each, "topics": []} for each in strange]}]}
            answer = relay()
            if method.startswith("eth_getBlockBy") and (answer.get("result") or {}).get("hash") == head.hash:
                bloom = 0
                for each in strange:
                    bloom |= complete.bits_of(each)
                return {"result": {**answer["result"], "logsBloom": f"0x{bloom:0512x}"}}
            return answer

    quirky.rule = Busy()
    assert index.sync()
    assert index.status().block == head.number
    assert quirky.counts["eth_getBlockReceipts"] == 1


def test_blocks_of_two_chains_are_not_put_together(node, quirky, index) -> None:
    """Two nodes behind one address, one of which has other newest blocks."""
    node.mine(5)
    last = node.chain.head().number

    class Other(Rule):
        def call(self, method, params, relay):
            answer = relay()
            if method == "eth_getBlockByNumber" and params[0] == hex(last - 2):
                return {"result": {**answer["result"], "hash": "0x" + "99" * 32}}
            return answer

    quirky.rule = Other()
    with pytest.raises(ChainUnavailable, match=r"^the chain was reorganised while it was read: try again$"):
        index.sync()
    quirky.rule = Rule()
    assert index.sync()
    assert indexed(index) == node.recorded()


def test_quiet_blocks_cost_a_batch_for_a_hundred_headers_and_few_requests_for_logs(node, quirky, index) -> None:
    node.mine(2000)
    assert index.sync()
    assert quirky.counts["eth_getLogs"] <= 10
    assert quirky.counts["batch"] <= 2000 // 100 + 10
