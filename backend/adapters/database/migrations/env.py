"""Alembic's entry: runs on the connection and in the transaction that ``engine.open_database`` gives it."""

from __future__ import annotations

from alembic import context

from backend.adapters.database.event_tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
