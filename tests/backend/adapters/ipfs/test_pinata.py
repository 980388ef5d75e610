"""PinataStore against the stand-in: what is sent, what is believed, what is deleted."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import requests

from backend.adapters.ipfs.http_client import HttpPolicy
from backend.adapters.ipfs.pinata import PinataStore
from backend.adapters.ipfs.unixfs import CHUNK_BYTES, cid_of
from backend.cids import raw_cid
from backend.domain import StoredObject
from backend.errors import (
    CidMismatch,
    ConfigurationError,
    ImageTooLarge,
    InvalidCid,
    NotFound,
    StorageRefused,
    StorageUnavailable,
)
from backend.settings import Secret
from tests.standins.pinata_fixture import GATEWAY_TOKEN, JWT, SCOPELESS_JWT

POLICY = HttpPolicy(connect=2, read=2, total=60)
OTHER_CID = raw_cid("00" * 32)


@pytest.fixture
def make(pinata, clock) -> Callable[..., PinataStore]:
    def make(**changes) -> PinataStore:
        return PinataStore(pinata.settings(**changes), policy=POLICY, gateway_policy=POLICY, clock=clock)

    return make


@pytest.fixture
def store(make) -> PinataStore:
    return make()


def put(store: PinataStore, content: bytes) -> StoredObject:
    return store.put(content, name="image", media_type="image/png")


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 700_000])
def test_what_was_put_comes_back(store, photo, size):
    stored = put(store, photo[:size])
    assert (stored.cid, stored.size) == (cid_of(photo[:size]), size)
    assert store.get(stored.cid, max_bytes=size) == photo[:size]
    assert store.has(stored.cid)


def test_largest_upload(store):
    content = bytes(25 * 1024 * 1024)
    assert put(store, content).cid == cid_of(content)


def test_upload_names_network_and_type(make, pinata, photo):
    for network in ("public", "private"):
        stored = put(make(network=network), photo)
        url = f"{pinata.api}/v3/files/{network}/{stored.pin_id}"
        entry = requests.get(url, headers={"Authorization": f"Bearer {JWT}"}, timeout=5).json()["data"]
        assert (entry["network"], entry["name"], entry["mime_type"]) == (network, "image", "image/png")


def test_same_bytes_are_pinned_once(store, pinata, photo):
    assert put(store, photo) == put(store, photo)


def test_delete_goes_by_file_id(store, pinata, photo):
    stored = put(store, photo)
    store.delete(stored)
    assert not store.has(stored.cid)
    store.delete(stored)
    assert [r["url"] for r in pinata.requests("api") if r["method"] == "DELETE"] == [
        f"/v3/files/public/{stored.pin_id}"
    ] * 2


def test_delete_without_id_looks_the_file_up(store, photo):
    stored = put(store, photo)
    store.delete(StoredObject(stored.cid, stored.size))
    assert not store.has(stored.cid)


def test_file_ids_stay_one_part_of_the_path(store, pinata):
    store.delete(StoredObject(OTHER_CID, 0, pin_id="../private/x?y"))
    assert pinata.requests("api")[0]["url"] == "/v3/files/public/..%2Fprivate%2Fx%3Fy"


def test_a_wrong_cid_is_refused_and_the_file_deleted(store, pinata, photo):
    pinata.fault("upload", "wrong-cid", cid=OTHER_CID)
    with pytest.raises(CidMismatch) as error:
        put(store, photo)
    assert str(error.value) == f"expected the bytes of {cid_of(photo)}, got bytes of {OTHER_CID}"
    assert not store.has(cid_of(photo))


def test_a_wrong_cid_of_a_file_that_was_there_before_deletes_nothing(store, pinata, photo):
    put(store, photo)
    pinata.fault("upload", "wrong-cid", cid="not a CID")
    with pytest.raises(CidMismatch, match=r"got bytes of not a CID$"):
        put(store, photo)
    assert store.has(cid_of(photo))


def test_a_wrong_cid_is_reported_also_when_the_deletion_fails(store, pinata, photo, caplog):
    pinata.fault("upload", "wrong-cid", cid=OTHER_CID)
    pinata.fault("api", "no-scopes")
    with pytest.raises(CidMismatch):
        put(store, photo)
    assert "could not be deleted: Pinata refused the request: 403 NO_SCOPES_FOUND" in caplog.text


def test_a_cid_in_another_spelling_is_the_same(store, pinata, photo):
    pinata.fault("upload", "wrong-cid", cid=cid_of(photo).upper())
    assert put(store, photo).cid == cid_of(photo)


def test_a_fresh_pin_may_take_a_while_to_appear(store, pinata, clock, photo):
    pinata.fault("gateway", "not-found", times=3)
    pinata.fault("public", "not-found", times=3)
    assert put(store, photo).cid == cid_of(photo)
    assert clock.sleeps == [1, 2, 4]


def test_a_pin_that_never_appears_is_an_error(store, pinata, clock, photo):
    pinata.fault("gateway", "not-found", times=99)
    pinata.fault("public", "not-found", times=99)
    with pytest.raises(NotFound):
        put(store, photo)
    assert 30 < sum(clock.sleeps) <= 60


def test_a_tampered_read_back_fails_the_upload(store, pinata, photo):
    pinata.fault("gateway", "tampered")
    pinata.fault("public", "tampered")
    with pytest.raises(CidMismatch, match=f"^expected the bytes of {cid_of(photo)}, got bytes of "):
        put(store, photo)


def test_get_does_not_wait_for_what_is_not_there(store, clock):
    with pytest.raises(NotFound):
        store.get(OTHER_CID, max_bytes=10)
    assert clock.sleeps == []


def test_private_files_are_read_by_signed_link_from_the_dedicated_gateway_only(make, pinata, photo):
    store = make(network="private")
    assert not store.public
    stored = put(store, photo)
    assert store.get(stored.cid, max_bytes=700_000) == photo
    assert pinata.requests("public") == []
    assert all(request["url"].startswith(f"/files/{stored.cid}?") for request in pinata.requests("gateway"))


def test_a_link_to_elsewhere_is_not_followed(make, pinata):
    pinata.fault("api", "wrong-link", link=f"{pinata.public}/files/{OTHER_CID}?X-Signature=x")
    message = "^Pinata gave a link that does not lead to the file on the dedicated gateway$"
    with pytest.raises(StorageUnavailable, match=message):
        make(network="private").get(OTHER_CID, max_bytes=10)
    assert pinata.requests("public") == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("unauthorized", "Pinata refused the request: 401 INVALID_CREDENTIALS: check PINATA_JWT"),
        (
            "no-scopes",
            "Pinata refused the request: 403 NO_SCOPES_FOUND: the key needs the scopes to write and read files",
        ),
        ("bad-request", "Pinata refused the request: 400 BAD_REQUEST"),
    ],
)
def test_refusals_are_reported_and_never_tried_again(store, pinata, clock, photo, kind, message):
    pinata.fault("upload", kind, times=9)
    with pytest.raises(StorageRefused) as error:
        put(store, photo)
    assert str(error.value) == message
    assert len(pinata.requests()) == 1


@pytest.mark.parametrize("kind", ["garbage", "endless"])
def test_answers_that_are_none_are_reported(store, pinata, photo, kind):
    pinata.fault("upload", kind, times=9)
    with pytest.raises(StorageUnavailable) as error:
        put(store, photo)
    assert str(error.value) in (
        "Pinata's answer is not what its API documents",
        "expected at most 1048576 bytes from Pinata, found more",
    )


@pytest.mark.parametrize(
    "body",
    [[], {"data": []}, {"data": {"files": {}}}, {"data": {"files": [7]}}, {"data": {"files": [{"cid": OTHER_CID}]}}],
)
def test_answers_of_another_shape_are_reported(store, pinata, body):
    pinata.fault("api", "answer", body=body)
    with pytest.raises(StorageUnavailable, match=r"^Pinata's answer is not what its API documents$"):
        store.has(OTHER_CID)


def test_check_passes_and_is_cheap(store, pinata):
    store.check()
    store.check()
    assert len(pinata.requests()) == 1


def test_check_asks_again_later(store, pinata, clock):
    store.check()
    clock.now += 31
    pinata.fault("api", "server-error", times=9)
    with pytest.raises(StorageUnavailable, match=r"^Pinata answered 500 \(tries: 1\)$"):
        store.check()


@pytest.mark.parametrize("jwt", [SCOPELESS_JWT, "wrong"])
def test_check_finds_keys_that_may_do_nothing(make, jwt):
    with pytest.raises(StorageRefused):
        make(jwt=Secret(jwt)).check()


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda store: store.get("../x", max_bytes=1), InvalidCid),
        (lambda store: store.has("../x"), InvalidCid),
        (lambda store: store.delete(StoredObject("../x", 0)), InvalidCid),
    ],
)
def test_paths_are_no_cids(store, pinata, use, error):
    with pytest.raises(error):
        use(store)
    assert pinata.requests() == []


def test_more_bytes_than_asked_for_are_refused(store, photo):
    cid = put(store, photo).cid
    with pytest.raises(ImageTooLarge, match=r"^expected at most 699999 bytes from 127\.0\.0\.1:\d+, found more$"):
        store.get(cid, max_bytes=699_999)


@pytest.mark.parametrize("name", ["jwt", "gateway_token"])
def test_secrets_that_no_header_can_hold_are_refused_without_showing_them(make, name):
    with pytest.raises(ConfigurationError) as error:
        make(**{name: Secret("secret\nInjected: header")})
    assert str(error.value) == (
        f"PINATA_{name.upper()} must hold visible ASCII characters only, without spaces or line ends"
    )


def test_secrets_go_where_they_belong_and_nowhere_else(store, pinata, photo, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    pinata.fault("gateway", "not-found")
    stored = put(store, photo)
    for fault in ("unauthorized", "server-error", "garbage", "reset"):
        pinata.fault("api", fault, times=9)
        with pytest.raises((StorageRefused, StorageUnavailable)) as error:
            store.has(stored.cid)
        assert JWT not in repr(error.value) + str(error.value)
        pinata.reset()
        put(store, photo)
    for request in pinata.requests():
        assert ("authorization" in request["headers"]) == (request["place"] == "api")
        assert ("x-pinata-gateway-token" in request["headers"]) == (request["place"] == "gateway")
        assert "cookie" not in request["headers"]
    shown = caplog.text + "".join(capsys.readouterr()) + repr(store) + repr(vars(store))
    assert JWT not in shown
    assert GATEWAY_TOKEN not in shown
