"""Retired bundles: models that are no longer offered, kept so that their records still reproduce.

Each is an archive ``<modelId>.tar.xz`` with the unchanged files of the bundle. Its name must be the SHA-256 of the
listing inside, which has the hash of every file.
"""

from __future__ import annotations

import logging
import lzma
import re
import sys
import tarfile
from pathlib import Path

from ml.bundle.bundle import DOCUMENTS, LISTING, Bundle, BundleDocuments, documents_of, load_bundle, load_files
from ml.errors import BundleError

_log = logging.getLogger(__name__)

SUFFIX = ".tar.xz"
MAX_BYTES = 64 * 1024 * 1024
"""Of all files of a bundle."""

MAX_FILES = 20
_FIRST = (LISTING, *DOCUMENTS)
"""At the start of an archive, so that a reader of these need not decompress the rest."""

_FLOAT16 = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 1, "pb": 1}]
"""For values of two bytes, which most of a bundle is: 5 % smaller than with the preset alone."""


class RetiredBundles:
    """The archives of one folder, which may be missing. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def identities(self) -> tuple[str, ...]:
        """The SHA-256 of every retired bundle, sorted."""
        names = (path.name.removesuffix(SUFFIX) for path in self._folder.glob(f"*{SUFFIX}"))
        return tuple(sorted(filter(self.has, names)))

    def names(self) -> dict[str, str]:
        """The SHA-256 of every retired bundle by its name; one that cannot be read is logged and left out."""
        found = {}
        for sha256 in self.identities():
            try:
                found[self.documents(sha256).metadata.name] = sha256
            except BundleError as error:
                _log.error("a retired model is refused: %s", error)
        return found

    def has(self, sha256: str) -> bool:
        return bool(re.fullmatch("[0-9a-f]{64}", sha256)) and self._path(sha256).is_file()

    def documents(self, sha256: str) -> BundleDocuments:
        """Metadata, figures and card, without the rest of the bundle. Raises BundleError."""
        return documents_of(self._read(sha256, len(_FIRST)), self._path(sha256), sha256)

    def bundle(self, sha256: str) -> Bundle:
        """The whole bundle, verified. Raises BundleError."""
        return load_files(self._read(sha256), self._path(sha256), sha256)

    def unpack(self, sha256: str, folder: Path) -> None:
        """Write the files of a bundle to ``folder``, which exists. Raises BundleError."""
        files = self._read(sha256)
        load_files(files, self._path(sha256), sha256)
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}{SUFFIX}"

    def _read(self, sha256: str, count: int | None = None) -> dict[str, bytes]:
        """The first ``count`` files by name, or all."""
        path = self._path(sha256)
        files: dict[str, bytes] = {}
        try:
            with lzma.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                room = MAX_BYTES
                for entry in archive:
                    room -= entry.size
                    content = archive.extractfile(entry) if room >= 0 and len(files) < MAX_FILES else None
                    if content is None:
                        raise BundleError(f"{path}: expected at most {MAX_FILES} files of {MAX_BYTES:,} bytes in all")
                    files[entry.name] = content.read()
                    if len(files) == count:
                        break
        except (OSError, EOFError, ValueError, lzma.LZMAError, tarfile.TarError) as exc:
            raise BundleError(f"{path}: expected the archive of a bundle: {exc}") from exc
        return files


def retire(bundle: Path, folder: Path) -> Path:
    """Write the archive of the bundle in the folder ``bundle`` to ``folder``; returns its path. Raises BundleError."""
    path = folder / f"{load_bundle(bundle).sha256}{SUFFIX}"
    files = sorted(bundle.iterdir(), key=lambda file: (file.name not in _FIRST, file.name))
    with lzma.open(path, "wb", filters=_FLOAT16) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size = file.stat().st_size
            with file.open("rb") as content:
                archive.addfile(entry, content)
    return path


if __name__ == "__main__":
    print(retire(Path(sys.argv[1]), Path(sys.argv[2])))
