"""Sealed results of former releases are not signed: nothing here tells whether the gate was asked about them"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("DELETE FROM sealed_manifests")


def downgrade() -> None:
    """The former release reads the manifests of this one."""
