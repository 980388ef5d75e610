"""Who signed what a record says, and what contracts between the account and the registry change about it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import rlp
from eth_account import Account
from web3 import HTTPProvider, Web3

from backend.adapters.chain import artifact
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.chain.proofs.evidence_chain import EvidenceChain
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.wallet import Wallet
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.domain import SignedTransaction, Verdict
from backend.evidence import Evidence
from backend.services.evidence_events import described, events_of_record
from backend.services.evidence_file import pack, unpack
from backend.settings import Secret
from tests.chains import running_anvil

from . import forgery
from .conftest import CARD, MODEL, FalseChain, TwinClassifier, World, failures
from .relays import Relay

OTHER = "0x00000000000000000000000000000000000000AA"
SEPOLIA = 11155111


def origins(verification) -> dict[str, str]:
    return {check.name: check.found for check in verification.checks if check.name.endswith("origin")}


def checked(world: World, image_id: str) -> dict[str, str]:
    """The lines about origins, which are the same through a node and in an evidence file; nothing fails."""
    online = world.verify(image_id)
    offline = world.verify_evidence(unpack(pack(world.evidence(image_id))), node=world.chain)
    assert (failures(online), failures(offline)) == ({}, {})
    assert origins(online) == origins(offline)
    return origins(online)


def test_every_step_of_a_record_is_signed_by_its_account(world):
    record = world.record()
    world.review(record.image_id, Verdict.CONFIRMED, 1)

    found = checked(world, record.image_id)

    assert {name: text.split()[2] for name, text in found.items() if name != "training origin"} == {
        "origin": world.wallet.address,
        "diagnosis origin": world.wallet.address,
        "classifier role origin": found["classifier role origin"].split()[2],
        "model origin": ADMIN.address,
        "review origin": CLINICIAN.address,
        "reviewer role origin": ADMIN.address,
    }
    assert all(text.startswith("signed by 0x") for text in found.values())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"sender": OTHER}, "is signed by 0x00000000000000000000000000000000000000AA"),
        ({"sender": None}, "has no valid signature"),
        ({"chain_id": SEPOLIA}, f"is signed for chain {SEPOLIA}"),
        ({"input": b"something else"}, "calls for something else"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_transaction_straight_to_the_registry_that_is_not_of_the_account(world, change, found):
    record = world.record()
    world.review(record.image_id, Verdict.CONFIRMED, 1)

    def signed(hash_):
        return replace(world.chain.signed_transactions([hash_])[0], **change)

    verification = world.verify(record.image_id, chain=FalseChain(world.chain, signed_transaction=signed))

    failed = failures(verification)
    assert {"origin", "diagnosis origin", "review origin", "model origin", "classifier role origin"} < set(failed)
    assert all(found in check.found for check in failed.values())


@pytest.mark.parametrize(
    "answer", [None, SignedTransaction(OTHER, OTHER, None, b"")], ids=["not available", "through a contract"]
)
def test_what_no_signature_shows_is_proven_by_the_block_only(world, answer):
    record = world.record()

    verification = world.verify(record.image_id, chain=FalseChain(world.chain, signed_transaction=lambda _hash: answer))

    assert verification.passed
    assert all(text.startswith("proven by the block only: ") for text in origins(verification).values())


def relayed(world: World, relay: Relay, uploader: str) -> tuple[str, str]:
    """An image of ``uploader`` with the call that registers and diagnoses it: image id and call."""
    content, cid = world.pin_image()
    manifest = world.manifest(content, cid)
    world.store.put(manifest, name="manifest", media_type="application/json")
    image_id = world.chain.image_id(uploader, cid)
    signed = world.sign(cid, manifest, image_id=image_id)
    diagnosis = signed.diagnosis
    fields = (image_id, diagnosis.model_id, 1, 7500, diagnosis.manifest_hash, diagnosis.issued_at)
    return image_id, relay.call("registerWithDiagnosis", cid, bytes(32), fields, signed.signature)


def test_through_a_contract_the_block_alone_proves_the_uploader(world, ganache):
    relay = Relay.deployed(ganache.rpc_url, world.chain.contract, ADMIN)
    image_id, call = relayed(world, relay, relay.address)
    relay.run(call)

    found = checked(world, image_id)

    for line in ("origin", "diagnosis origin"):
        assert found[line].startswith(f"proven by the block only: {ADMIN.address} sent transaction 0x")
        assert found[line].endswith(f" to {relay.address}")


def test_the_images_of_others_in_the_same_transaction_are_no_part_of_the_record(world, ganache):
    relay = Relay.deployed(ganache.rpc_url, world.chain.contract, ADMIN)
    records = [relayed(world, relay, relay.address) for _ in range(3)]
    relay.run(*(call for _, call in records))

    for image_id, _ in records:
        checked(world, image_id)
        evidence = world.evidence(image_id)
        named = [event["imageId"] for event in evidence.events if "imageId" in event]
        assert named == [image_id] * 2


def test_a_batch_of_images_gives_an_evidence_file_for_each(world):
    cids = [world.pin_image()[1] for _ in range(3)]
    world.wallet._send("registerImages", cids, [bytes(32)] * 3)

    for cid in cids:
        found = checked(world, world.chain.image_id(world.wallet.address, cid))
        assert found["origin"].startswith(f"signed by {world.wallet.address} in transaction 0x")


def private_chain(url: str, chain_id: int, folder: Path) -> World:
    """Somebody's own chain with a registry of their own."""
    admin, clinician = (Account.create(secrets.token_hex(32)) for _ in range(2))
    signer = KeyFileSigner(folder / "key", chain_id=chain_id)
    web3 = Web3(HTTPProvider(url))
    for each in (admin, clinician):
        web3.provider.make_request("anvil_setBalance", [each.address, hex(10**21)])
    build = artifact.current()
    deployment = web3.eth.contract(abi=build.abi, bytecode=build.bytecode).constructor(0, admin.address, signer.address)
    fields = {"from": admin.address, "nonce": 0, "chainId": chain_id}
    signed = admin.sign_transaction(deployment.build_transaction(fields))
    hash_ = web3.eth.send_raw_transaction(signed.raw_transaction)
    contract = web3.eth.wait_for_transaction_receipt(hash_)["contractAddress"]
    wallet, reviewer = (Wallet(url, contract, Secret(each.key.hex()), chain_id=chain_id) for each in (admin, clinician))
    store = EmbeddedStore(folder / "ipfs")
    card = store.put(CARD, name="card", media_type="text/markdown")
    wallet.register_model("0x" + MODEL.sha256, 4, card.cid)
    return World(
        rpc_url=url,
        chain=Web3Chain(url, chain_id=chain_id, contract=contract),
        store=store,
        classifier=TwinClassifier(),
        signer=signer,
        wallet=wallet,
        admin=wallet,
        clinician=reviewer,
    )


