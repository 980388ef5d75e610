"""Opening a database: pragmas, migrations, and transactions whose errors are ours."""

from __future__ import annotations

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
REVISION = "0005"
"""The newest migration. Compared by hand, so that a start without migrations need not load Alembic."""
_VERSION = table("alembic_version", Column("version_num"))


class Database:
    """Sessions on one engine. ``write`` takes SQLite's write lock at once, so that no reader has to be upgraded."""

    def __init__(self, engine: Engine) -> None:
        self._readers = engine
        self._writers = engine.execution_options(write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with _translated(), Session(self._readers) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, committed at the end. IntegrityError passes: it is an answer, not a failure."""
        with _translated(), Session(self._writers) as session, session.begin():
            yield session

    def insert(self, row: object) -> bool:
        """Add one row in a transaction of its own; False where its key is taken, for instance by a faster thread."""
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


def open_database(url: str) -> Database:
    """Open the database at ``url`` and bring it to the newest revision.

    Raises ConfigurationError when it is damaged, of a newer ScanProof, or cannot be reached.
    """
    try:
        parsed = make_url(url)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise ConfigurationError(f"DATABASE_URL is not usable: {error}") from None
    if engine.dialect.name == "sqlite":
        _make_file(parsed)
        _prepare_sqlite(engine)
    try:
        with engine.execution_options(write=True).begin() as connection:
            _migrate(connection)
    except DatabaseError as error:
        engine.dispose()
        shown = parsed.database if engine.dialect.name == "sqlite" else parsed.render_as_string(hide_password=True)
        raise ConfigurationError(
            f"the database {shown} cannot be used ({error.orig}). Everything in it but upload limits, and which sealed "
            "results were made here, is a copy of the chain and the image store: move it away, and ScanProof makes a "
            "new one"
        ) from None
    except BaseException:
        engine.dispose()
        raise
    return Database(engine)


def _make_file(url: URL) -> None:
    """SQLite would make it too, but readable by everybody."""
    if url.database in (None, "", ":memory:") or "uri" in url.query:
        return
    try:
        private_files.make_file(Path(url.database))
    except OSError as error:
        raise ConfigurationError(f"the database {url.database} cannot be made: {error.strerror}") from None


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


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection, _record) -> None:
        # The driver would begin transactions by itself, and too late to be atomic with what was read before.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get("write") else "DEFERRED"
        connection.execute(text(f"BEGIN {mode}"))
