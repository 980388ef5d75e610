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
from typing import Any

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
REQUIRED = (CARD, METADATA, METRICS)
WRITTEN_AFTER_MEASURING = (CARD, METRICS)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle in memory. ``sha256`` is its identity in lower-case hex (the on-chain ``modelId``), ``model``
    the file that its kind answers with, ``detector`` None where the kind needs none."""

    sha256: str
    metadata: Metadata
    model: bytes
    detector: MahalanobisDetector | None
    metrics: dict[str, Any]
    card: str

    @property
    def title(self) -> str:
        """Name, version and identity, as other bundles name this one."""
        return f"{self.metadata.name} {self.metadata.version} {self.sha256}"


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle, each file once, and refuse it unless every byte is the one that was listed and all parts agree.

    Raises:
        BundleError: a file is absent, not listed, or differs from its hash; the listing is not in its canonical form;
            metadata, metrics, model or detector are malformed, or disagree (see ``ml.bundle.consistency``).
    """
    listing_path = folder / LISTING
    if not listing_path.is_file():
        raise _missing(listing_path)
    listing = listing_path.read_bytes()
    files = {
        path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path != listing_path
    }
    _verify(folder, listing, files)
    metadata = Metadata.from_json(files[METADATA], folder / METADATA)
    kind = KINDS[metadata.kind]
    for name in (kind.model, *kind.files):
        if name not in files:
            raise _missing(folder / name)
    metrics = _json_object(files[METRICS], folder / METRICS)
    detector = _detector(files[DETECTOR], folder / DETECTOR) if DETECTOR in files else None
    kind.check(metadata, files[kind.model], folder / kind.model)
    check_metrics(metrics, _measured_files(files), folder / METRICS)
    card = files[CARD].decode("utf-8", "replace")
    check_card(metadata, metrics, card, folder / CARD)
    return Bundle(hashlib.sha256(listing).hexdigest(), metadata, files[kind.model], detector, metrics, card)


def write_bundle(folder: Path, metadata: Metadata, files: Mapping[str, bytes], metrics: Mapping[str, Any]) -> Bundle:
    """Write a whole bundle to ``folder``, which exists and is empty, and load it.

    ``files`` are what the kind requires and what is to lie beside it, by name; ``metrics`` were measured with them.
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
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def _measured_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in WRITTEN_AFTER_MEASURING}


def _verify(folder: Path, listing: bytes, files: dict[str, bytes]) -> None:
    lines = listing.decode("utf-8", "replace").splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines if "  " in line)}
    for name in sorted({*REQUIRED, *listed} - files.keys()):
        raise _missing(folder / name)
    for name, content in files.items():
        if name not in listed:
            raise BundleError(f"{folder / name} is not listed in the bundle's {LISTING}")
        found = hashlib.sha256(content).hexdigest()
        if found != listed[name]:
            raise _hash_mismatch(folder / name, listed[name], found)
    if listing != canonical_listing(files):
        canonical = hashlib.sha256(canonical_listing(files)).hexdigest()
        raise _hash_mismatch(folder / LISTING, canonical, hashlib.sha256(listing).hexdigest())


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
