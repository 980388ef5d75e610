"""The scrub: each changed bit is found, what has another copy is repaired, the rest is named."""

from __future__ import annotations

import os
import random
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.database.engine import open_database
from backend.adapters.database.statements import SqlStatements
from backend.api.app import create_app
from backend.cids import hash_of, raw_cid
from backend.container import Container
from backend.errors import NotFound, ObjectLost, RowDamaged
from backend.services.scrub import ScrubThread
from backend.settings import Secret, Settings
from backend.wiring import wire

API = "/api/v1"
CLIENT = "127.0.0.1"
STATEMENT = b'{"schema":"scanproof.review/1"}'


@pytest.fixture
def recorded(container: Container, picture: Callable[..., bytes], alice: DevelopmentWallet) -> str:
    """The CID of an image whose record, classification, attestation, sealed result and statement are stored."""
    cid = container.intake.accept(picture(size=(700, 500)), client=CLIENT).facts.cid
    classification, _ = container.classification.classify(cid, "brain-mri")
    container.classification.classify(cid, None)
    container.classification.seal(cid, "brain-mri")
    container.attestation.attest(cid, classification.manifest_hash, alice.address)
    alice.register_image(cid)
    container.index.sync()
    database = open_database(container.settings.database_url)
    SqlStatements(database).add(hash_of(STATEMENT), STATEMENT)
    database.close()
    container.store.put(STATEMENT, name="statement", media_type="application/json")
    return cid


def database_of(settings: Settings) -> Path:
    return settings.var / "scanproof.db"


def blocks_of(settings: Settings) -> list[Path]:
    return sorted(path for path in (settings.var / "ipfs" / "blocks").glob("*/*"))


def dump(file: Path) -> dict[str, list]:
    with closing(sqlite3.connect(file)) as connection:
        connection.text_factory = bytes
        tables = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in tables}


