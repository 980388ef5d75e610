"""The scrub of the rows on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine, create_engine, text

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.database import audit
from backend.adapters.database.tables import Base
from backend.cids import hash_of
from backend.container import Container
from backend.domain import Classification
from backend.errors import RowDamaged
from backend.services.scrub import ScrubReport
from backend.settings import Settings
from backend.wiring import wire

CLIENT = "127.0.0.1"


@pytest.fixture
def served(settings: Settings, postgresql: str) -> Iterator[Container]:
    container = wire(replace(settings, database_url=postgresql))
    yield container
    container.close()


@pytest.fixture
def engine(postgresql: str) -> Iterator[Engine]:
    engine = create_engine(postgresql)
    yield engine
    engine.dispose()


@pytest.fixture
def recorded(served: Container, picture: Callable[..., bytes], alice: DevelopmentWallet) -> Classification:
    """A classification whose image is recorded; there are an attestation and a sealed result too."""
    cid = served.intake.accept(picture(size=(700, 500)), client=CLIENT).facts.cid
    classification, _ = served.classification.classify(cid, "brain-mri")
    served.classification.seal(cid, "brain-mri")
    served.attestation.attest(cid, classification.manifest_hash, alice.address)
    alice.register_image(cid)
    served.index.sync()
    return classification


def rows_of(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}")).all()))
            for name in (*Base.metadata.tables,)
        }


def change(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0


def repairs(report: ScrubReport) -> dict[str, str | None]:
    return {finding.what.split()[0]: finding.repair for finding in report.findings}


def test_every_row_is_read_and_nothing_is_found_where_nothing_is_wrong(
    served: Container, recorded: Classification, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = served.scrub.run().rows
    monkeypatch.setattr(audit, "ROWS_AT_ONCE", 1)
    report = served.scrub.run()
    assert (report.findings, report.unchecked, report.rows) == ([], [], rows)
    assert rows >= 9


def test_a_changed_bit_is_set_back(served: Container, recorded: Classification, engine: Engine) -> None:
    good = rows_of(engine)
    change(
        engine,
        "UPDATE images SET width = width # 4",
        "UPDATE classifications SET abstained = NOT abstained",
        "UPDATE recognitions SET gate_sha256 = overlay(gate_sha256 placing chr(ascii(gate_sha256) # 1) from 1)",
        "UPDATE attestations SET issued_at = issued_at # 1024",
        "UPDATE sealed_manifests SET checksum = overlay(checksum placing chr(ascii(checksum) # 1) from 1)",
    )
    with pytest.raises(RowDamaged, match=r"run `scanproof scrub`$"):
        served.classification.classify(recorded.cid, "brain-mri")
    report = served.scrub.run()
    assert set(repairs(report).values()) == {"the bit that changed was set back"}
    assert len(report.findings) == 5
    assert rows_of(engine) == good


def test_more_damage_is_made_good_from_image_and_chain_or_named(
    served: Container, recorded: Classification, engine: Engine
) -> None:
    good = rows_of(engine)
    change(
        engine,
        "UPDATE images SET width = 1, height = 2, stripped = '[\"x\"]'",
        "UPDATE registrations SET uploader = '0x00'",
    )
    found = repairs(served.scrub.run())
    assert found == {"images": "written again from the image", "registrations": "read again from the chain"}
    assert rows_of(engine) == good
    change(
        engine,
        "UPDATE classifications SET label = 'other', probabilities = '{\"other\": 1}'",
        "UPDATE sealed_manifests SET model_sha256 = 'other'",
    )
    found = repairs(served.scrub.run())
    assert (found["classifications"][:8], found["sealed_manifests"]) == ("removed:", None)


def test_the_database_has_copies_of_manifests(served: Container, recorded: Classification) -> None:
    assert hash_of(served.scrub._rows.copy(recorded.manifest_cid)).endswith(recorded.manifest_hash)
