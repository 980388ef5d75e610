"""Changes of roles; the index is read anew, because earlier versions could leave gaps in it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_HASH = sa.String(length=66)
_ADDRESS = sa.String(length=42)
_EVENTS = (
    *("registrations", "diagnoses", "reviews"),
    *("model_registrations", "model_retirements", "trainings", "compromises"),
)


def upgrade() -> None:
    op.create_table(
        "role_changes",
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("account", _ADDRESS, nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("sender", _ADDRESS, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("ledger_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("block_hash", _HASH, nullable=False),
        sa.Column("block_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", _HASH, nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledgers.id"], name=op.f("fk_role_changes_ledger_id")),
        sa.PrimaryKeyConstraint("block_number", "log_index", "ledger_id", name=op.f("pk_role_changes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_role_changes_account"), "role_changes", ["account"])
    _forget()


def downgrade() -> None:
    _forget()
    op.drop_table("role_changes")


def _forget() -> None:
    for name in (*_EVENTS, "role_changes", "checkpoints"):
        op.execute(sa.delete(sa.table(name)))
