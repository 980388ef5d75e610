"""Sealed manifests, which can be attested as classifications can"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "sealed_manifests",
        sa.Column("manifest_hash", sa.String(length=64), nullable=False),
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("model_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["cid"], ["images.cid"], name=op.f("fk_sealed_manifests_cid")),
        sa.PrimaryKeyConstraint("manifest_hash", name=op.f("pk_sealed_manifests")),
    )
    with op.batch_alter_table("attestations") as attestations:
        attestations.drop_constraint(op.f("fk_attestations_manifest_hash"), type_="foreignkey")


def downgrade() -> None:
    op.execute("DELETE FROM attestations WHERE manifest_hash IN (SELECT manifest_hash FROM sealed_manifests)")
    with op.batch_alter_table("attestations") as attestations:
        attestations.create_foreign_key(
            op.f("fk_attestations_manifest_hash"), "classifications", ["manifest_hash"], ["manifest_hash"]
        )
    op.drop_table("sealed_manifests")