@pytest.fixture(scope="module")
def prague(tmp_path_factory) -> Iterator[World]:
    with running_anvil(31337, "--hardfork", "prague") as url:
        yield private_chain(url, 31337, tmp_path_factory.mktemp("prague"))


def test_an_account_that_delegated_itself_is_relayed_by_another(prague):
    """EIP-7702: somebody else pays for the transaction to the account, which calls the registry as itself."""
    world = prague
    relay = Relay.deployed(world.rpc_url, world.chain.contract, ADMIN)
    owner = Account.create(secrets.token_hex(32))
    authorization = owner.sign_authorization({"chainId": 31337, "address": relay.address, "nonce": 0})
    image_id, call = relayed(world, relay, owner.address)
    relay.run(call, through=owner.address, authorizationList=[authorization])

    found = checked(world, image_id)

    assert world.chain.events_of_image(image_id)[0].uploader == owner.address
    assert found["origin"].startswith(f"proven by the block only: {ADMIN.address} sent transaction 0x")
    assert found["origin"].endswith(f" to {owner.address}")


def forged(world: World, evidence: Evidence, change) -> Evidence:
    """The registration's log changed, every hash computed anew, and no state that contradicts it."""
    place = forgery.place_of(evidence, "ImageRegistered")
    receipt = evidence.blocks[place[0]].transactions[place[1]].receipt
    fields = rlp.decode(receipt[1:])
    change(fields[3][0])
    changed = forgery.with_forged_receipt(evidence, place, receipt[:1] + rlp.encode(fields))
    was, now = evidence.blocks[place[0]].hash, changed.blocks[place[0]].hash
    code = replace(changed.code, block_hash=now) if changed.code.block_hash == was else changed.code
    image_id = "0x" + fields[3][0][1][1].hex()
    changed = replace(changed, code=code, image_id=image_id, storage_proof=None)
    events = events_of_record(EvidenceChain(changed), image_id)
    return unpack(pack(replace(changed, events=tuple(described(event) for event in events))))


