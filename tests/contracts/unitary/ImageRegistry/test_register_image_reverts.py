import pytest
from brownie import reverts

from tests.contracts.support import cid_of, error

pytestmark = pytest.mark.node

GOOD = cid_of(b"scan")


def test_duplicate(registry, alice, cid, image_id):
    with reverts(error("ImageAlreadyRegistered", image_id)):
        registry.registerImage(cid, bytes(32), {"from": alice})


def test_duplicate_after_diagnosis(registry, alice, cid, image_id, diagnosis, signature):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    with reverts(error("ImageAlreadyRegistered", image_id)):
        registry.registerImage(cid, bytes(32), {"from": alice})


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        "baf",
        GOOD[:-1],
        GOOD + "a",
        "c" + GOOD[1:],
        "bb" + GOOD[2:],
        "bag" + GOOD[3:],
        GOOD.upper(),
        "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
        "ipfs://" + GOOD,
        GOOD + 20_000 * "a",
    ],
    ids=lambda text: text[:70],
)
def test_invalid_cid(registry, alice, invalid):
    with reverts(error("InvalidCid", invalid)):
        registry.registerImage(invalid, bytes(32), {"from": alice})
