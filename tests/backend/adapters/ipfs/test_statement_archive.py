"""Statements in a hosted store: sent once, and once more only where the store lost them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.adapters.database.engine import open_database
from backend.adapters.database.statements import SqlStatements
from backend.adapters.ipfs.http_client import HttpPolicy
from backend.adapters.ipfs.pinata import PinataStore
from backend.cids import hash_of
from backend.services.reviews import StatementArchive

CONTENT = b'{"reason":"Seen again on the follow-up."}'


@pytest.fixture
def archive(pinata, clock, tmp_path: Path):
    policy = HttpPolicy(connect=2, read=2, total=60)
    store = PinataStore(pinata.settings(), policy=policy, gateway_policy=policy, clock=clock)
    database = open_database(f"sqlite:///{tmp_path / 'scanproof.db'}")
    yield StatementArchive(SqlStatements(database), store)
    database.close()


def uploads(pinata) -> list[dict]:
    return [request for request in pinata.requests() if request["method"] == "POST"]


def test_a_statement_that_the_store_has_is_not_sent_again(archive: StatementArchive, pinata) -> None:
    assert archive.add(CONTENT)
    assert not archive.add(CONTENT)
    assert len(uploads(pinata)) == 1


def test_a_statement_that_the_store_lost_is_sent_again(archive: StatementArchive, pinata) -> None:
    archive.add(CONTENT)
    pinata.reset()
    assert not archive.add(CONTENT)
    assert len(uploads(pinata)) == 1
    assert archive.find(hash_of(CONTENT)) == CONTENT
