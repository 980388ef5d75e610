"""`scanproof index`: the index compared with the chain, and made anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import USER
from backend.services.event_index import EventIndex
from backend.settings import Settings, load
from tests.backend.services.event_index.conftest import new_cid

from .conftest import CommandLine, InProcess

IMAGES = 3


@pytest.fixture
def own(scanproof: CommandLine) -> Iterator[Settings]:
    """A running chain with IMAGES images."""
    own = load(scanproof.environ, env_file=None)
    with embedded.running(own, classifier=USER.address) as chain:
        wallet = DevelopmentWallet(own.rpc_url, chain.deployment.address, USER)
        for _ in range(IMAGES):
            wallet.register_image(new_cid())
        yield own


def execute(settings: Settings, statement: str) -> None:
    with closing(sqlite3.connect(settings.var / "scanproof.db")) as database:
        database.execute(statement)
        database.commit()


def test_an_index_like_the_chain_has_no_differences(own: Settings, command: InProcess) -> None:
    done = command("index", "verify", "--json")
    assert (done.status, done.json["different"], done.json["differences"]) == (0, 0, [])
    assert done.json["records"] == IMAGES
    # Each role that the deployment grants is an event too.
    assert done.json["events"] > IMAGES
    text = command("index", "verify")
    assert "Differences  none" in text.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM registrations WHERE block_number = (SELECT max(block_number) FROM registrations)",
        "UPDATE registrations SET block_timestamp = 0",
        "UPDATE registrations SET uploader = '0x' || substr(uploader, 4) || 'a'",
        "UPDATE registrations SET block_number = block_number - 100",
        "DELETE FROM role_changes",
    ],
)
def test_whatever_is_wrong_in_the_index_is_found_and_made_right(
    own: Settings, command: InProcess, statement: str
) -> None:
    command("index", "verify")
    DevelopmentWallet(own.rpc_url, contract_of(own), USER).register_image(new_cid())
    command("index", "verify")
    execute(own, statement)
    done = command("index", "verify", "--json")
    assert (done.status, done.json["different"] > 0) == (1, True)
    assert done.json["differences"][0].keys() == {"block", "expected", "found"}
    assert "scanproof index rebuild" in command("index", "verify").stdout

    assert command("index", "rebuild", "--json").json["different"] == 0
    again = command("index", "verify", "--json")
    assert (again.status, again.json["records"]) == (0, IMAGES + 1)


def contract_of(settings: Settings) -> str:
    from backend.wiring import wire_chain

    return wire_chain(settings).contract


def test_a_rebuild_that_is_cut_off_says_so_and_is_continued(
    own: Settings, command: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("index", "verify")
    monkeypatch.setattr("backend.services.event_index.FIRST_BLOCKS", 1)
    read = EventIndex._read

    def cut_off(self, previous, first, last):
        if previous:
            raise KeyboardInterrupt
        return read(self, previous, first, last)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(EventIndex, "_read", cut_off)
        command("index", "rebuild")
    with closing(sqlite3.connect(own.var / "scanproof.db")) as database:
        assert len(database.execute("SELECT * FROM checkpoints").fetchall()) == 1
    done = command("index", "verify", "--json")
    assert (done.status, done.json["records"]) == (0, IMAGES)
    assert command("index", "verify", "--json").status == 0


def test_nothing_is_deleted_while_the_chain_cannot_be_reached(own: Settings, command: InProcess) -> None:
    external = {
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_CHAIN_ID": str(own.chain_id),
        "SCANPROOF_CONTRACT_ADDRESS": contract_of(own),
        "SCANPROOF_RPC_URL": own.rpc_url,
    }
    assert command("index", "verify", "--json", **external).status == 0
    done = command("index", "rebuild", "--json", **{**external, "SCANPROOF_RPC_URL": "http://127.0.0.1:9"})
    assert (done.status, done.json["error"]["type"]) == (1, "ChainUnavailable")
    with closing(sqlite3.connect(own.var / "scanproof.db")) as database:
        assert len(database.execute("SELECT * FROM registrations").fetchall()) == IMAGES
