"""Copies of the manifests of pinned studies."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from backend.adapters.database.engine import Database
from backend.adapters.database.tables import StudyRow
from backend.cids import raw_cid


class SqlStudies:
    """Port Studies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, manifest_hash: str, manifest: bytes, named: tuple[str, str]) -> None:
        slices_cid, manifests_cid = named
        self._database.insert(
            StudyRow(
                manifest_hash=manifest_hash,
                cid=raw_cid(manifest_hash),
                manifest=manifest,
                slices_cid=slices_cid,
                manifests_cid=manifests_cid,
            )
        )

    def find(self, cid: str) -> bytes | None:
        with self._database.read() as session:
            row = session.scalars(select(StudyRow).filter_by(cid=cid)).one_or_none()
            return row.manifest if row else None

    def known(self, cids: Sequence[str]) -> frozenset[str]:
        with self._database.read() as session:
            return frozenset(session.scalars(select(StudyRow.cid).where(StudyRow.cid.in_(cids))))
