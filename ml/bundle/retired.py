"""Retired bundles: models that are no longer offered, kept so that their records still reproduce.

Each is a ZIP archive ``<modelId>.zip`` with the unchanged files of the bundle. Its name must be the SHA-256 of the
listing inside, which has the hash of every file.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

from ml.bundle.bundle import DOCUMENTS, LISTING, Bundle, BundleDocuments, documents_of, load_bundle, load_files
from ml.errors import BundleError

MAX_BYTES = 64 * 1024 * 1024
"""Of all files of a bundle."""

MAX_FILES = 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""ZIP's oldest time, for every file, so that the same bundle always gives the same archive."""


class RetiredBundles:
    """The archives of one folder, which may be missing. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def identities(self) -> tuple[str, ...]:
        """The SHA-256 of every retired bundle, sorted."""
        return tuple(sorted(path.stem for path in self._folder.glob("*.zip")))

    def has(self, sha256: str) -> bool:
        return bool(re.fullmatch("[0-9a-f]{64}", sha256)) and self._path(sha256).is_file()

    def documents(self, sha256: str) -> BundleDocuments:
        """Metadata, figures and card, without the rest of the bundle. Raises BundleError."""
        return documents_of(self._read(sha256, (LISTING, *DOCUMENTS)), self._path(sha256), sha256)

    def bundle(self, sha256: str) -> Bundle:
        """The whole bundle, verified. Raises BundleError."""
        return load_files(self._read(sha256), self._path(sha256), sha256)

    def unpack(self, sha256: str, folder: Path) -> None:
        """Write the files of a bundle to ``folder``, which exists. Raises BundleError."""
        self.bundle(sha256)
        for name, content in self._read(sha256).items():
            (folder / name).write_bytes(content)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.zip"

    def _read(self, sha256: str, only: tuple[str, ...] | None = None) -> dict[str, bytes]:
        path = self._path(sha256)
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
                if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_BYTES:
                    raise BundleError(f"{path}: expected at most {MAX_FILES} files of {MAX_BYTES:,} bytes in all")
                return {entry.filename: archive.read(entry) for entry in entries if not only or entry.filename in only}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as exc:
            raise BundleError(f"{path}: expected the ZIP archive of a bundle: {exc}") from exc


def retire(bundle: Path, folder: Path) -> Path:
    """Write the archive of the bundle in the folder ``bundle`` to ``folder``; returns its path. Raises BundleError."""
    path = folder / f"{load_bundle(bundle).sha256}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(bundle.iterdir()):
            archive.writestr(zipfile.ZipInfo(file.name, _EPOCH), file.read_bytes(), zipfile.ZIP_LZMA)
    return path


if __name__ == "__main__":
    print(retire(Path(sys.argv[1]), Path(sys.argv[2])))
