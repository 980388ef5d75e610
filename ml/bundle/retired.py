"""Retired bundles: models that are no longer offered, kept so that their records still reproduce.

Each is an archive ``<modelId>.tar.xz`` of the files of the bundle. Its name must be the SHA-256 of the listing inside,
which has the hash of every file. Where the bundle has the weights of its network, the archive has ``DIFFERENCE`` and
``FOLDING`` in place of the network, see ``ml.bundle.folding``: the file that a reader gets is the unchanged one.
"""

from __future__ import annotations

import io
import json
import logging
import lzma
import re
import sys
import tarfile
import zipfile
from pathlib import Path

from ml.bundle.bundle import (
    DOCUMENTS,
    LISTING,
    WEIGHTS,
    Bundle,
    BundleDocuments,
    documents_of,
    load_bundle,
    load_files,
)
from ml.bundle.folding import Place, add, find_places, subtract
from ml.bundle.kinds import NETWORK
from ml.errors import BundleError

_log = logging.getLogger(__name__)

SUFFIX = ".tar.xz"
FOLDING, DIFFERENCE = "folding.json", "network.difference"
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
        return load_files(self._files(sha256), self._path(sha256), sha256)

    def unpack(self, sha256: str, folder: Path) -> None:
        """Write the files of a bundle to ``folder``, which exists. Raises BundleError."""
        files = self._files(sha256)
        load_files(files, self._path(sha256), sha256)
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}{SUFFIX}"

    def _files(self, sha256: str) -> dict[str, bytes]:
        """All files of a bundle by name. Their hashes are not checked."""
        files = self._read(sha256)
        if FOLDING not in files:
            return files
        try:
            places = [Place(int(offset), kernel, norm) for offset, kernel, norm in json.loads(files.pop(FOLDING))]
            files[NETWORK] = add(files.pop(DIFFERENCE), files[WEIGHTS], places)
        except (ValueError, TypeError, LookupError, EOFError, MemoryError, zipfile.BadZipFile) as exc:
            raise BundleError(f"{self._path(sha256)}: expected a network that follows from {WEIGHTS}: {exc}") from exc
        return files

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
    files = {file.name: file.read_bytes() for file in bundle.iterdir()}
    if {NETWORK, WEIGHTS} <= files.keys():
        network, weights = files.pop(NETWORK), files[WEIGHTS]
        places = find_places(network, weights)
        files |= {FOLDING: json.dumps(places).encode(), DIFFERENCE: subtract(network, weights, places)}
    with lzma.open(path, "wb", filters=_FLOAT16) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for name in sorted(files, key=lambda name: (name not in _FIRST, name)):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            archive.addfile(entry, io.BytesIO(files[name]))
    return path


def main(source: Path, folder: Path) -> None:
    """Retire the bundle in the folder ``source``, or unpack the archive ``source``, into ``folder``."""
    if source.is_dir():
        print(retire(source, folder))
    else:
        RetiredBundles(source.parent).unpack(source.name.removesuffix(SUFFIX), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
