"""The facts of pinned images, and the bytes stored for each client address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select

from backend.adapters.database.engine import Database
from backend.adapters.database.tables import ClientRow, ImageRow
from backend.domain import ImageFacts, SlideFacts, SlideLevel


def slide_values(slide: SlideFacts | None) -> dict[str, Any] | None:
    """As the column has it."""
    return None if slide is None else asdict(slide)


def _slide(values: Mapping[str, Any]) -> SlideFacts:
    return SlideFacts(**{**values, "levels": tuple(SlideLevel(**level) for level in values["levels"])})


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
                slide=None if row.slide is None else _slide(row.slide),
            )

    def known(self, cids: Sequence[str]) -> frozenset[str]:
        with self._database.read() as session:
            return frozenset(session.scalars(select(ImageRow.cid).where(ImageRow.cid.in_(cids))))

    def reserve(self, client: str, size: int, limit: int) -> bool:
        self._introduce(client)
        with self._database.write() as session:
            row = session.get_one(ClientRow, client, with_for_update=True)
            fits = row.bytes_kept + size <= limit
            row.bytes_kept += size * fits
            return fits

    def release(self, client: str, size: int) -> None:
        # A recount may have removed the reservation meanwhile.
        with self._database.write() as session:
            if row := session.get(ClientRow, client, with_for_update=True):
                row.bytes_kept = max(0, row.bytes_kept - size)

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
                slide=slide_values(facts.slide),
            )
        )

    def recount(self) -> None:
        kept = select(ImageRow.client, func.sum(ImageRow.size)).group_by(ImageRow.client)
        with self._database.write() as session:
            sizes = {client: int(size) for client, size in session.execute(kept)}
            for row in session.scalars(select(ClientRow).with_for_update()):
                row.bytes_kept = sizes.get(row.address, 0)

    def _introduce(self, client: str) -> None:
        with self._database.read() as session:
            if session.get(ClientRow, client):
                return
        self._database.insert(ClientRow(address=client, bytes_kept=0))
