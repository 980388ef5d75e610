"""Reviews, models, and events in the order of the chain; the index is read anew"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

Columns = Sequence[tuple[str, sa.types.TypeEngine[Any]]]

revision = "0002"
down_revision = "0001"

HASH = sa.String(length=66)
ADDRESS = sa.String(length=42)
CID = sa.String(length=59)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _drop("registrations", "diagnoses")
    _create(
        "registrations",
        [("image_id", HASH), ("uploader", ADDRESS), ("cid", CID), ("commitment", HASH)],
        unique=["image_id"],
        indexes=[["transaction_hash"], ["uploader"], ["cid"]],
    )
    _create(
        "diagnoses",
        [("image_id", HASH), ("diagnosis_id", HASH), *_DIAGNOSIS],
        unique=["diagnosis_id"],
        indexes=[["image_id", "model_id"], ["transaction_hash"], ["model_id"]],
    )
    _create(
        "reviews",
        [
            ("image_id", HASH),
            ("diagnosis_id", HASH),
            ("reviewer", ADDRESS),
            ("review_id", HASH),
            ("supersedes", HASH),
            ("reason_hash", HASH),
            ("verdict", sa.String(length=10)),
            ("label", sa.Integer()),
        ],
        unique=["review_id", "supersedes"],
        indexes=[["diagnosis_id"], ["image_id"], ["transaction_hash"]],
    )
    _create("model_registrations", [("model_id", HASH), ("admin", ADDRESS), ("card_cid", CID)], unique=["model_id"])
    _create("model_retirements", [("model_id", HASH), ("admin", ADDRESS)], unique=["model_id"])
    _create(
        "trainings",
        [
            ("training_id", HASH),
            ("model_id", HASH),
            ("parent_model_id", HASH),
            ("metrics_hash", HASH),
            ("participants", sa.BigInteger()),
            ("admin", ADDRESS),
        ],
        unique=["model_id"],
    )


def downgrade() -> None:
    _drop("registrations", "diagnoses", "reviews", "model_registrations", "model_retirements", "trainings")
    _create_first(
        "registrations",
        [("uploader", ADDRESS), ("cid", CID), ("commitment", HASH)],
        sa.UniqueConstraint("ledger_id", "image_id", name=op.f("uq_registrations_ledger_id_image_id")),
        indexes=[["block_number", "log_index"], ["cid"], ["uploader"]],
    )
    _create_first("diagnoses", _DIAGNOSIS, indexes=[["block_number"], ["image_id"], ["model_id", "label"]])


_DIAGNOSIS: Columns = [
    ("model_id", HASH),
    ("classifier", ADDRESS),
    ("label", sa.Integer()),
    ("confidence", sa.Integer()),
    ("manifest_hash", HASH),
    ("issued_at", sa.BigInteger()),
    ("signature", sa.String(length=132)),
]


def _drop(*tables: str) -> None:
    """Without its checkpoints, everything is read again from the contract's first block."""
    op.execute("DELETE FROM checkpoints")
    for table in tables:
        op.drop_table(table)


def _create(table: str, columns: Columns, *, unique: Sequence[str], indexes: Sequence[Sequence[str]] = ()) -> None:
    op.create_table(
        table,
        _column("block_number", sa.BigInteger()),
        _column("log_index", sa.Integer()),
        _column("ledger_id", ROW_ID),
        _column("block_hash", HASH),
        _column("block_timestamp", sa.BigInteger()),
        _column("transaction_hash", HASH),
        *(_column(*column) for column in columns),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledgers.id"], name=op.f(f"fk_{table}_ledger_id")),
        sa.PrimaryKeyConstraint("block_number", "log_index", "ledger_id", name=op.f(f"pk_{table}")),
        *(sa.UniqueConstraint(name, "ledger_id", name=op.f(f"uq_{table}_{name}_ledger_id")) for name in unique),
        sqlite_with_rowid=False,
    )
    for names in indexes:
        op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, names)


def _create_first(
    table: str,
    columns: Columns,
    *constraints: sa.Constraint,
    indexes: list[list[str]],
) -> None:
    """As revision 0001 made it."""
    place = ["ledger_id", "transaction_hash", "log_index"]
    op.create_table(
        table,
        *(_column(*column) for column in columns),
        _column("id", ROW_ID),
        _column("ledger_id", ROW_ID),
        _column("image_id", HASH),
        _column("transaction_hash", HASH),
        _column("log_index", sa.Integer()),
        _column("block_number", sa.BigInteger()),
        _column("block_hash", HASH),
        _column("block_timestamp", sa.BigInteger()),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledgers.id"], name=op.f(f"fk_{table}_ledger_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(*place, name=op.f(f"uq_{table}_{'_'.join(place)}")),
        *constraints,
    )
    for names in indexes:
        op.create_index(op.f(f"ix_{table}_ledger_id_{'_'.join(names)}"), table, ["ledger_id", *names])


def _column(name: str, type_: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)