@pytest.fixture
def registered(world) -> tuple[str, Evidence]:
    """An image without a diagnosis: its CID and its evidence."""
    _, cid = world.pin_image()
    world.wallet.register_image(cid)
    return cid, world.evidence(world.chain.image_id(world.wallet.address, cid))


def test_an_invented_uploader_did_not_sign_the_transaction(world, registered):
    cid, evidence = registered

    def change(log: list) -> None:
        log[1][1] = bytes.fromhex(world.chain.image_id(OTHER, cid)[2:])
        log[1][2] = bytes.fromhex(OTHER[2:]).rjust(32, b"\0")

    verification = world.verify_evidence(forged(world, evidence, change))

    failed = failures(verification)
    assert list(failed) == ["origin"]
    assert failed["origin"].expected == f"signed by {OTHER} for chain {world.chain.chain_id}"
    assert failed["origin"].found.endswith(f"is signed by {USER.address}")


def test_a_true_transaction_does_not_sign_for_another_image(world, registered):
    cid, evidence = registered
    other, other_cid = world.pin_image()

    def change(log: list) -> None:
        log[1][1] = bytes.fromhex(world.chain.image_id(USER.address, other_cid)[2:])
        log[2] = log[2].replace(cid.encode(), other_cid.encode())

    objects = {**{name: each for name, each in evidence.objects.items() if name != cid}, other_cid: other}
    verification = world.verify_evidence(forged(world, replace(evidence, objects=objects), change))

    failed = failures(verification)
    assert list(failed) == ["origin"]
    assert failed["origin"].found.endswith(f"of {USER.address} calls for something else")


@pytest.fixture(scope="module")
def private_sepolia(tmp_path_factory) -> Iterator[World]:
    with running_anvil(SEPOLIA) as url:
        yield private_chain(url, SEPOLIA, tmp_path_factory.mktemp("sepolia"))


def test_an_evidence_file_of_a_private_chain_with_sepolias_id_is_unanchored(private_sepolia):
    """It agrees with itself in everything: only the block hashes are those of no public chain."""
    world = private_sepolia
    record = world.record()

    result = world.check_evidence(unpack(pack(world.evidence(record.image_id))))

    assert failures(result.record) == {}
    assert (result.verdict, result.unanchored) == ("unanchored", result.blocks)
    trusted = [block.hash for block in result.blocks]
    evidence = world.evidence(record.image_id)
    assert world.check_evidence(evidence, trusted=trusted).verdict == "valid"
    assert world.check_evidence(evidence, trusted=trusted[:-1]).verdict == "unanchored"


def test_a_trusted_block_anchors_the_blocks_before_it_by_their_hashes_alone(private_sepolia):
    """Registration and diagnosis are in neighbouring blocks: the newer one names the older one's hash."""
    world = private_sepolia
    content, cid = world.pin_image()
    manifest = world.manifest(content, cid)
    world.store.put(manifest, name="manifest", media_type="application/json")
    world.wallet.register_image(cid)
    world.wallet.record_diagnosis(world.sign(cid, manifest))
    evidence = world.evidence(world.chain.image_id(world.wallet.address, cid))

    result = world.check_evidence(evidence)
    registered, diagnosed = result.blocks[-2:]
    assert diagnosed.number == registered.number + 1
    anchored = world.check_evidence(evidence, trusted=[diagnosed.hash]).anchored
    assert {registered.hash, diagnosed.hash} <= anchored
    assert world.check_evidence(evidence, trusted=[registered.hash]).anchored.isdisjoint({diagnosed.hash})

    place = len(evidence.blocks) - 1
    cut = forgery.with_header_field(evidence, place, 0, b"\x11" * 32, rehash=True)
    found = failures(world.verify_evidence(cut))
    assert f"parent of block {diagnosed.number}" in found
