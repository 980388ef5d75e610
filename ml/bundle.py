"""Loads and verifies a model bundle: a folder of files whose hashes, taken together, are the model's identity.

``SHA256SUMS`` lists every other file as ``<sha256>  <name>\n``, sorted by name, so that ``sha256sum -c SHA256SUMS``
checks a bundle by hand. The bundle's SHA-256, recorded on chain as ``modelId``, is the SHA-256 of that listing:
``sha256sum SHA256SUMS`` prints it.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ml.errors import BundleFileMissing, BundleFileUnlisted, BundleHashMismatch, BundleMetadataInvalid
from ml.metadata import Metadata
from ml.ood import MahalanobisDetector

LISTING = "SHA256SUMS"
MODEL = "model.tflite"
DETECTOR = "detector.npz"
WEIGHTS = "weights.npz"
METADATA = "metadata.json"
METRICS = "metrics.json"
CARD = "card.md"
REQUIRED = (CARD, DETECTOR, METADATA, METRICS, MODEL)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle in memory. ``sha256`` is its identity in lower-case hex (the on-chain ``modelId``)."""

    sha256: str
    metadata: Metadata
    model: bytes
    detector: MahalanobisDetector
    metrics: dict[str, object]
    card: str


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle, each file once, and refuse it unless every byte is the one that was listed.

    Raises:
        BundleFileMissing: a required file, or one that the listing names, is absent.
        BundleFileUnlisted: a file is there that the listing does not name.
        BundleHashMismatch: a file differs from its hash, or the listing is not in its canonical form.
        BundleMetadataInvalid: metadata, metrics or detector are malformed.
    """
    listing_path = folder / LISTING
    if not listing_path.is_file():
        raise BundleFileMissing(listing_path)
    listing = listing_path.read_bytes()
    files = {
        path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path != listing_path
    }
    _verify(folder, listing, files)
    return Bundle(
        sha256=hashlib.sha256(listing).hexdigest(),
        metadata=Metadata.from_json(files[METADATA], folder / METADATA),
        model=files[MODEL],
        detector=_detector(files[DETECTOR], folder / DETECTOR),
        metrics=_json_object(files[METRICS], folder / METRICS),
        card=files[CARD].decode("utf-8", "replace"),
    )


def seal_bundle(folder: Path) -> str:
    """Write the listing of a finished bundle; returns the bundle's SHA-256."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != LISTING}
    listing = canonical_listing(files)
    (folder / LISTING).write_bytes(listing)
    return hashlib.sha256(listing).hexdigest()


def canonical_listing(files: dict[str, bytes]) -> bytes:
    """The listing's bytes for file names and contents: one line a file, sorted by name, LF, UTF-8."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def _verify(folder: Path, listing: bytes, files: dict[str, bytes]) -> None:
    listed = dict(
        reversed(line.split("  ", 1)) for line in listing.decode("utf-8", "replace").splitlines() if "  " in line
    )
    for name in sorted({*REQUIRED, *listed} - files.keys()):
        raise BundleFileMissing(folder / name)
    for name, content in files.items():
        if name not in listed:
            raise BundleFileUnlisted(folder / name)
        found = hashlib.sha256(content).hexdigest()
        if found != listed[name]:
            raise BundleHashMismatch(folder / name, listed[name], found)
    if listing != canonical_listing(files):
        canonical = hashlib.sha256(canonical_listing(files)).hexdigest()
        raise BundleHashMismatch(folder / LISTING, canonical, hashlib.sha256(listing).hexdigest())


def _detector(data: bytes, path: Path) -> MahalanobisDetector:
    try:
        return MahalanobisDetector.from_bytes(data)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as exc:
        raise BundleMetadataInvalid(path, f"expected the arrays means and whitening: {exc}") from exc


def _json_object(data: bytes, path: Path) -> dict[str, object]:
    try:
        value = json.loads(data)
    except ValueError as exc:
        raise BundleMetadataInvalid(path, f"expected JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise BundleMetadataInvalid(path, f"expected a JSON object, found {type(value).__name__}")
    return value
