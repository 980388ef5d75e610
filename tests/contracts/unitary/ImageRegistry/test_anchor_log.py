import pytest
from brownie import accounts, reverts

from tests.contracts.support import error, hexed

HEAD = bytes(range(32))


@pytest.mark.parametrize("index", range(3))
def test_anybody_anchors_the_head_of_a_log(registry, index):
    tx = registry.anchorLog(HEAD, {"from": accounts[index]})
    assert [(event.name, dict(event)) for event in tx.events] == [
        ("LogAnchored", {"author": accounts[index], "head": hexed(HEAD)})
    ]
    assert [bytes(topic) for topic in tx.logs[0].topics[1:]] == [
        bytes(12) + bytes.fromhex(accounts[index].address[2:]),
        HEAD,
    ]


def test_same_head_again(registry, alice):
    """A day without an entry has the head of the day before."""
    for _ in range(2):
        assert registry.anchorLog(HEAD, {"from": alice}).events["LogAnchored"]["head"] == hexed(HEAD)


def test_zero_is_no_head(registry, alice):
    with reverts(error("ZeroHash")):
        registry.anchorLog(bytes(32), {"from": alice})
