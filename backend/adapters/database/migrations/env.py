"""Entry point of Alembic: runs on the connection and in the transaction of ``engine.open_database``."""

from __future__ import annotations

from alembic import context

from backend.adapters.database import event_tables

context.configure(
    connection=context.config.attributes["connection"], target_metadata=event_tables.EventColumns.metadata
)
context.run_migrations()
