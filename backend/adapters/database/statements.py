"""Copies of the published statements of reviews."""

from __future__ import annotations

from backend.adapters.database.engine import Database
from backend.adapters.database.tables import StatementRow


class SqlStatements:
    """Port Statements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, reason_hash: str) -> bytes | None:
        with self._database.read() as session:
            row = session.get(StatementRow, reason_hash)
            return row.content if row else None

    def add(self, reason_hash: str, content: bytes) -> bool:
        return self._database.insert(StatementRow(reason_hash=reason_hash, content=content))
