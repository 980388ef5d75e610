"""A checksum in each row that the chain does not hold"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from backend.adapters.database.checksums import write_all

revision = "0007"
down_revision = "0006"

_TABLES = (
    *("images", "clients", "classifications", "recognitions", "sealed_manifests", "statements", "attestations"),
    *("ledgers", "checkpoints"),
)


def upgrade() -> None:
    for name in _TABLES:
        op.add_column(name, sa.Column("checksum", sa.String(length=64), nullable=False, server_default=""))
        write_all(op.get_bind(), name)


def downgrade() -> None:
    for name in reversed(_TABLES):
        with op.batch_alter_table(name) as table:
            table.drop_column("checksum")
