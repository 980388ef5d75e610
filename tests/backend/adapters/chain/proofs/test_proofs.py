"""Proofs of receipts, transactions and code, against Ganache and Anvil, which compute the roots themselves."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import rlp
from eth_account import Account
from eth_utils import keccak
from web3 import Web3

from backend.adapters.chain import artifact, rpc
from backend.adapters.chain.dev.node import chain_id_at
from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.adapters.chain.proofs import encodings, headers, merkle
from backend.adapters.chain.proofs.reader import ProofReader
from backend.adapters.chain.storage import RegistryStorage
from backend.domain import StateKeys, StoredImage
from backend.errors import ChainUnavailable
from backend.processes import free_port
from backend.settings import ROOT
from tests.backend.adapters.chain.conftest import MODEL_ID
from tests.standins.nodes import refusal, relay, result

HARDFORKS = {"paris": 16, "shanghai": 17, "cancun": 20, "prague": 21, "osaka": 21}
"""With the number of fields in their headers."""


def send_all(web3: Web3, kinds: list[dict]) -> list[str]:
    """A signed transaction of USER for each; returns their hashes. A node that does not mine counts no nonces."""
    first = web3.eth.get_transaction_count(USER.address)
    return [send(web3, nonce=nonce, **kind) for nonce, kind in enumerate(kinds, start=first)]


def send(web3: Web3, **fields: object) -> str:
    transaction = {
        "to": ADMIN.address,
        "value": 1,
        "gas": 100_000,
        "chainId": web3.eth.chain_id,
        **fields,
    }
    signed = Account.sign_transaction(transaction, USER.private_key)
    return web3.eth.send_raw_transaction(signed.raw_transaction).to_0x_hex()


LEGACY = {"gasPrice": 10**11}
ACCESS_LIST = {
    **LEGACY,
    "accessList": [{"address": USER.address, "storageKeys": ["0x" + "00" * 32, "0x" + "11" * 32]}],
}
DYNAMIC_FEE = {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9, "data": "0x1234"}


def assert_proven(block) -> None:
    header = headers.decode(block.header)
    assert "0x" + keccak(block.header).hex() == block.hash
    for each in block.transactions:
        assert merkle.proven_at_index(header.transactions_root, each.index, each.transaction_proof) == each.transaction
        assert merkle.proven_at_index(header.receipts_root, each.index, each.receipt_proof) == each.receipt


def test_a_block_with_many_transactions_of_every_kind(registry, cid):
    reader = ProofReader(registry.settings.rpc_url, contract=registry.chain.contract)
    registry.mine_nothing()
    call = registry.contract.functions.registerImage(cid, bytes(32))
    claim = {**LEGACY, "to": registry.chain.contract, "data": call._encode_transaction_data(), "value": 0}
    *_, hash_ = send_all(registry.web3, [*[LEGACY, ACCESS_LIST, DYNAMIC_FEE] * 6, claim])
    registry.mine()
    registry.web3.eth.wait_for_transaction_receipt(hash_)
    (event,) = registry.chain.events_of_transaction(hash_)

    (block,) = reader.blocks([(event.block.number, event.log_index)]).values()

    assert (block.hash, len(block.transactions)) == (event.block.hash, 1)
    assert_proven(block)
    assert "0x" + keccak(block.transactions[0].transaction).hex() == hash_
    (log,) = encodings.decode_logs(block.transactions[0].receipt)
    assert "0x" + log.address.hex() == registry.chain.contract.lower()
    assert "0x" + log.topics[1].hex() == event.image_id


def test_code_and_storage_are_proven_in_the_state_of_a_block(registry, cid):
    hash_ = registry.wallet.register_image(cid).hash
    (image,) = registry.chain.events_of_transaction(hash_)
    signer = registry.signer.address
    absent = "0x" + "ee" * 32
    stolen = Account.create(secrets.token_hex(32)).address
    report = registry.contract.functions.reportCompromise(stolen, 1_700_000_000)
    call = {"to": registry.chain.contract, "data": report._encode_transaction_data()}
    fields = {**DYNAMIC_FEE, **call, "value": 0, "nonce": registry.web3.eth.get_transaction_count(ADMIN.address)}
    signed = Account.sign_transaction(
        {**fields, "gas": 200_000, "chainId": registry.web3.eth.chain_id}, ADMIN.private_key
    )
    registry.web3.eth.wait_for_transaction_receipt(registry.web3.eth.send_raw_transaction(signed.raw_transaction))
    keys = StateKeys(
        image_id=image.image_id,
        diagnosis_ids=(absent,),
        model_ids=(MODEL_ID, absent),
        classifiers=(signer, stolen),
        roles=(("CLASSIFIER_ROLE", signer), ("CLINICIAN_ROLE", signer)),
    )
    reader = ProofReader(registry.settings.rpc_url, contract=registry.chain.contract)
    newest = registry.chain.head()

    block, code, nodes = reader.state(newest.number, keys)

    header = headers.decode(block.header)
    assert header.number == newest.number
    address = bytes.fromhex(registry.chain.contract[2:])
    account = merkle.proven_account(header.state_root, address, code.account_proof)
    assert account.code_hash == keccak(code.code)
    assert merkle.proven_account(header.state_root, bytes(20), code.account_proof) is None
    storage = RegistryStorage(artifact.of(code.code).storage_layout)
    state = storage.read(keys, merkle.ProvenStorage(account.storage_root, nodes).word)
    assert state.image == StoredImage(USER.address, image.block.timestamp, 0, 0)
    assert state.newest_reviews == {absent: None}
    assert {id_: model.status for id_, model in state.models.items()} == {MODEL_ID: "inUse", absent: "unknown"}
    assert list(state.roles.values()) == [True, False]
    assert state.compromises == {signer: None, stolen: 1_700_000_000}
    assert registry.chain.state(keys, newest) == state
    assert registry.chain.state(replace(keys, image_id=absent), newest).image is None

    for left_out in nodes:
        cut = merkle.ProvenStorage(account.storage_root, [node for node in nodes if node != left_out])
        with pytest.raises(ValueError, match="expected a proof of the storage slot 0x"):
            storage.read(keys, cut.word)


@pytest.mark.parametrize("kept", [20, 2, 0])
def test_a_node_that_keeps_few_states_gives_a_newer_one(registry, monkeypatch, kept):
    for _ in range(70):
        registry.rpc("evm_mine")
    head = registry.chain.head().number
    asked = []

    def intercept(method, parameters):
        if method != "eth_getProof":
            return None
        asked.append(int(parameters[2], 16))
        return None if asked[-1] >= head - kept else refusal("missing trie node", -32000)

    with relay(registry.settings.rpc_url, intercept) as url:
        reader = ProofReader(url, contract=registry.chain.contract)
        block, _, _ = reader.state(1, StateKeys("0x" + "ee" * 32))

    assert head - kept <= headers.decode(block.header).number <= head
    assert asked == sorted(set(asked))


def test_a_node_without_proofs_of_state_is_named_as_the_reason(registry):
    def intercept(method, _):
        return refusal("the method eth_getProof does not exist", -32601) if method == "eth_getProof" else None

    with relay(registry.settings.rpc_url, intercept) as url:
        reader = ProofReader(url, contract=registry.chain.contract)
        with pytest.raises(ChainUnavailable, match="evidence needs a node that answers eth_getProof for recent blocks"):
            reader.state(1, StateKeys("0x" + "ee" * 32))


def test_a_block_that_is_not_there(registry):
    reader = ProofReader(registry.settings.rpc_url, contract=registry.chain.contract)
    with pytest.raises(ChainUnavailable, match="reorganised while it was read"):
        reader.blocks([(10**6, 0)])


def test_a_kind_of_transaction_that_is_not_known_is_asked_for_as_it_is(registry_of, monkeypatch, cid):
    registry = registry_of["anvil"]
    hash_ = registry.wallet.register_image(cid).hash
    (event,) = registry.chain.events_of_transaction(hash_)
    monkeypatch.delitem(encodings._TRANSACTION_FIELDS, 2)

    reader = ProofReader(registry.settings.rpc_url, contract=registry.chain.contract)
    (block,) = reader.blocks([(event.block.number, event.log_index)]).values()

    assert_proven(block)
    assert "0x" + keccak(block.transactions[0].transaction).hex() == hash_


@pytest.mark.parametrize("fields", ["receiptsRoot", "transactionsRoot", "mixHash"])
def test_a_block_whose_parts_do_not_fit_is_refused(registry, cid, fields):
    sent = registry.wallet.register_image(cid)
    (event,) = registry.chain.events_of_transaction(sent.hash)

    def lie(method, parameters):
        if method != "eth_getBlockByNumber":
            return None
        return result({**registry.rpc(method, *parameters), fields: "0x" + "11" * 32})

    with (
        relay(registry.settings.rpc_url, lie) as url,
        pytest.raises(ChainUnavailable, match=r"this chain's (blocks|headers) are not Ethereum's"),
    ):
        ProofReader(url, contract=registry.chain.contract).blocks([(event.block.number, event.log_index)])


@pytest.fixture(params=HARDFORKS)
def fork(request) -> Iterator[tuple[Web3, str]]:
    """An Anvil of that hardfork, and its name."""
    anvil = next((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    port = free_port()
    command = [anvil, "--port", str(port), "--hardfork", request.param, "--mnemonic-seed-unsafe", "1", "--silent"]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while chain_id_at(url) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        web3 = rpc.connect(url)
        rpc.ask(web3, "anvil_setBalance", USER.address, hex(10**20))
        yield web3, request.param
    finally:
        process.terminate()
        process.wait()


def test_blocks_of_every_hardfork(fork):
    web3, name = fork
    rpc.ask(web3, "evm_setAutomine", False)
    kinds = [LEGACY, ACCESS_LIST, DYNAMIC_FEE]
    if name in ("prague", "osaka"):
        delegated = Account.create(secrets.token_hex(32))
        authorization = {"chainId": web3.eth.chain_id, "address": ADMIN.address, "nonce": 0}
        kinds.append({**DYNAMIC_FEE, "authorizationList": [delegated.sign_authorization(authorization)]})
    hashes = send_all(web3, kinds)
    rpc.ask(web3, "evm_mine")
    block = rpc.ask(web3, "eth_getBlockByNumber", "latest", True)

    assert [transaction["hash"] for transaction in block["transactions"]] == hashes
    assert len(rlp.decode(headers.encode(block))) == HARDFORKS[name]
    transactions = [encodings.encode_transaction(transaction) for transaction in block["transactions"]]
    assert ["0x" + keccak(transaction).hex() for transaction in transactions] == hashes
    receipts = rpc.ask(web3, "eth_getBlockReceipts", block["number"])
    for root, values in (
        ("transactionsRoot", transactions),
        ("receiptsRoot", [encodings.encode_receipt(receipt) for receipt in receipts]),
    ):
        assert "0x" + merkle.IndexedTrie(values).root.hex() == block[root]


def test_a_transaction_with_blobs() -> None:
    """By its hash alone: Anvil puts the blobs themselves in its trie, which no chain does."""
    fields = {
        **{"type": 3, "chainId": 1, "nonce": 7, "maxPriorityFeePerGas": 1, "maxFeePerGas": 2, "gas": 3, "value": 4},
        **{"to": USER.address, "data": "0x12", "accessList": [], "maxFeePerBlobGas": 5},
        "blobVersionedHashes": ["0x01" + "22" * 31, "0x01" + "33" * 31],
    }
    signed = Account.sign_transaction(fields, USER.private_key)
    numbers = {name: hex(value) for name, value in fields.items() if isinstance(value, int)}
    signature = {"yParity": hex(signed.v), "r": hex(signed.r), "s": hex(signed.s)}
    answer = {**fields, **numbers, **signature, "input": "0x12", "hash": signed.hash.to_0x_hex()}

    assert encodings.encode_transaction(answer) is not None
    assert encodings.encode_transaction({**answer, "nonce": "0x8"}) is None


OP_STACK_BLOCK = {
    **{"baseFeePerGas": "0x1418f329", "difficulty": "0x0", "extraData": "0x", "gasLimit": "0x1c9c380"},
    **{"gasUsed": "0xb76d", "logsBloom": "0x" + "00" * 256, "nonce": "0x0000000000000000", "number": "0x112"},
    **{"miner": "0x4200000000000000000000000000000000000011", "timestamp": "0x65da607b"},
    "hash": "0xfc70e073ec6e1bb7f387698e4be418d7b1ff2216f625cdf41e1b80fb08029ef5",
    "mixHash": "0x8bc8a48326d9309959f2452206c1c842be9fcc9840c789845caab9d290a9700c",
    "parentHash": "0xcfbc479d5f63476538db9ff15295167a6e91ecc9d6cf54be471eded689c251c9",
    "receiptsRoot": "0x8c303881b3e408cc739f55ef3e5133075d552cbec9ee987aff6b71f58cf291ee",
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "stateRoot": "0x86be45fb7a22b8c12cbce8d538372b800377cc589de590b6d88f5f65dde97df8",
    "transactionsRoot": "0xb01a2ad2c1ceb76f2edcdc02f2e0453c52e24c421fb04132cdfc0da5b70a593e",
    "withdrawalsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
}
"""Of a chain of the OP Stack after its upgrade Canyon; its only transaction is the deposit that begins each block."""
DEPOSIT = {
    **{"type": "0x7e", "gas": "0xf4240", "mint": "0x0", "value": "0x0", "nonce": "0x111"},
    "from": "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001",
    "to": "0x4200000000000000000000000000000000000015",
    "hash": "0x13a644af4f64ce801dcd57faa823e8952f2290b810fdd31995dda62977ed3df1",
    "sourceHash": "0x5a1b66228a26547e2ce6fe1aa734d2c34e062e42ccd5710463e6987890f1ad5d",
    "input": "0x015d8eb9"
    "0000000000000000000000000000000000000000000000000000000001267f33"
    "0000000000000000000000000000000000000000000000000000000065da6073"
    "000000000000000000000000000000000000000000000000000000075d3f8610"
    "97c24796a4f639846a6a3ea3a59c11de8d89e11f551bae8feca9271a78926d42"
    "0000000000000000000000000000000000000000000000000000000000000004"
    "000000000000000000000000415c8893d514f9bc5211d36eeda4183226b84aa7"
    "00000000000000000000000000000000000000000000000000000000000000bc"
    "00000000000000000000000000000000000000000000000000000000000a6fe0",
}


def test_a_block_of_the_op_stack() -> None:
    receipt = {
        **{"type": "0x7e", "status": "0x1", "cumulativeGasUsed": OP_STACK_BLOCK["gasUsed"], "logs": []},
        **{"logsBloom": OP_STACK_BLOCK["logsBloom"], "depositNonce": DEPOSIT["nonce"], "depositReceiptVersion": "0x1"},
    }

    headers.encode(OP_STACK_BLOCK)
    transaction = encodings.encode_transaction(DEPOSIT)
    assert "0x" + merkle.IndexedTrie([transaction]).root.hex() == OP_STACK_BLOCK["transactionsRoot"]
    encoded = encodings.encode_receipt(receipt)
    assert "0x" + merkle.IndexedTrie([encoded]).root.hex() == OP_STACK_BLOCK["receiptsRoot"]
    assert encodings.decode_logs(encoded) == ()
