"""Pinned DICOM images that DICOMweb leaves out, and statements of an image's kind beside its value"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index(op.f("ix_dicom_instances_cid"), "dicom_instances", ["cid"])
    op.create_table(
        "skipped_dicoms",
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("instance_uid", sa.String(length=64), nullable=True),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_skipped_dicoms")),
    )
    op.create_index(op.f("ix_skipped_dicoms_instance_uid"), "skipped_dicoms", ["instance_uid"])
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
    op.drop_table("skipped_dicoms")
    op.drop_index(op.f("ix_dicom_instances_cid"), "dicom_instances")
