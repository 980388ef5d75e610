"""Loads and verifies a model bundle: a folder of files whose hashes, taken together, are the model's identity.

``SHA256SUMS`` lists every other file as ``<sha256>  <name>\n``, sorted by name, so that ``sha256sum -c SHA256SUMS``
checks a bundle by hand. The bundle's SHA-256, recorded on chain as ``modelId``, is the SHA-256 of that listing:
``sha256sum SHA256SUMS`` prints it.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ml.bundle.card import write_card
from ml.bundle.consistency import MEASURED, check_card, check_metrics, measured
from ml.bundle.detector import MahalanobisDetector
from ml.bundle.kinds import DETECTOR, KINDS, METADATA
from ml.bundle.metadata import Metadata
from ml.errors import BundleError

LISTING = "SHA256SUMS"
WEIGHTS = "weights.npz"
METRICS = "metrics.json"
CARD = "card.md"
DOCUMENTS = (CARD, METADATA, METRICS)
WRITTEN_AFTER_MEASURING = (CARD, METRICS, LISTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDocuments:
    """Metadata, metrics and card of a bundle. ``sha256`` (lower-case hex) is its identity, the on-chain ``modelId``;
    ``files`` are the names of all files that its listing has."""

    sha256: str
    metadata: Metadata
    metrics: dict[str, Any]
    card: str
    files: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """Name, version and identity, as other bundles name this one."""
        return f"{self.metadata.name} {self.metadata.version} {self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle(BundleDocuments):
    """A verified bundle in memory. ``model`` is the content of its kind's model file; ``detector`` is None for a kind
    without one."""

    model: bytes
    detector: MahalanobisDetector | None

    @classmethod
    def draft(cls, metadata: Metadata, model: bytes, detector: MahalanobisDetector | None = None) -> Self:
        """A bundle in the making, which is opened to measure it: without identity, figures and card."""
        return cls(sha256="", metadata=metadata, metrics={}, card="", model=model, detector=detector)


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle, each file once. It is refused unless every file has its listed hash and all parts agree.

    Raises:
        BundleError: a file is absent, not listed, or differs from its hash; the listing is not in its canonical form;
            metadata, metrics, model or detector are malformed, or disagree (see ``ml.bundle.consistency``).
    """
    if not (folder / LISTING).is_file():
        raise _missing(folder / LISTING)
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    bundle = load_files(files, folder)
    check_metrics(bundle.metrics, _measured_files(files), folder / METRICS)
    check_card(bundle.metadata, bundle.metrics, bundle.card, folder / CARD)
    return bundle


def read_file(folder: Path, sha256: str, name: str) -> bytes | None:
    """One file of the bundle with the identity ``sha256``, or the listing by its own name; None for a name that the
    listing does not have. Only what is returned is read and verified. Raises BundleError."""
    listing = _content(folder / LISTING)
    _check_hash(folder / LISTING, sha256, hashlib.sha256(listing).hexdigest())
    if name == LISTING:
        return listing
    expected = _listed(listing).get(name)
    if expected is None:
        return None
    content = _content(folder / name)
    _check_hash(folder / name, expected, hashlib.sha256(content).hexdigest())
    return content


def load_documents(folder: Path) -> BundleDocuments:
    """The documents of a bundle, verified by its listing; no other file is read. Raises BundleError."""
    files = {name: (folder / name).read_bytes() for name in (LISTING, *DOCUMENTS) if (folder / name).is_file()}
    return documents_of(files, folder)


def load_files(files: Mapping[str, bytes], place: Path, sha256: str | None = None) -> Bundle:
    """The bundle of ``files``, read from ``place``. Checks every hash, and that the model fits the metadata.

    That the card is the one that this version writes is not: a bundle may be older. Raises BundleError, also where the
    identity is not ``sha256``.
    """
    digests = _digests(files)
    documents = _documents(files, digests, place, sha256)
    _verify(place, files[LISTING], digests)
    kind = KINDS[documents.metadata.kind]
    for name in (kind.model, *kind.files):
        if name not in files:
            raise _missing(place / name)
    kind.check(documents.metadata, files[kind.model], place / kind.model)
    return Bundle(
        sha256=documents.sha256,
        metadata=documents.metadata,
        metrics=documents.metrics,
        card=documents.card,
        files=documents.files,
        model=files[kind.model],
        detector=_detector(files[DETECTOR], place / DETECTOR) if DETECTOR in files else None,
    )


