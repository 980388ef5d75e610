"""A database whose disk cannot be written is read, and written again as soon as that works."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.adapters.database.engine import open_database
from backend.adapters.database.statements import SqlStatements
from backend.errors import ConfigurationError, DatabaseUnavailable

HASH = "0x" + "ab" * 32


@contextmanager
def no_file_grows() -> Iterator[None]:
    """As on a full disk, for this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'scanproof.db'}"
    database = open_database(url)
    SqlStatements(database).add(HASH, b"stored")
    database.close()
    return url


def test_it_is_read_and_refuses_to_write_until_there_is_room(url: str) -> None:
    with no_file_grows():
        database = open_database(url)
        statements = SqlStatements(database)
        assert statements.find(HASH) == b"stored"
        with pytest.raises(DatabaseUnavailable, match=r"(it can only be read|the database failed)"):
            statements.add("0x" + "cd" * 32, b"new")
    assert statements.add("0x" + "cd" * 32, b"new")
    assert statements.find("0x" + "cd" * 32) == b"new"
    database.check()
    database.close()


def test_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with no_file_grows(), pytest.raises(ConfigurationError, match=r"^the database .*new\.db cannot be used"):
        open_database(f"sqlite:///{tmp_path / 'new.db'}")
