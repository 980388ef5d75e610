"""Pin first, then the row; whatever is interrupted is healed by repeating it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from backend.adapters.database.uploads import SqlImages
from backend.container import Container
from backend.domain import ImageFacts
from backend.errors import InvalidCid, LimitExceeded, NotFound, StorageUnavailable
from backend.settings import Settings
from backend.wiring import wire
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


def test_a_reservation_that_a_killed_process_left_is_gone_after_a_restart(
    container: Container, settings: Settings, image: ImageFacts
) -> None:
    assert container.intake._images.reserve(CLIENT, 10_000, 10**9)
    assert kept(container) == image.size + 10_000
    restarted = wire(settings)
    assert kept(restarted) == image.size
    restarted.close()


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
