"""The manifests of pinned studies"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("manifest_hash", sa.String(length=66), nullable=False),
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("slices_cid", sa.String(length=59), nullable=False),
        sa.Column("manifests_cid", sa.String(length=59), nullable=False),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("manifest_hash", name=op.f("pk_studies")),
        sa.UniqueConstraint("cid", name=op.f("uq_studies_cid")),
    )


def downgrade() -> None:
    op.drop_table("studies")
