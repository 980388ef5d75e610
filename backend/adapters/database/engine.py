"""Opens a database: pragmas, migrations, and transactions that translate SQLAlchemy's errors."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, select, table, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from backend.adapters import private_files
from backend.errors import ConfigurationError, DatabaseUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = "0006"
"""The newest migration. Compared without Alembic, so that a start without migrations does not load it."""
BUSY_TIMEOUT_S = 10.0
"""How long SQLite waits for a lock of another connection."""
_RETRY_S = 0.02
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
"""Errors of a file whose content is wrong; the last one is for tables that are missing, or there already."""
_VERSION = table("alembic_version", Column("version_num"))


class Database:
    """Sessions on one engine. ``write`` takes SQLite's write lock at its start: a reader cannot always upgrade."""

    def __init__(self, engine: Engine) -> None:
        self._readers = engine
        self._writers = engine.execution_options(write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with _translated(), Session(self._readers) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, committed at the end. Raises DatabaseUnavailable; IntegrityError for a duplicate key."""
        with _translated(), Session(self._writers) as session, session.begin():
            yield session

    def insert(self, row: object) -> bool:
        """Add one row in its own transaction; False when its key exists, for instance because of a faster thread."""
        try:
            with self.write() as session:
                session.add(row)
        except IntegrityError:
            return False
        return True

    def check(self) -> None:
        """Raises DatabaseUnavailable."""
        with self.read() as session:
            session.execute(select(_VERSION))

    def close(self) -> None:
        self._readers.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except DatabaseError as error:
        raise DatabaseUnavailable(f"the database failed: {error.orig}") from error


def open_database(url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
    """Open the database at ``url`` and migrate it to the newest revision.

    Raises ConfigurationError when it is damaged, was made by a newer ScanProof, cannot be reached, or stays locked for
    ``busy_timeout_s``.
    """
    try:
        parsed = make_url(url)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise ConfigurationError(f"DATABASE_URL is not usable: {error}") from None
    if engine.dialect.name == "sqlite":
        _make_file(parsed)
        _prepare_sqlite(engine, busy_timeout_s)
    try:
        with engine.execution_options(write=True).begin() as connection:
            _migrate(connection)
    except DatabaseError as error:
        engine.dispose()
        shown = parsed.database if engine.dialect.name == "sqlite" else parsed.render_as_string(hide_password=True)
        raise ConfigurationError(f"the database {shown} {_reason(error)}") from None
    except BaseException:
        engine.dispose()
        raise
    return Database(engine)


def _reason(error: DatabaseError) -> str:
    """Say why a database cannot be opened; to move it away is the remedy for a damaged one only."""
    # The low byte is the error, the others say more about it.
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in _LOCKED:
        return f"is in use by another process ({error.orig}): wait until that process has ended, then try again"
    if code in _DAMAGED:
        return (
            f"cannot be used ({error.orig}). Everything in it but upload limits, and which sealed results were made "
            "here, is a copy of the chain and the image store: move it away, and ScanProof makes a new one"
        )
    return f"cannot be used ({error.orig})"


def _make_file(url: URL) -> None:
    """SQLite would create the file too, but readable by all users."""
    if url.database is None or url.database in ("", ":memory:") or "uri" in url.query:
        return
    try:
        private_files.make_file(Path(url.database))
    except OSError as error:
        raise ConfigurationError(f"the database {url.database} cannot be created: {error.strerror}") from None


def _migrate(connection: Connection) -> None:
    known = inspect(connection).has_table(_VERSION.name)
    found = connection.scalar(select(_VERSION.c.version_num)) if known else None
    if found == REVISION:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        if found is not None:
            ScriptDirectory.from_config(config).get_revision(found)
    except CommandError:
        raise ConfigurationError(
            f"the database is of another version of ScanProof (revision {found}, this one knows up to {REVISION}): "
            "take that version, or set DATABASE_URL to another database"
        ) from None
    command.upgrade(config, "head")


def _prepare_sqlite(engine: Engine, busy_timeout_s: float) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin a transaction at its first write: too late to be atomic with the reads before it.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={round(1000 * busy_timeout_s)}")
        _write_ahead(connection, time.monotonic() + busy_timeout_s)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get("write") else "DEFERRED"
        connection.execute(text(f"BEGIN {mode}"))


def _write_ahead(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to WAL. SQLite does not wait for another connection's write lock here, whatever ``busy_timeout`` says."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _LOCKED or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_S)
