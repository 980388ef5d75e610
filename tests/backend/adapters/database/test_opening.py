"""A database is made, brought up to date, or refused with a reason."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from backend.adapters.database.classifications import SqlClassifications
from backend.adapters.database.engine import MIGRATIONS, REVISION, open_database
from backend.adapters.database.event_tables import EventColumns
from backend.adapters.database.uploads import SqlImages
from backend.errors import ConfigurationError, DatabaseUnavailable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "scanproof.db"


def test_the_migrations_make_what_the_models_say(file: Path) -> None:
    open_database(f"sqlite:///{file}").close()
    with create_engine(f"sqlite:///{file}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), EventColumns.metadata) == []


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_the_migrations_can_be_taken_back(file: Path) -> None:
    open_database(f"sqlite:///{file}").close()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(f"sqlite:///{file}").begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    tables = sqlite3.connect(file).execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert tables == [("alembic_version",)]
    open_database(f"sqlite:///{file}").check()


def test_classifications_of_a_former_version_keep_their_place(file: Path) -> None:
    open_database(f"sqlite:///{file}").close()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(f"sqlite:///{file}").begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
    with sqlite3.connect(file) as connection:
        image = ("bafk", "ab" * 32, 1, 1, 1, "image/png", "[]", None, "127.0.0.1")
        connection.execute(f"INSERT INTO images VALUES ({', '.join('?' * len(image))})", image)
        connection.execute(
            "INSERT INTO classifications (manifest_hash, manifest_cid, manifest, cid, model_name, model_version, "
            "model_sha256, modality, label, label_code, confidence, probabilities, abstained) "
            "VALUES ('cd', 'bafm', x'7b7d', 'bafk', 'm', '1', 'ef', 'brain-mri', 'glioma', 1, 0.9, '{}', 0)"
        )
    database = open_database(f"sqlite:///{file}")
    found = SqlClassifications(database).find("bafk", 1, "ef")
    database.close()
    assert found is not None
    assert (found.label, found.decoding, found.manifest) == ("glioma", 1, b"{}")


def test_sealed_results_of_a_former_version_are_not_signed(file: Path) -> None:
    """Nothing tells whether the gate was asked about them."""
    open_database(f"sqlite:///{file}").close()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(f"sqlite:///{file}").begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
    with sqlite3.connect(file) as connection:
        image = ("bafk", "ab" * 32, 1, 1, 1, "image/png", "[]", None, "127.0.0.1")
        connection.execute(f"INSERT INTO images VALUES ({', '.join('?' * len(image))})", image)
        connection.execute("INSERT INTO sealed_manifests VALUES ('cd', 'bafk', 'ef')")
    database = open_database(f"sqlite:///{file}")
    assert SqlClassifications(database).sealed("cd") is None
    database.close()


def test_a_database_that_is_up_to_date_opens_without_alembic(file: Path) -> None:
    open_database(f"sqlite:///{file}").close()
    program = (
        "import sys; from backend.adapters.database.engine import open_database; "
        f"open_database('sqlite:///{file}').check(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_several_openers_of_a_new_database_agree(file: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(lambda _: open_database(f"sqlite:///{file}"), range(4)))
    for database in databases:
        database.check()
        database.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]


def test_an_opener_waits_until_another_connection_has_written(file: Path) -> None:
    """As when two processes make the database: SQLite refuses to switch to WAL under a write lock, without waiting."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            opening = pool.submit(open_database, f"sqlite:///{file}")
            with pytest.raises(TimeoutError):
                opening.result(timeout=0.3)
            writer.execute("COMMIT")
            database = opening.result(timeout=60)
    database.check()
    database.close()


def test_who_waits_too_long_for_a_connection_should_try_again(file: Path) -> None:
    database = open_database(f"sqlite:///{file}", busy_timeout_s=0.2)
    message = r"^the database is slow, and other requests wait for it already: try again$"
    with ExitStack() as readers:
        for _ in range(15):
            readers.enter_context(database.read()).execute(text("SELECT 1"))
        with pytest.raises(DatabaseUnavailable, match=message), database.read() as session:
            session.execute(text("SELECT 1"))
    database.check()
    database.close()


