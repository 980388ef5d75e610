"""A checksum in each row that the chain does not hold"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from backend.adapters.database.checksums import checksum_of

revision = "0007"
down_revision = "0006"

_TABLES = (
    *("images", "clients", "classifications", "recognitions", "sealed_manifests", "statements", "attestations"),
    *("ledgers", "checkpoints"),
)
_ROWS = 200


def upgrade() -> None:
    connection = op.get_bind()
    for name in _TABLES:
        op.add_column(name, sa.Column("checksum", sa.String(length=64), nullable=False, server_default=""))
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        key = list(table.primary_key)
        is_this = sa.and_(*(column == sa.bindparam(f"key_{column.name}") for column in key))
        write = sa.update(table).where(is_this).values(checksum=sa.bindparam("written"))
        rows = connection.execute(sa.select(*(sa.type_coerce(column, sa.types.NullType()) for column in table.columns)))
        for part in rows.mappings().partitions(_ROWS):
            written = [
                {**{f"key_{column.name}": row[column.name] for column in key}, "written": checksum_of(table, dict(row))}
                for row in part
            ]
            connection.execute(write, written)


def downgrade() -> None:
    for name in reversed(_TABLES):
        with op.batch_alter_table(name) as table:
            table.drop_column("checksum")
