"""The services that the tests here look into, from the wired container."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backend.container import Container
from backend.domain import ImageFacts

CLIENT = "127.0.0.1"


@pytest.fixture
def image(container: Container, picture: Callable[..., bytes]) -> ImageFacts:
    """An image that was taken in."""
    return container.intake.accept(picture(), client=CLIENT).facts
