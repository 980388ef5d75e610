from brownie import chain

from tests.contracts.support import image_id_of, image_of

COMMITMENT = bytes(range(32))


def test_returns_image_id(registry, alice, cid):
    tx = registry.registerImage(cid, COMMITMENT, {"from": alice})
    assert tx.return_value == "0x" + image_id_of(alice, cid).hex()


def test_stores_record(registry, alice, cid):
    tx = registry.registerImage(cid, COMMITMENT, {"from": alice})
    assert image_of(registry, image_id_of(alice, cid)) == (alice, chain[tx.block_number].timestamp, 0, 0)


def test_emits_one_event_with_exact_fields(registry, alice, cid):
    tx = registry.registerImage(cid, COMMITMENT, {"from": alice})
    assert [event.name for event in tx.events] == ["ImageRegistered"]
    assert dict(tx.events["ImageRegistered"]) == {
        "imageId": "0x" + image_id_of(alice, cid).hex(),
        "uploader": alice,
        "cid": cid,
        "commitment": "0x" + COMMITMENT.hex(),
    }


def test_image_id_and_uploader_are_indexed(registry, alice, cid):
    tx = registry.registerImage(cid, COMMITMENT, {"from": alice})
    topics = [bytes(topic) for topic in tx.logs[0].topics[1:]]
    assert topics == [image_id_of(alice, cid), bytes(12) + bytes.fromhex(alice.address[2:])]


def test_each_uploader_makes_a_claim_of_their_own(registry, alice, bob, cid):
    registry.registerImage(cid, bytes(32), {"from": bob})
    registry.registerImage(cid, bytes(32), {"from": alice})
    assert image_of(registry, image_id_of(alice, cid))[0] == alice
    assert image_of(registry, image_id_of(bob, cid))[0] == bob
