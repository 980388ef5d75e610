"""The kinds of images, and the features by which similar ones are found"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "image_kinds",
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("modality", sa.String(length=64), nullable=True),
        sa.Column("modality_source", sa.String(length=10), nullable=False),
        sa.Column("body_part", sa.String(length=64), nullable=True),
        sa.Column("body_part_source", sa.String(length=10), nullable=False),
        sa.Column("sequence", sa.String(length=64), nullable=True),
        sa.Column("sequence_source", sa.String(length=10), nullable=False),
        sa.Column("magnification", sa.String(length=10), nullable=True),
        sa.Column("magnification_source", sa.String(length=10), nullable=False),
        sa.Column("recogniser", sa.String(length=141), nullable=True),
        sa.Column("patient", sa.String(length=64), nullable=True),
        sa.Column("study_date", sa.String(length=8), nullable=True),
        sa.Column("row_spacing", sa.Double(), nullable=True),
        sa.Column("column_spacing", sa.Double(), nullable=True),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_image_kinds")),
    )
    op.create_index(op.f("ix_image_kinds_patient"), "image_kinds", ["patient"])
    op.create_table(
        "image_features",
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("decoding", sa.Integer(), nullable=False),
        sa.Column("model_sha256", sa.String(length=64), nullable=False),
        sa.Column("features", sa.LargeBinary(), nullable=False),
        sa.Column("checksum", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["cid"], ["images.cid"], name=op.f("fk_image_features_cid")),
        sa.PrimaryKeyConstraint("cid", "decoding", "model_sha256", name=op.f("pk_image_features")),
    )
    op.create_index(op.f("ix_image_features_model_sha256"), "image_features", ["model_sha256"])


def downgrade() -> None:
    op.drop_table("image_features")
    op.drop_table("image_kinds")
