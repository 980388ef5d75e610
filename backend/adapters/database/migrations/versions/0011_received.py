"""DICOM files that arrive without a browser"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "received_series",
        sa.Column("series_id", sa.String(length=64), nullable=False),
        sa.Column("source_kind", sa.String(length=16), nullable=False),
        sa.Column("source_name", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("study_id", sa.String(length=64), nullable=True),
        sa.Column("cid", sa.String(length=59), nullable=True),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("series_id", name=op.f("pk_received_series")),
    )
    op.create_table(
        "dicom_instances",
        sa.Column("instance_uid", sa.String(length=64), nullable=False),
        sa.Column("series_id", sa.String(length=64), nullable=False),
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("series_uid", sa.String(length=64), nullable=False),
        sa.Column("queued", sa.Boolean(), nullable=False),
        sa.Column("study_id", sa.String(length=64), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("instance_uid", name=op.f("pk_dicom_instances")),
    )
    op.create_index(op.f("ix_dicom_instances_series_id"), "dicom_instances", ["series_id"])
    op.create_index(op.f("ix_dicom_instances_study_uid"), "dicom_instances", ["study_uid"])


def downgrade() -> None:
    op.drop_table("dicom_instances")
    op.drop_table("received_series")
