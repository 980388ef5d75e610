"""Pinned DICOM images that DICOMweb leaves out, and an index of those that it gives"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


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


def downgrade() -> None:
    op.drop_table("skipped_dicoms")
    op.drop_index(op.f("ix_dicom_instances_cid"), "dicom_instances")
