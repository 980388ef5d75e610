import pytest
from brownie import reverts

from tests.contracts.support import cid_of, error, image_id_of, image_of

CIDS = [cid_of(bytes([index])) for index in range(3)]
COMMITMENTS = [bytes([index]) * 32 for index in range(3)]


def test_returns_ids_in_order(registry, alice):
    tx = registry.registerImages(CIDS, COMMITMENTS, {"from": alice})
    assert list(tx.return_value) == ["0x" + image_id_of(alice, cid).hex() for cid in CIDS]


def test_emits_one_event_an_image(registry, alice):
    tx = registry.registerImages(CIDS, COMMITMENTS, {"from": alice})
    assert [dict(event) for event in tx.events] == [
        {
            "imageId": "0x" + image_id_of(alice, cid).hex(),
            "uploader": alice,
            "cid": cid,
            "commitment": "0x" + commitment.hex(),
        }
        for cid, commitment in zip(CIDS, COMMITMENTS, strict=True)
    ]


def test_stores_each_record(registry, alice):
    tx = registry.registerImages(CIDS, COMMITMENTS, {"from": alice})
    assert [image_of(registry, image_id_of(alice, cid)) for cid in CIDS] == 3 * [(alice, tx.timestamp, 0, 0)]


def test_empty_batch(registry, alice):
    with reverts(error("EmptyBatch")):
        registry.registerImages([], [], {"from": alice})


@pytest.mark.parametrize(("cids", "commitments"), [(3, 2), (2, 3), (1, 0)])
def test_length_mismatch(registry, alice, cids, commitments):
    with reverts(error("LengthMismatch", cids, commitments)):
        registry.registerImages(CIDS[:cids], COMMITMENTS[:commitments], {"from": alice})


def test_empty_batch_with_commitments(registry, alice):
    with reverts(error("EmptyBatch")):
        registry.registerImages([], COMMITMENTS, {"from": alice})


def test_duplicate_within_batch(registry, alice):
    with reverts(error("ImageAlreadyRegistered", image_id_of(alice, CIDS[0]))):
        registry.registerImages([CIDS[0], CIDS[1], CIDS[0]], COMMITMENTS, {"from": alice})


def test_all_or_none(registry, alice):
    registry.registerImage(CIDS[2], bytes(32), {"from": alice})
    with reverts(error("ImageAlreadyRegistered", image_id_of(alice, CIDS[2]))):
        registry.registerImages(CIDS, COMMITMENTS, {"from": alice})
    assert not registry.isRegistered(image_id_of(alice, CIDS[0]))


def test_invalid_cid_within_batch(registry, alice):
    with reverts(error("InvalidCid", "baf")):
        registry.registerImages([CIDS[0], "baf"], COMMITMENTS[:2], {"from": alice})
