"""Copies of the published statements of reviews."""

from __future__ import annotations

from backend.adapters.database.engine import Database
from backend.adapters.database.models import StatementRow


class SqlStatements:
    """``backend.ports.Statements``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, reason_hash: str) -> bytes | None:
        with self._database.read() as session:
            row = session.get(StatementRow, reason_hash)
            return row and row.content

    def add(self, reason_hash: str, content: bytes) -> bool:
        return self._database.insert(StatementRow(reason_hash=reason_hash, content=content))
