"""Keys of accounts, the wraps of their private keys, and the log of keys"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "account_keys",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_account_keys_account_id")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_account_keys")),
    )
    op.create_index(op.f("ix_account_keys_account_id"), "account_keys", ["account_id"])
    op.create_table(
        "account_key_wraps",
        sa.Column("wrap_id", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("passkey_id", sa.String(length=64), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_account_key_wraps_account_id")),
        sa.ForeignKeyConstraint(["key_id"], ["account_keys.key_id"], name=op.f("fk_account_key_wraps_key_id")),
        sa.PrimaryKeyConstraint("wrap_id", name=op.f("pk_account_key_wraps")),
    )
    for column in ("key_id", "account_id"):
        op.create_index(op.f(f"ix_account_key_wraps_{column}"), "account_key_wraps", [column])
    op.create_table(
        "key_log",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("entry_hash", sa.String(length=64), nullable=False),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_key_log")),
        sa.UniqueConstraint("entry_hash", name=op.f("uq_key_log_entry_hash")),
    )
    op.create_index(op.f("ix_key_log_key_id"), "key_log", ["key_id"])


def downgrade() -> None:
    for name in ("key_log", "account_key_wraps", "account_keys"):
        op.drop_table(name)
