"""Opens a database: pragmas, migrations, and transactions that translate SQLAlchemy's errors."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, select, table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from backend.adapters import private_files
from backend.errors import ConfigurationError, DatabaseFull, DatabaseUnavailable, RowDamaged
from backend.settings import Secret, reveal

T = TypeVar("T")

_log = logging.getLogger(__name__)
MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = "0016"
"""The newest migration. Compared without Alembic, so that a start without migrations does not load it."""
BUSY_TIMEOUT_S = 10.0
"""How long SQLite waits for a lock of another connection."""
_CONNECT_S = 5
_RETRY_S = 0.02
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
"""Errors of a file whose content is wrong; the last one is for tables that are missing, or there already."""
_VERSION = table("alembic_version", Column("version_num"))


class Database:
    """Sessions on one engine. ``write`` takes SQLite's write lock at its start: a reader cannot always upgrade.

    ``reopen`` is given for a database that could be opened for reading only: it opens it for writing, or raises
    ConfigurationError. Each ``write`` tries that again, so that no restart is needed when the disk has room again.
    """

    def __init__(self, engine: Engine, *, reopen: Callable[[], Engine] | None = None) -> None:
        self._engine = engine
        self._reopen = reopen
        self._reopening = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Session]:
        with _translated(), Session(self._engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, committed at the end. Raises DatabaseUnavailable; IntegrityError for a duplicate key."""
        self._make_writable()
        with _translated(), Session(self._engine.execution_options(write=True)) as session, session.begin():
            yield session

    def _make_writable(self) -> None:
        with self._reopening:
            if self._reopen is None:
                return
            try:
                engine = self._reopen()
            except ConfigurationError as error:
                raise DatabaseUnavailable(f"{error}; it can only be read") from None
            self._engine.dispose()
            self._engine, self._reopen = engine, None

    def insert(self, row: object) -> bool:
        """Add one row in its own transaction; False when its key exists, for instance because of a faster thread."""
        try:
            with self.write() as session:
                session.add(row)
        except IntegrityError:
            return False
        return True

    def upsert(self, change: Callable[[Session], T]) -> T:
        """What ``change``, which adds the rows it does not find, returns in one transaction; it is run again if another
        was faster."""
        try:
            return self._in_transaction(change)
        except IntegrityError:
            return self._in_transaction(change)

    def _in_transaction(self, change: Callable[[Session], T]) -> T:
        with self.write() as session:
            return change(session)

    def check(self) -> None:
        """Raises DatabaseUnavailable."""
        self._make_writable()
        with self.read() as session:
            session.execute(select(_VERSION))

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except DatabaseError as error:
        kind = DatabaseFull if _code(error) == sqlite3.SQLITE_FULL else DatabaseUnavailable
        raise kind(f"the database failed: {error.orig}") from error
    except (json.JSONDecodeError, UnicodeError):
        raise RowDamaged("a stored row cannot be read: run `scanproof scrub`") from None
    except PoolTimeout:
        raise DatabaseUnavailable("the database is slow, and other requests wait for it already: try again") from None


def take_turns(session: Session, number: int) -> None:
    """Until its end, this transaction is the only one of that number. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(number)))


def exists(url: Secret | str) -> bool:
    """Whether there is a database to open, as far as that shows without opening it."""
    try:
        parsed = make_url(reveal(url))
    except ArgumentError:
        return False
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").is_file()


def open_database(url: Secret | str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
    """Open the database at ``url`` and migrate it to the newest revision. If the disk is full or cannot be written, a
    SQLite database of the newest revision is opened for reading.

    Raises ConfigurationError when it is damaged, was made by a newer ScanProof, cannot be reached, or stays locked for
    ``busy_timeout_s``.
    """
    try:
        return Database(_open_for_writing(url, busy_timeout_s))
    except _DiskRefuses as refusal:
        engine = _open_for_reading(url, refusal)
        _log.error("%s: it is opened for reading only", refusal)
        return Database(engine, reopen=lambda: _open_for_writing(url, busy_timeout_s))


def _open_for_writing(url: Secret | str, busy_timeout_s: float) -> Engine:
    """Raises ConfigurationError, as _DiskRefuses if the database may be readable."""
    try:
        parsed = make_url(reveal(url))
        engine = create_engine(parsed, **_limits(parsed, busy_timeout_s))
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
        kind = _DiskRefuses if _code(error) in _DISK else ConfigurationError
        raise kind(f"the database {shown} {_reason(error)}") from None
    except BaseException:
        engine.dispose()
        raise
    return engine


def _limits(url: URL, wait_s: float) -> dict[str, Any]:
    """How long to wait for a connection, of the pool and of a server."""
    if url.get_backend_name() == "postgresql":
        return {"pool_timeout": wait_s, "connect_args": {"connect_timeout": _CONNECT_S}}
    return {} if url.database in (None, "", ":memory:") else {"pool_timeout": wait_s}


def _open_for_reading(url: Secret | str, refusal: _DiskRefuses) -> Engine:
    """Raises ``refusal`` if the database cannot be read either, or is not of the newest revision."""
    parsed = make_url(reveal(url))
    file = Path(parsed.database or "")
    log = file.with_name(file.name + "-wal")
    # SQLite needs a file for the shared memory of its log, unless nobody writes and the log is empty.
    modes = [{"mode": "ro"}, {"immutable": "1"}] if not log.exists() or not log.stat().st_size else [{"mode": "ro"}]
    for mode in modes:
        readable = parsed.set(database=f"file:{quote(str(file))}", query={"uri": "true", **mode})
        engine = create_engine(readable)
        try:
            with engine.connect() as connection:
                if connection.scalar(select(_VERSION.c.version_num)) == REVISION:
                    return engine
        except DatabaseError:
            pass
        engine.dispose()
    raise refusal


class _DiskRefuses(ConfigurationError):
    pass


def _reason(error: DatabaseError) -> str:
    """Say why a database cannot be opened; to move it away is the remedy for a damaged one only."""
    code = _code(error)
    if code in _LOCKED:
        return f"is in use by another process ({error.orig}): wait until that process has ended, then try again"
    if code in _DAMAGED:
        return (
            f"cannot be used ({error.orig}). Everything in it but accounts, upload limits, and which sealed results "
            "were made here, is a copy of the chain and the image store: move it away, and ScanProof makes a new one"
        )
    return f"cannot be used ({error.orig})"


def _code(error: DatabaseError) -> int:
    """SQLite's error: the low byte of its number; the others say more about it. 0 for another database."""
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF


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
        connection.exec_driver_sql(f"BEGIN {mode}")


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
