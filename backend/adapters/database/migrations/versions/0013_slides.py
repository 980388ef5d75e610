"""What a whole-slide image says of itself"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from backend.adapters.database import checksums

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("images", sa.Column("slide", sa.JSON(none_as_null=True), nullable=True))
    checksums.write_all(op.get_bind(), "images")


def downgrade() -> None:
    op.drop_column("images", "slide")
    checksums.write_all(op.get_bind(), "images")
