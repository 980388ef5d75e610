"""The decoding of a classified image, and the modality that a gate recognised"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("classifications") as classifications:
        classifications.add_column(sa.Column("decoding", sa.Integer(), nullable=False, server_default="1"))
        classifications.drop_constraint(op.f("uq_classifications_cid_model_sha256"), type_="unique")
        classifications.create_unique_constraint(
            op.f("uq_classifications_cid_decoding_model_sha256"), ["cid", "decoding", "model_sha256"]
        )
    op.create_table(
        "recognitions",
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("decoding", sa.Integer(), nullable=False),
        sa.Column("gate_sha256", sa.String(length=64), nullable=False),
        sa.Column("modality", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["cid"], ["images.cid"], name=op.f("fk_recognitions_cid")),
        sa.PrimaryKeyConstraint("cid", "decoding", "gate_sha256", name=op.f("pk_recognitions")),
    )


def downgrade() -> None:
    op.drop_table("recognitions")
    op.execute("DELETE FROM classifications WHERE decoding > 1")
    with op.batch_alter_table("classifications") as classifications:
        classifications.drop_constraint(op.f("uq_classifications_cid_decoding_model_sha256"), type_="unique")
        classifications.create_unique_constraint(op.f("uq_classifications_cid_model_sha256"), ["cid", "model_sha256"])
        classifications.drop_column("decoding")
