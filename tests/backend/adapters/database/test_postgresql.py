"""The migrations on a real PostgreSQL, forwards and back, with rows of former releases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, func, inspect, select, text

from backend.adapters.database.classifications import SqlClassifications
from backend.adapters.database.engine import MIGRATIONS, open_database
from backend.adapters.database.event_tables import EventColumns
from backend.adapters.database.kinds import SqlKinds
from backend.adapters.database.tables import KindRow
from backend.adapters.database.uploads import SqlImages
from backend.domain import ImageKind, KindSource, KindValue


@pytest.fixture
def engine(postgresql: str) -> Iterator[Engine]:
    engine = create_engine(postgresql)
    yield engine
    engine.dispose()


def migrate(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def test_the_migrations_make_what_the_models_say_and_can_be_taken_back(postgresql: str, engine: Engine) -> None:
    open_database(postgresql).close()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), EventColumns.metadata) == []
    migrate(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    database = open_database(postgresql)
    database.check()
    database.close()


def test_rows_of_the_first_release_are_read_by_this_one(postgresql: str, engine: Engine) -> None:
    migrate(engine, "0001")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO images (cid, sha256, size, width, height, media_type, stripped, pin_id, client) "
                "VALUES ('bafk', :sha256, 5000000000, 7, 8, 'image/png', '[\"EXIF\", \"GPS\"]', NULL, '127.0.0.1')"
            ),
            {"sha256": "ab" * 32},
        )
        connection.execute(
            text(
                "INSERT INTO classifications (manifest_hash, manifest_cid, manifest, cid, model_name, model_version, "
                "model_sha256, modality, label, label_code, confidence, probabilities, abstained) "
                "VALUES ('cd', 'bafm', '{}', 'bafk', 'm', '1', 'ef', 'brain-mri', "
                "'glioma', 1, 0.1, '{\"glioma\": 0.1, \"none\": 1}', true)"
            )
        )
    database = open_database(postgresql)
    image, found = SqlImages(database).find("bafk"), SqlClassifications(database).find("bafk", 1, "ef")
    database.close()
    assert (image.size, image.stripped) == (5000000000, ("EXIF", "GPS"))
    assert (found.manifest, found.abstained, found.probabilities) == (b"{}", True, {"glioma": 0.1, "none": 1})


def test_of_two_that_store_a_kind_at_once_the_later_one_holds(postgresql: str, engine: Engine) -> None:
    database = open_database(postgresql)
    kinds, stated = SqlKinds(database), KindValue("100", KindSource.UPLOADER)
    sources = dict.fromkeys(
        ("modality_source", "body_part_source", "sequence_source", "magnification_source"), KindSource.UNKNOWN.value
    )
    with ThreadPoolExecutor(1) as other:
        with database.write() as session:
            session.add(KindRow(cid="a", **sources))
            session.flush()
            later = other.submit(kinds.save, [ImageKind("a", magnification=stated)])
            wait_for_a_blocked_session(engine)
        later.result()
    assert kinds.find(["a"])["a"].magnification == stated
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(KindRow)) == 1
    database.close()


def wait_for_a_blocked_session(engine: Engine) -> None:
    blocked = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.scalar(blocked):
                return
        time.sleep(0.02)
    raise AssertionError("no session waits for the other one")
