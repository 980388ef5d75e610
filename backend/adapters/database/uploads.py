"""The facts of pinned images, and the bytes stored for each client address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, case, func, select, update

from backend.adapters.database.engine import Database
from backend.adapters.database.tables import ClientRow, ImageRow
from backend.domain import ImageFacts


class SqlImages:
    """Port Images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, cid: str) -> ImageFacts | None:
        with self._database.read() as session:
            row = session.get(ImageRow, cid)
            if row is None:
                return None
            return ImageFacts(
                cid=row.cid,
                sha256=row.sha256,
                size=row.size,
                width=row.width,
                height=row.height,
                media_type=row.media_type,
                stripped=tuple(row.stripped),
            )

    def known(self, cids: Sequence[str]) -> frozenset[str]:
        with self._database.read() as session:
            return frozenset(session.scalars(select(ImageRow.cid).where(ImageRow.cid.in_(cids))))

    def reserve(self, client: str, size: int, limit: int) -> bool:
        fits = (
            update(ClientRow)
            .where(ClientRow.address == client, ClientRow.bytes_kept + size <= limit)
            .values(bytes_kept=ClientRow.bytes_kept + size)
        )
        self._introduce(client)
        with self._database.write() as session:
            # An UPDATE without RETURNING gives a CursorResult, which ``execute`` does not declare.
            return cast(CursorResult[Any], session.execute(fits)).rowcount == 1

    def release(self, client: str, size: int) -> None:
        # A recount may have removed the reservation meanwhile.
        left = case((ClientRow.bytes_kept > size, ClientRow.bytes_kept - size), else_=0)
        with self._database.write() as session:
            session.execute(update(ClientRow).where(ClientRow.address == client).values(bytes_kept=left))

    def add(self, facts: ImageFacts, pin_id: str | None, client: str) -> bool:
        return self._database.insert(
            ImageRow(
                cid=facts.cid,
                sha256=facts.sha256,
                size=facts.size,
                width=facts.width,
                height=facts.height,
                media_type=facts.media_type,
                stripped=list(facts.stripped),
                pin_id=pin_id,
                client=client,
            )
        )

    def recount(self) -> None:
        kept = (
            select(func.coalesce(func.sum(ImageRow.size), 0))
            .where(ImageRow.client == ClientRow.address)
            .scalar_subquery()
        )
        with self._database.write() as session:
            session.execute(update(ClientRow).values(bytes_kept=kept), execution_options={"synchronize_session": False})

    def _introduce(self, client: str) -> None:
        with self._database.read() as session:
            if session.get(ClientRow, client):
                return
        self._database.insert(ClientRow(address=client, bytes_kept=0))
