"""Reading by CID from several gateways, none of which is believed."""

from __future__ import annotations

import pytest

from backend.adapters.ipfs.gateway import Gateway, GatewayReader
from backend.adapters.ipfs.http_client import HttpPolicy
from backend.adapters.ipfs.pinata import PinataStore
from backend.adapters.ipfs.unixfs import cid_of
from backend.errors import CidMismatch, ImageTooLarge, InvalidCid, NotFound, StorageRefused, StorageUnavailable
from tests.standins.pinata_fixture import GATEWAY_TOKEN

POLICY = HttpPolicy(connect=2, read=0.5, total=60, attempts=2)


@pytest.fixture
def reader(pinata, clock) -> GatewayReader:
    gateways = [Gateway(pinata.gateway, GATEWAY_TOKEN), Gateway(pinata.public)]
    return GatewayReader(gateways, policy=POLICY, clock=clock)


@pytest.fixture
def cid(pinata, photo) -> str:
    cid = PinataStore(pinata.settings()).put(photo, name="x", media_type="image/png").cid
    return cid


def get(reader: GatewayReader, cid: str) -> bytes:
    return reader.get(cid, max_bytes=700_000)


def test_a_public_gateway_needs_no_account(pinata, cid, photo):
    assert get(GatewayReader([Gateway(pinata.public)]), cid) == photo


def test_the_first_gateway_that_can_is_used(reader, pinata, cid, photo):
    before = len(pinata.requests("public"))
    assert get(reader, cid) == photo
    assert len(pinata.requests("public")) == before


@pytest.mark.parametrize(
    "kind",
    ["not-found", "unauthorized", "rate-limit", "server-error", "reset", "silence", "cut", "tampered", "endless"],
)
def test_the_next_gateway_helps_out(reader, pinata, cid, photo, kind):
    pinata.fault("gateway", kind, times=9)
    assert get(reader, cid) == photo


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (("not-found", "not-found"), NotFound),
        (("not-found", "server-error"), StorageUnavailable),
        (("reset", "not-found"), StorageUnavailable),
        (("no-scopes", "not-found"), StorageRefused),
        (("no-scopes", "tampered"), CidMismatch),
        (("tampered", "not-found"), CidMismatch),
        (("endless", "endless"), ImageTooLarge),
        (("endless", "reset"), StorageUnavailable),
    ],
)
def test_the_gravest_failure_is_reported(reader, pinata, cid, faults, error):
    for place, kind in zip(("gateway", "public"), faults, strict=True):
        pinata.fault(place, kind, times=9)
    with pytest.raises(error):
        get(reader, cid)


def test_every_message(reader, pinata, cid, photo):
    host = pinata.gateway.removeprefix("http://")
    messages = {
        "not-found": f"{host} has no {cid}",
        "no-scopes": f"{host} answered 403 to a request for a file",
        "server-error": f"{host} answered 500 (tries: 2)",
        "endless": f"expected at most 700000 bytes from {host}, found more",
    }
    lonely = GatewayReader([Gateway(pinata.gateway, GATEWAY_TOKEN)], policy=POLICY, clock=reader._clock)
    for kind, message in messages.items():
        pinata.fault("gateway", kind, times=2 if kind == "server-error" else 1)
        with pytest.raises((NotFound, StorageRefused, StorageUnavailable, ImageTooLarge)) as error:
            get(lonely, cid)
        assert str(error.value) == message


def test_paths_are_not_asked_for(reader, pinata):
    with pytest.raises(InvalidCid):
        get(reader, "../../v3/files")
    assert pinata.requests() == []


def test_a_public_gateway_may_redirect_within_itself(pinata, cid, photo):
    pinata.fault("public", "redirect", location=f"/ipfs/{cid}")
    assert get(GatewayReader([Gateway(pinata.public)]), cid) == photo


@pytest.mark.parametrize("port_only", [True, False])
def test_no_gateway_may_redirect_elsewhere(pinata, cid, clock, port_only):
    target = pinata.gateway if port_only else pinata.public.replace("127.0.0.1", "localhost")
    pinata.fault("public", "redirect", location=f"{target}/ipfs/{cid}")
    asked = len(pinata.requests())
    with pytest.raises(StorageRefused, match=r" answered 302 to a request for a file$"):
        get(GatewayReader([Gateway(pinata.public)], clock=clock), cid)
    assert len(pinata.requests()) == asked + 1


@pytest.mark.parametrize(
    "host",
    ["localhost:1\\.{public}", "localhost:1\\@{public}", "{public}@localhost:1", "localhost:1#.{public}", "[.{public}"],
)
def test_no_gateway_may_redirect_elsewhere_by_an_odd_address(pinata, cid, clock, host):
    public = pinata.public.removeprefix("http://")
    location = f"http://{host.format(public=public)}/ipfs/{cid}"
    pinata.fault("public", "redirect", location=location)
    with pytest.raises(StorageRefused, match=r" answered 302 to a request for a file$"):
        get(GatewayReader([Gateway(pinata.public)], clock=clock), cid)


def test_the_dedicated_gateway_may_not_redirect_at_all(pinata, cid, clock):
    pinata.fault("gateway", "redirect", location=f"/ipfs/{cid}")
    with pytest.raises(StorageRefused):
        get(GatewayReader([Gateway(pinata.gateway, GATEWAY_TOKEN)], clock=clock), cid)


def test_redirects_end(pinata, cid, clock):
    pinata.fault("public", "redirect", times=9, location=f"/ipfs/{cid}")
    with pytest.raises(StorageUnavailable, match=r" redirects more than 3 times$"):
        get(GatewayReader([Gateway(pinata.public)], clock=clock), cid)


def test_the_token_does_not_show():
    assert GATEWAY_TOKEN not in repr(Gateway("https://example.org", GATEWAY_TOKEN))


def test_an_empty_file(pinata):
    PinataStore(pinata.settings()).put(b"", name="x", media_type="text/plain")
    assert GatewayReader([Gateway(pinata.public)]).get(cid_of(b""), max_bytes=0) == b""
