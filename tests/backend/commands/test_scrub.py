"""``scanproof scrub``: what it prints, and its exit status."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backend.adapters.database.engine import open_database
from backend.adapters.database.statements import SqlStatements
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.unixfs import cid_of
from backend.cids import hash_of

STATEMENT = b"a statement"
LOST = b"an object without a copy"


@pytest.fixture
def var(scanproof, ganache) -> Path:
    scanproof.environ.update(
        {
            "SCANPROOF_CHAIN": "external",
            "SCANPROOF_RPC_URL": ganache.rpc_url,
            "SCANPROOF_CHAIN_ID": str(ganache.chain_id),
            "SCANPROOF_CONTRACT_ADDRESS": ganache.contract_address,
        }
    )
    folder = Path(scanproof.environ["SCANPROOF_VAR"])
    store = EmbeddedStore(folder / "ipfs")
    for content in (STATEMENT, LOST):
        store.put(content, name="object", media_type="application/json")
    database = open_database(f"sqlite:///{folder / 'scanproof.db'}")
    SqlStatements(database).add(hash_of(STATEMENT), STATEMENT)
    database.close()
    return folder


def block_of(var: Path, content: bytes) -> Path:
    (path,) = (var / "ipfs" / "blocks").glob(f"*/{cid_of(content)}")
    return path


def test_where_nothing_is_damaged_it_says_so(scanproof, var):
    result = scanproof("scrub")
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == (
        "2 objects, 2 rows and 0 events checked: 0 damaged, 0 repaired. "
        "0 blocks that belong to nothing (0 bytes) removed.\n"
    )


def test_what_has_a_copy_is_repaired_and_what_has_none_is_named(scanproof, var):
    for content in (STATEMENT, LOST):
        block_of(var, content).write_bytes(b"rot")
    dry = scanproof("scrub", "--dry-run", "--json")
    assert (dry.status, dry.json["damaged"], dry.json["dry_run"]) == (1, 2, True)

    found = scanproof("scrub", "--json")
    assert found.status == 1
    assert {(finding["what"], finding["repair"]) for finding in found.json["findings"]} == {
        (cid_of(STATEMENT), "written again from the database"),
        (cid_of(LOST), None),
    }
    assert block_of(var, STATEMENT).read_bytes() == STATEMENT

    again = scanproof("scrub")
    lost = cid_of(LOST)
    assert again.status == 1
    assert again.stdout.startswith(f"{lost}: the block {lost} is damaged: NOT REPAIRED\n")


def test_a_gateway_that_is_named_is_asked(scanproof, var, pinata_gateway):
    url = pinata_gateway(LOST)
    block_of(var, LOST).unlink()
    result = scanproof("scrub", "--gateway", url, "--json")
    assert (result.status, [finding["repair"] for finding in result.json["findings"]]) == (
        0,
        [f"written again from {url}"],
    )
    assert block_of(var, LOST).read_bytes() == LOST


@pytest.fixture
def pinata_gateway(pinata):
    """Puts an object on a public gateway; its URL."""
    from backend.adapters.ipfs.pinata import PinataStore

    def put(content: bytes) -> str:
        PinataStore(pinata.settings()).put(content, name="object", media_type="application/json")
        return pinata.public

    return put


def test_a_changed_row_is_set_back(scanproof, var):
    with closing(sqlite3.connect(var / "scanproof.db")) as connection:
        connection.execute("UPDATE statements SET content = CAST('a stctement' AS BLOB)")
        connection.execute("UPDATE ledgers SET chain_id = chain_id + 1 - 2 * (chain_id % 2)")
        connection.commit()
    result = scanproof("scrub", "--json")
    repairs = {finding["what"].split()[0]: finding["repair"] for finding in result.json["findings"]}
    assert repairs["statements"] == "the bit that changed was set back"
    assert repairs["ledgers"].startswith("removed with the index")  # a new one was made in its place
    assert scanproof("scrub").status == 0


def test_orphans_are_counted_and_removed(scanproof, var):
    orphan = block_of(var, LOST).with_name(cid_of(b"orphan"))
    orphan.write_bytes(b"orphan")
    assert scanproof("scrub", "--json").json["orphans"] == 0
    assert scanproof("scrub", "--json", "--orphan-hours", "0", "--dry-run").json["orphans"] == 1
    assert orphan.exists()
    assert scanproof("scrub", "--json", "--orphan-hours", "0").json["orphans"] == 1
    assert not orphan.exists()


@pytest.mark.parametrize("hours", ["-1", "x", "nan"])
def test_hours_are_a_number(scanproof, hours):
    result = scanproof("scrub", "--orphan-hours", hours)
    assert result.status == 2
    assert f"expected a number of hours, 0 or more, found '{hours}'" in result.stderr