def documents_of(files: Mapping[str, bytes], place: Path, sha256: str | None = None) -> BundleDocuments:
    """The documents of the bundle of ``files``; only listing and DOCUMENTS are needed. Raises BundleError."""
    return _documents(files, _digests({name: files[name] for name in DOCUMENTS if name in files}), place, sha256)


def _documents(
    files: Mapping[str, bytes], digests: Mapping[str, str], place: Path, sha256: str | None
) -> BundleDocuments:
    for name in (LISTING, *DOCUMENTS):
        if name not in files:
            raise _missing(place / name)
    listing = files[LISTING]
    found = hashlib.sha256(listing).hexdigest()
    if sha256 not in (None, found):
        raise _hash_mismatch(place / LISTING, sha256, found)
    listed = _listed(listing)
    for name in DOCUMENTS:
        _check_hash(place / name, listed.get(name), digests[name])
    return BundleDocuments(
        sha256=found,
        metadata=Metadata.from_json(files[METADATA], place / METADATA),
        metrics=_json_object(files[METRICS], place / METRICS),
        card=files[CARD].decode("utf-8", "replace"),
        files=frozenset(listed),
    )


def write_bundle(folder: Path, metadata: Metadata, files: Mapping[str, bytes], metrics: Mapping[str, Any]) -> Bundle:
    """Write a whole bundle to ``folder``, which exists and is empty, and load it.

    ``files`` are those that the kind requires and any further ones, by name; ``metrics`` were measured with them.
    Metadata, metrics, card and listing are written here. Raises what ``load_bundle`` raises.
    """
    contents = dict(files) | {METADATA: metadata.to_json()}
    figures = {MEASURED: measured(contents)} | dict(metrics)
    contents[METRICS] = (json.dumps(figures, indent=2, ensure_ascii=False) + "\n").encode()
    contents[CARD] = write_card(metadata, figures).encode()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    seal_bundle(folder)
    return load_bundle(folder)


def seal_bundle(folder: Path) -> str:
    """Write the listing of a finished bundle; returns the bundle's SHA-256."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != LISTING}
    listing = canonical_listing(files)
    (folder / LISTING).write_bytes(listing)
    return hashlib.sha256(listing).hexdigest()


def canonical_listing(files: dict[str, bytes]) -> bytes:
    """The listing's bytes for file names and contents: one line a file, sorted by name, LF, UTF-8."""
    return _listing(_digests(files))


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of every file but the listing, which cannot list itself."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != LISTING}


def _listing(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def _measured_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in WRITTEN_AFTER_MEASURING}


def _listed(listing: bytes) -> dict[str, str]:
    """The SHA-256 of every listed file by its name."""
    lines = listing.decode("utf-8", "replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines) if name}


def _verify(place: Path, listing: bytes, digests: Mapping[str, str]) -> None:
    listed = _listed(listing)
    for name in sorted(listed.keys() - digests.keys()):
        raise _missing(place / name)
    for name, found in digests.items():
        _check_hash(place / name, listed.get(name), found)
    if listing != (canonical := _listing(digests)):
        expected, found = (hashlib.sha256(each).hexdigest() for each in (canonical, listing))
        raise _hash_mismatch(place / LISTING, expected, found)


def _check_hash(path: Path, expected: str | None, found: str) -> None:
    if expected is None:
        raise BundleError(f"{path} is not listed in the bundle's {LISTING}")
    if found != expected:
        raise _hash_mismatch(path, expected, found)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise _missing(path)
    return path.read_bytes()


def _missing(path: Path) -> BundleError:
    return BundleError(f"the bundle lacks {path}")


def _hash_mismatch(path: Path, expected: str, found: str) -> BundleError:
    return BundleError(f"{path}: expected SHA-256 {expected}, found {found}")


def _detector(data: bytes, path: Path) -> MahalanobisDetector:
    try:
        return MahalanobisDetector.from_bytes(data)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as exc:
        raise BundleError(f"{path}: expected the arrays means and whitening: {exc}") from exc


def _json_object(data: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as exc:
        raise BundleError(f"{path}: expected JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise BundleError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value