def values_of(file: Path) -> Iterator[tuple[str, str, str, object]]:
    """Table, key column's condition, column and value of each stored value that is not null."""
    with closing(sqlite3.connect(file)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if name == "alembic_version":
                continue
            cursor = connection.execute(f"SELECT * FROM {name}")
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                where = " AND ".join(f"{column} IS ?" for column in columns)
                for column, value in zip(columns, row, strict=True):
                    if value is not None:
                        yield name, where, column, row


def flipped(value: object, bit: int) -> object:
    if isinstance(value, int):
        return value ^ 1 << bit % 31
    if isinstance(value, float):
        (number,) = struct.unpack(">q", struct.pack(">d", value))
        return struct.unpack(">d", struct.pack(">q", number ^ 1 << bit % 50))[0]
    octets = bytearray(value if isinstance(value, bytes) else str(value).encode())
    octets[bit // 8 % len(octets)] ^= 1 << bit % 8
    return bytes(octets)


def test_nothing_is_found_where_nothing_is_wrong(container: Container, recorded: str) -> None:
    report = container.scrub.run()
    assert (report.findings, report.unchecked, report.orphans) == ([], [], 0)
    assert report.objects >= 3
    assert report.rows >= 9
    assert report.events >= 1


def test_a_changed_bit_of_any_stored_value_is_found_and_set_back(container: Container, recorded: str) -> None:
    file = database_of(container.settings)
    good = dump(file)
    choice = random.Random(14)
    tried = 0
    for table, where, column, row in list(values_of(file)):
        with closing(sqlite3.connect(file)) as connection:
            columns = [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
            old = row[columns.index(column)]
            if isinstance(old, bytes) and len(old) > 20_000:
                continue  # found as well, and removed: see below
            new = flipped(old, choice.randrange(10_000))
            kind = "TEXT" if isinstance(old, str) else "NUMERIC" if isinstance(old, int | float) else "BLOB"
            change = f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE {where}"
            try:
                connection.execute(change, (new, *row))
                connection.commit()
            except sqlite3.IntegrityError:
                continue  # the flip would make a second row with this key
        if dump(file) == good:
            continue
        tried += 1
        report = container.scrub.run()
        assert report.findings, (table, column, old, new)
        if dump(file) != good:
            container.index.sync()
        assert dump(file) == good, (table, column, [f.repair for f in report.findings])
    assert tried > 60


def test_flipped_bits_of_the_file_are_found_or_change_no_row(
    container: Container, recorded: str, tmp_path: Path
) -> None:
    """As a disk does it: anywhere in the file."""
    file = database_of(container.settings)
    container.close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    good, rows = file.read_bytes(), dump(file)
    choice = random.Random(60)
    changed = 0
    for _ in range(2000):  # most hit a page that holds no row
        if changed == 5:
            break
        place = choice.randrange(100 * 8, len(good) * 8)
        bad = bytearray(good)
        bad[place // 8] ^= 1 << place % 8
        file.write_bytes(bad)
        for leftover in ("-wal", "-shm"):
            file.with_name(file.name + leftover).unlink(missing_ok=True)
        try:
            if dump(file) == rows:
                continue
        except sqlite3.DatabaseError:
            pass
        changed += 1
        try:
            wired = wire(container.settings)
            try:
                report = wired.scrub.run(dry_run=True)
            finally:
                wired.close()
        except Exception as error:
            assert "database" in str(error) or "stored row" in str(error)
            continue
        assert report.findings or report.unchecked, place
    assert changed == 5
    file.write_bytes(good)


def test_a_damaged_row_is_refused_when_it_is_read(container: Container, recorded: str) -> None:
    with closing(sqlite3.connect(database_of(container.settings))) as connection:
        connection.execute("UPDATE images SET width = width + 1")
        connection.commit()
    with pytest.raises(RowDamaged, match=f"^the stored row images {recorded} is damaged: run `scanproof scrub`$"):
        container.intake.find(recorded)
    container.scrub.run()
    assert container.intake.find(recorded).width == 700


def test_an_image_row_with_more_damage_is_written_again_from_the_image(container: Container, recorded: str) -> None:
    file = database_of(container.settings)
    good = dump(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE images SET width = 9, height = 7, sha256 = 'aa', stripped = 'x'")
        connection.commit()
    assert [finding.repair for finding in container.scrub.run().findings] == ["written again from the image"]
    assert dump(file) == good


def test_what_cannot_be_corrected_is_made_again_or_named(container: Container, recorded: str) -> None:
    with closing(sqlite3.connect(database_of(container.settings))) as connection:
        connection.execute("UPDATE recognitions SET modality = 'xx'")
        connection.execute("UPDATE image_kinds SET modality = 'CT', sequence = 't1'")
        connection.execute("UPDATE image_features SET features = x'00ff00ff'")
        connection.execute("UPDATE sealed_manifests SET model_sha256 = 'yy'")
        connection.execute("UPDATE attestations SET label = 77, confidence = 1")
        connection.commit()
    repairs = {finding.what.split()[0]: finding.repair for finding in container.scrub.run().findings}
    for table in ("recognitions", "image_kinds", "image_features"):
        assert repairs[table].startswith("removed: ")
    assert repairs["attestations"].startswith("removed: ")
    assert repairs["sealed_manifests"] is None
    (damage,) = container.scrub.damage()
    assert damage.startswith("sealed_manifests ")
    assert damage.endswith(": the row is not what was written")


def test_events_are_read_again_from_the_chain(container: Container, recorded: str) -> None:
    file = database_of(container.settings)
    good = dump(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM registrations WHERE cid = ?", (recorded,))
        connection.execute("UPDATE model_registrations SET block_number = block_number + 100000")
        connection.commit()
    dry = container.scrub.run(dry_run=True)
    assert len(dry.damage) == len(dry.findings) >= 2
    report = container.scrub.run()
    assert report.damage == []
    assert "read again from the chain" in {finding.repair for finding in report.findings}
    assert dump(file) == good


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_object_is_written_again_from_the_database(container: Container, recorded: str, harm: str) -> None:
    path = next(path for path in blocks_of(container.settings) if path.name == raw_cid(hash_of(STATEMENT)))
    damage(path, harm)
    dry = container.scrub.run(dry_run=True)
    assert [finding.what for finding in dry.damage] == [path.name]
    report = container.scrub.run()
    assert [finding.repair for finding in report.findings] == ["written again from the database"]
    assert path.read_bytes() == STATEMENT


def damage(path: Path, harm: str) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    if harm == "remove":
        path.unlink()
    else:
        path.write_bytes(content if harm == "flip" else content[:-1])


def test_an_image_without_a_copy_is_named_and_readiness_says_so(
    container: Container, recorded: str, built_page
) -> None:
    client: FlaskClient = create_app(container, page=built_page).test_client()
    assert client.get(f"{API}/ready").json["status"] == "ready"
    path = next(path for path in blocks_of(container.settings) if path.name == recorded)
    good = path.read_bytes()
    damage(path, "flip")
    report = container.scrub.run()
    assert [(finding.what, finding.repair) for finding in report.findings] == [(recorded, None)]
    ready = client.get(f"{API}/ready")
    assert (ready.status_code, ready.json["status"]) == (200, "degraded")
    assert ready.json["damage"] == [f"{recorded}: the block {recorded} is damaged"]
    path.write_bytes(good)
    container.scrub.run()
    assert client.get(f"{API}/ready").json["status"] == "ready"


def test_an_image_that_is_uploaded_again_heals(container: Container, recorded: str, picture) -> None:
    content = picture(size=(700, 500))
    cid = container.intake.accept(content, client=CLIENT).facts.cid
    damage(next(path for path in blocks_of(container.settings) if path.name == cid), "remove")
    assert container.scrub.run().damage
    container.intake.accept(content, client=CLIENT)
    assert container.scrub.run().findings == []


def test_a_missing_block_is_502_a_missing_image_410_and_an_unknown_one_404(
    container: Container, recorded: str, built_page
) -> None:
    client: FlaskClient = create_app(container, page=built_page).test_client()
    block = next(path for path in blocks_of(container.settings) if path.name == recorded)
    block.unlink()
    broken = client.get(f"{API}/images/{recorded}/content")
    assert (broken.status_code, broken.json["type"]) == (502, "urn:scanproof:problem:object-damaged")
    assert broken.json["detail"] == f"{recorded} is damaged: the block {recorded} is not in the store"
    (container.settings.var / "ipfs" / "pins" / recorded).unlink()
    lost = client.get(f"{API}/images/{recorded}/content")
    assert (lost.status_code, lost.json["type"]) == (410, "urn:scanproof:problem:object-lost")
    assert recorded in lost.json["detail"]
    unknown = raw_cid("ab" * 32)
    assert client.get(f"{API}/images/{unknown}/content").status_code == 404
    with pytest.raises(ObjectLost):
        container.intake.content(recorded)
    with pytest.raises(NotFound):
        container.intake.content(unknown)


def test_a_lost_pin_and_a_damaged_list_are_written_again(container: Container, recorded: str, photo: bytes) -> None:
    pins = container.settings.var / "ipfs" / "pins"
    large = container.store.put(photo, name="large", media_type="image/png").cid
    (pins / recorded).unlink()
    (pins / large).write_bytes(b"")
    report = container.scrub.run()
    assert [(finding.what, finding.repair) for finding in report.findings] == [(recorded, "pinned again")]
    assert container.store.get(recorded, max_bytes=10**8)
    assert container.store.get(large, max_bytes=10**8) == photo


@pytest.fixture
def photo() -> bytes:
    return random.Random(3).randbytes(700_000)


def test_blocks_that_belong_to_nothing_are_collected_when_they_are_old(
    container: Container, recorded: str, photo: bytes
) -> None:
    kept = container.store.put(photo, name="kept", media_type="image/png")
    (container.settings.var / "ipfs" / "pins" / kept.cid).write_bytes(b"")
    before = blocks_of(container.settings)
    folder = before[0].parent
    old, young = folder / raw_cid("cd" * 32), folder / raw_cid("ce" * 32)
    leftover = folder / "draft.tmp"
    for path in (old, young, leftover):
        path.write_bytes(b"12345")
    for path in (old, leftover, *before):
        os.utime(path, (time.time() - 90_000,) * 2)
    dry = container.scrub.run(dry_run=True)
    assert (dry.orphans, dry.orphan_bytes) == (2, 10)
    assert old.exists()
    report = container.scrub.run()
    assert (report.orphans, report.orphan_bytes) == (2, 10)
    assert set(blocks_of(container.settings)) == {*before, young}


def test_the_thread_scrubs_in_the_background(container: Container, recorded: str) -> None:
    path = next(path for path in blocks_of(container.settings) if path.name == recorded)
    damage(path, "remove")
    thread = ScrubThread(container.scrub, interval_s=0.05, events_every_s=0, fetch_every_s=0)
    thread.start()
    deadline = time.monotonic() + 30
    while not container.scrub.damage() and time.monotonic() < deadline:
        time.sleep(0.05)
    thread.stop()
    assert container.scrub.damage() == [f"{recorded}: the block {recorded} is missing"]


def test_without_a_node_the_rest_is_checked(settings: Settings, container: Container, recorded: str) -> None:
    damage(next(path for path in blocks_of(settings) if path.name == recorded), "remove")
    alone = wire(replace(settings, rpc_url=Secret("http://127.0.0.1:1")))
    report = alone.scrub.run()
    alone.close()
    assert [finding.what for finding in report.damage] == [recorded]
    assert len(report.unchecked) == 1
    assert report.unchecked[0].startswith("the events: ")
