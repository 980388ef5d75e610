from brownie import reverts

from tests.contracts.support import Diagnosis, error, image_id_of


def test_image_id_of(registry, alice, cid):
    assert registry.imageIdOf(alice, cid) == "0x" + image_id_of(alice, cid).hex()


def test_image_id_contains_the_uploader(registry, alice, bob, cid):
    assert registry.imageIdOf(alice, cid) != registry.imageIdOf(bob, cid)


def test_image_of_unknown_image(registry):
    unknown = bytes(31) + b"\x01"
    with reverts(error("ImageNotRegistered", unknown)):
        registry.imageOf(unknown)


def test_is_registered(registry, image_id):
    assert registry.isRegistered(image_id)


def test_is_not_registered(registry, bob, cid, image_id):
    assert not registry.isRegistered(image_id_of(bob, cid))


def test_hash_diagnosis_is_the_eip712_digest(registry, domain):
    diagnosis = Diagnosis(bytes(range(32)))
    assert registry.hashDiagnosis(diagnosis) == "0x" + domain.digest(diagnosis).hex()


def test_hash_diagnosis_at_the_limits_of_its_types(registry, domain):
    diagnosis = Diagnosis(32 * b"\xff", 32 * b"\xff", 2**16 - 1, 2**16 - 1, 32 * b"\xff", 2**64 - 1)
    assert registry.hashDiagnosis(diagnosis) == "0x" + domain.digest(diagnosis).hex()
