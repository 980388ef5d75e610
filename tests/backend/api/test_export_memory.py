"""An export takes the same memory, whatever its size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from backend.adapters.database.engine import open_database
from backend.adapters.database.events import SqlEventStore
from backend.api.app import create_app
from backend.domain import BlockRef, Checkpoint, DiagnosisRecordedEvent, ImageRegisteredEvent
from backend.services import records
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.api.conftest import API

ACCOUNT = "0x" + "a" * 40
CONTRACT = "0x" + "c" * 40
PAGE = 50


@pytest.fixture
def client_with(settings: Settings, tmp_path, built_page) -> Iterator[Callable[[int], FlaskClient]]:
    """Makes a server without a chain whose index holds a number of records."""
    opened = []

    def make(count: int) -> FlaskClient:
        url = f"sqlite:///{tmp_path / f'{count}.db'}"
        with closing(open_database(url)) as database:
            store = SqlEventStore(database)
            ledger = store.ledger(settings.chain_id, CONTRACT)
            events = [event for number in range(count) for event in record(number)]
            assert store.advance(ledger, None, Checkpoint(count, hex_of(count)), events)
        container = wire(replace(settings, database_url=url, rpc_url="http://127.0.0.1:1", contract_address=CONTRACT))
        opened.append(container)
        return create_app(container, page=built_page).test_client()

    yield make
    for container in opened:
        container.close()


def hex_of(number: int) -> str:
    return f"0x{number:064x}"


def record(number: int) -> tuple[ImageRegisteredEvent, DiagnosisRecordedEvent]:
    hash_, block = hex_of(number), BlockRef(number, hex_of(number), number)
    return (
        ImageRegisteredEvent(hash_, ACCOUNT, "baf" + hash_[-56:], hash_, hash_, 0, block),
        DiagnosisRecordedEvent(hash_, hash_, hash_, ACCOUNT, 1, 1, hash_, 1, "0x" + "5" * 130, hash_, 1, block),
    )


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_ten_times_the_records_take_no_more_memory(
    client_with: Callable[[int], FlaskClient], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "EXPORT_RECORDS", PAGE)
    few, many = (measured(client_with(count), suffix) for count in (2 * PAGE, 20 * PAGE))
    assert many[0] > 9 * few[0]
    assert many[1] < 1.5 * few[1]


def measured(client: FlaskClient, suffix: str) -> tuple[int, int]:
    """Bytes of the export, and the most that were held at once while it was read."""
    client.get(f"{API}/records.{suffix}", query_string={"q": "nothing"})
    tracemalloc.start()
    try:
        response = client.get(f"{API}/records.{suffix}", buffered=False)
        size = sum(len(part) for part in response.response)
        return size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
