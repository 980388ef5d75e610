"""One export in each of its kinds, read back by the libraries of those who receive it."""

from __future__ import annotations

import io
from collections.abc import Callable

import pydicom
import pytest

from backend.adapters.exports.writers import write
from backend.exports import Originals, RecordFacts

Read = Callable[..., pydicom.Dataset]


@pytest.fixture
def read() -> Read:
    """Makes an export and reads it, strictly."""

    def made(kind: str, facts: RecordFacts, originals: Originals | None = None) -> pydicom.Dataset:
        content = write(kind, facts, originals)
        assert (content.media_type, content.suffix) == ("application/dicom", "dcm")
        return pydicom.dcmread(io.BytesIO(content.content))

    return made
