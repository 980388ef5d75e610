"""Statements of an image's kind that differ from its value"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "kind_statements",
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("recogniser", sa.String(length=141), nullable=True),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("cid", "name", "value", "source", name=op.f("pk_kind_statements")),
    )


def downgrade() -> None:
    op.drop_table("kind_statements")