@pytest.mark.parametrize("lock", ["DEFERRED", "IMMEDIATE", "EXCLUSIVE"])
def test_a_database_that_stays_locked_is_in_use_and_not_damaged(file: Path, lock: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        other.execute("SELECT * FROM sqlite_master").fetchall()
        with pytest.raises(ConfigurationError) as refused:
            open_database(f"sqlite:///{file}", busy_timeout_s=0.1)
    assert str(refused.value) == (
        f"the database {file} is in use by another process (database is locked): "
        "wait until that process has ended, then try again"
    )


def test_a_database_that_cannot_be_written_is_not_called_damaged(file: Path) -> None:
    url = f"sqlite:///file:{file}?mode=ro&uri=true"
    sqlite3.connect(file).close()
    with pytest.raises(ConfigurationError) as refused:
        open_database(url)
    assert str(refused.value).endswith(" cannot be used (attempt to write a readonly database)")


def test_a_database_of_another_version_is_refused(file: Path) -> None:
    open_database(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        ConfigurationError,
        match=re.escape(
            f"the database is of another version of ScanProof (revision 9999, this one knows up to {REVISION}): "
            "take that version, or set DATABASE_URL to another database"
        ),
    ):
        open_database(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"this is not a database, but it is long enough to look like one" * 100, "file is not a database"),
        (b"SQLite format 3\0" + b"\xff" * 4096, "file is not a database"),
    ],
)
def test_a_damaged_file_is_refused_with_the_remedy(file: Path, content: bytes, reason: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        open_database(f"sqlite:///{file}")
    assert str(refused.value) == (
        f"the database {file} cannot be used ({reason}). Everything in it but accounts, upload limits, and which "
        "sealed results were made here, is a copy of the chain and the image store: move it away, and ScanProof makes "
        "a new one"
    )


def test_a_file_that_is_damaged_later_fails_as_a_database_that_cannot_be_used(file: Path) -> None:
    database = open_database(f"sqlite:///{file}")
    database.close()
    pages = bytearray(file.read_bytes())
    pages[4096:] = b"\xff" * (len(pages) - 4096)
    file.write_bytes(pages)
    with pytest.raises(DatabaseUnavailable, match=r"^the database failed: database disk image is malformed$"):
        SqlImages(database).find("bafk")


def test_a_new_database_and_its_folders_are_this_users_alone(tmp_path: Path) -> None:
    file = tmp_path / "var" / "deep" / "scanproof.db"
    database = open_database(f"sqlite:///{file}")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (file, *file.parent.glob("*-wal"))}
    assert modes == {"scanproof.db": 0o600, "scanproof.db-wal": 0o600}
    assert [folder.stat().st_mode & 0o777 for folder in (file.parent, file.parent.parent)] == [0o700, 0o700]
    database.close()


def test_a_database_in_memory_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_database("sqlite:///:memory:").close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["", "nonsense", "oracle+nothing://h/d", "mysql+absent://u:hidden@h/d", "mysql://u:hidden@h:x/d"]
)
def test_an_address_that_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL is not usable: ") as refused:
        open_database(url)
    assert "hidden" not in str(refused.value)


def test_sqlite_is_set_up_for_several_threads_and_true_references(file: Path) -> None:
    database = open_database(f"sqlite:///{file}")
    with database.read() as session:
        pragmas = {
            name: session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10000}


def test_postgresql_would_take_the_same_tables() -> None:
    for table in EventColumns.metadata.sorted_tables:
        statements: list[ExecutableDDLElement] = [CreateTable(table), *map(CreateIndex, table.indexes)]
        for statement in statements:
            assert str(statement.compile(dialect=postgresql.dialect()))
