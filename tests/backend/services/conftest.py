"""The services that the tests here look into, from the wired container."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backend.container import Container
from backend.domain import ImageFacts
from backend.ports import ObjectStore
from tests.standins.pinata_fixture import pinata, pinata_process  # noqa: F401

CLIENT = "127.0.0.1"


@pytest.fixture
def image(container: Container, picture: Callable[..., bytes]) -> ImageFacts:
    """An image that was taken in."""
    return container.intake.accept(picture(), client=CLIENT).facts


@pytest.fixture
def fetched(container: Container, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The CIDs that were asked of the store, in order."""
    cids: list[str] = []
    get = type(container.store).get

    def counted(self: ObjectStore, cid: str, *, max_bytes: int) -> bytes:
        cids.append(cid)
        return get(self, cid, max_bytes=max_bytes)

    monkeypatch.setattr(type(container.store), "get", counted)
    return cids
