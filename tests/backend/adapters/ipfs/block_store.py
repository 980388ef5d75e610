"""What the tests of the block store do with it, and the files that it leaves."""

from __future__ import annotations

from pathlib import Path

from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.domain import StoredObject


def put(store: EmbeddedStore, content: bytes) -> StoredObject:
    return store.put(content, name="image", media_type="image/png")


def get(store: EmbeddedStore, cid: str) -> bytes:
    return store.get(cid, max_bytes=10**8)


def block_files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "ipfs" / "blocks").rglob("*") if path.is_file())
