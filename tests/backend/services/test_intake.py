"""Pin first, then the row; whatever is interrupted is healed by repeating it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from backend.adapters.database.uploads import SqlImages
from backend.container import Container
from backend.domain import ImageFacts
from backend.errors import ImageTooLarge, InvalidCid, LimitExceeded, NotFound, StorageUnavailable, UnsupportedImage
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.adapters.images import metadata
from tests.backend.services.conftest import CLIENT


def test_a_failed_pin_leaves_no_row_and_takes_no_bytes(
    container: Container, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = picture()

    def fail(*_args, **_options):
        raise StorageUnavailable("Pinata timed out")

    with monkeypatch.context() as patch:
        patch.setattr(type(container.store), "put", fail)
        with pytest.raises(StorageUnavailable, match=r"^Pinata timed out$"):
            container.intake.accept(content, client=CLIENT)
    cid = container.inspector.accept(content)[1].cid
    with pytest.raises(NotFound):
        container.intake.find(cid)
    assert kept(container) == 0
    assert container.intake.accept(content, client=CLIENT).created


def test_a_pin_whose_row_was_never_written_is_healed_by_repeating(
    container: Container, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = picture()

    def killed(*_args) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SqlImages, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            container.intake.accept(content, client=CLIENT)
    cid = container.inspector.accept(content)[1].cid
    assert container.store.has(cid)
    assert container.intake.accept(content, client=CLIENT).created
    assert kept(container) == len(content)


def test_a_reservation_that_a_killed_server_left_is_gone_after_its_restart(
    container: Container, settings: Settings, image: ImageFacts
) -> None:
    assert container.intake._images.reserve(CLIENT, 10_000, 10**9)
    assert kept(container) == image.size + 10_000
    start_server(settings)
    assert kept(container) == image.size


def test_another_program_beside_the_server_leaves_its_reservations(
    container: Container, settings: Settings, image: ImageFacts
) -> None:
    assert container.intake._images.reserve(CLIENT, 10_000, 10**9)
    wire(settings).close()
    assert kept(container) == image.size + 10_000


def test_a_reservation_that_was_forgotten_meanwhile_is_taken_back_without_harm(
    container: Container, image: ImageFacts
) -> None:
    images = container.intake._images
    assert images.reserve(CLIENT, 10_000, 10**9)
    container.intake.recount()
    images.release(CLIENT, 10_000)
    assert kept(container) == 0
    images.release(CLIENT, 10_000)
    assert images.reserve(CLIENT, 1, 1)


def test_blocks_that_vanished_are_stored_again_by_repeating(
    container: Container, picture: Callable[..., bytes]
) -> None:
    content = picture()
    facts = container.intake.accept(content, client=CLIENT).facts
    for block in (container.settings.var / "ipfs" / "blocks").rglob(facts.cid):
        block.unlink()
    again = container.intake.accept(content, client=CLIENT)
    assert not again.created
    assert container.intake.content(facts.cid)[1] == content
    assert kept(container) == len(content)


def test_after_a_loss_of_the_database_an_image_is_found_in_the_store(
    container: Container, settings: Settings, image: ImageFacts
) -> None:
    rebuilt = wire(replace(settings, database_url=f"sqlite:///{settings.var / 'new.db'}"))
    assert rebuilt.intake.find(image.cid) == image
    assert rebuilt.intake.available([image.cid]) == {image.cid}
    rebuilt.close()


@pytest.mark.parametrize("kind", ["cut JPEG", "16-bit colour", "a line"])
def test_an_image_that_an_earlier_release_accepted_is_still_found(
    container: Container, picture: Callable[..., bytes], kind: str
) -> None:
    content = {
        "cut JPEG": picture("JPEG")[:-40] + b"\xff\xd9",
        "16-bit colour": metadata.deep_png(),
        "a line": picture("PNG", (1, 1000)),
    }[kind]
    with pytest.raises((UnsupportedImage, ImageTooLarge)):
        container.intake.accept(content, client=CLIENT)
    stored = container.store.put(content, name="image", media_type="image/png")

    assert container.intake.find(stored.cid).sha256 == hashlib.sha256(content).hexdigest()
    assert container.intake.derive(stored.cid) == container.intake.find(stored.cid)


def test_what_is_in_the_store_but_is_no_image_is_not_found(container: Container) -> None:
    stored = container.store.put(b"{}", name="manifest.json", media_type="application/json")
    with pytest.raises(NotFound, match=f"^{stored.cid} is not an image$"):
        container.intake.find(stored.cid)


def test_what_is_no_cid_is_refused(container: Container) -> None:
    with pytest.raises(InvalidCid):
        container.intake.find("../../etc/passwd")


def test_an_image_past_the_bytes_of_its_address_is_not_pinned(
    settings: Settings, picture: Callable[..., bytes]
) -> None:
    container = wire(replace(settings, bytes_per_address=10))
    content = picture()
    with pytest.raises(LimitExceeded) as refused:
        container.intake.accept(content, client=CLIENT)
    assert refused.value.retry_after == 3600
    assert not container.store.has(container.inspector.accept(content)[1].cid)
    container.close()


def start_server(settings: Settings) -> None:
    """Load the application as gunicorn does."""
    environ = {
        **os.environ,
        "SCANPROOF_VAR": str(settings.var),
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_CHAIN_ID": str(settings.chain_id),
        "SCANPROOF_RPC_URL": settings.rpc_url,
        "SCANPROOF_CONTRACT_ADDRESS": settings.contract_address,
        "DATABASE_URL": settings.database_url,
    }
    subprocess.run([sys.executable, "-c", "import backend.wsgi"], env=environ, check=True)


def kept(container: Container) -> int:
    """The bytes that are counted for ``CLIENT``: one more than what just does not fit any more."""
    images = container.intake._images
    low, high = 0, 10**9
    while low < high:
        middle = (low + high) // 2
        if images.reserve(CLIENT, 0, middle):
            high = middle
        else:
            low = middle + 1
    return low
