"""The number of labels of a model, and the reports of compromised classifiers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

HASH = sa.String(length=66)
ADDRESS = sa.String(length=42)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # What is there is of a former registry, which asks for no number of labels and takes no report.
    op.add_column("model_registrations", sa.Column("labels", sa.Integer(), nullable=True))
    op.create_table(
        "compromises",
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("ledger_id", ROW_ID, nullable=False),
        sa.Column("block_hash", HASH, nullable=False),
        sa.Column("block_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", HASH, nullable=False),
        sa.Column("classifier", ADDRESS, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("admin", ADDRESS, nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledgers.id"], name=op.f("fk_compromises_ledger_id")),
        sa.PrimaryKeyConstraint("block_number", "log_index", "ledger_id", name=op.f("pk_compromises")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_compromises_classifier"), "compromises", ["classifier"])


def downgrade() -> None:
    op.drop_table("compromises")
    op.drop_column("model_registrations", "labels")
