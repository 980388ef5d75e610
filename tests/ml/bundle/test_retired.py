"""Retired bundles: not offered, found by their identity, and whole."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path

import pytest

from ml.bundle.bundle import load_bundle
from ml.bundle.retired import RetiredBundles, retire
from ml.errors import BundleError, BundleNotFound
from ml.inference.registry import BUNDLES, RETIRED, Registry
from tests.ml.bundles import SHIPPED

SHIPPED_RETIRED = RetiredBundles(BUNDLES / RETIRED)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the shipped model, retired, and nothing else."""
    (tmp_path / RETIRED).mkdir()
    retire(SHIPPED, tmp_path / RETIRED)
    return tmp_path


def id_of(archive: Path) -> str:
    return archive.name.partition(".")[0]


def write(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w:xz", preset=0) as written:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            written.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize("sha256", SHIPPED_RETIRED.identities())
def test_every_file_of_a_retired_bundle_is_the_one_that_its_id_stands_for(sha256: str, tmp_path: Path) -> None:
    SHIPPED_RETIRED.unpack(sha256, tmp_path)
    listing = (tmp_path / "SHA256SUMS").read_bytes()
    assert hashlib.sha256(listing).hexdigest() == sha256
    named = dict(reversed(line.split("  ")) for line in listing.decode().splitlines())
    files = {path.name: path for path in tmp_path.iterdir() if path.name != "SHA256SUMS"}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == named
    assert load_bundle(tmp_path).sha256 == sha256


def test_a_retired_model_is_not_offered_and_answers_by_its_id(models: Path) -> None:
    registry = Registry(models)
    shipped = load_bundle(SHIPPED)
    assert (registry.names(), list(registry.bundles()), registry.identities()) == ((), [], {})
    with pytest.raises(BundleNotFound):
        registry.get("brain-mri")
    with pytest.raises(BundleNotFound):
        registry.default("brain-mri")
    assert registry.by_sha256(shipped.sha256).bundle.model == shipped.model
    assert registry.documents(shipped.sha256).card == shipped.card
    assert registry.identity("brain-mri") == shipped.sha256


def test_the_same_bundle_gives_the_same_archive(models: Path, tmp_path: Path) -> None:
    (archive,) = (models / RETIRED).iterdir()
    (tmp_path / "again").mkdir()
    assert retire(SHIPPED, tmp_path / "again").read_bytes() == archive.read_bytes()


def test_an_archive_under_another_id_is_refused(models: Path) -> None:
    (archive,) = (models / RETIRED).iterdir()
    other = "ab" * 32
    shutil.copy(archive, archive.with_name(f"{other}.tar.xz"))
    for read in (Registry(models).by_sha256, Registry(models).documents):
        with pytest.raises(BundleError, match=f"expected SHA-256 {other}, found {id_of(archive)}"):
            read(other)


@pytest.mark.parametrize("name", ["model.tflite", "metadata.json"])
def test_a_changed_file_is_refused(models: Path, tmp_path: Path, name: str) -> None:
    (archive,) = (models / RETIRED).iterdir()
    files = {path.name: path.read_bytes() for path in SHIPPED.iterdir()}
    write(archive, files | {name: files[name] + b" "})
    with pytest.raises(BundleError, match=f"{name}: expected SHA-256 "):
        Registry(models).by_sha256(id_of(archive))


def test_what_is_no_archive_beside_it_changes_nothing(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    (archive,) = (models / RETIRED).iterdir()
    archive.with_name("README.tar.xz").write_bytes(b"x")
    archive.with_name(f"{'00' * 32}.tar.xz").write_bytes(b"x")
    registry = Registry(models)
    assert registry.retired.names() == {"brain-mri": id_of(archive)}
    assert registry.identity("brain-mri") == id_of(archive)
    assert "a retired model is refused: " in caplog.text


def test_its_id_is_no_name(models: Path) -> None:
    (archive,) = (models / RETIRED).iterdir()
    registry = Registry(models)
    registry.by_sha256(id_of(archive))
    with pytest.raises(BundleNotFound):
        registry.get(id_of(archive))


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_damaged_archive_is_refused(models: Path, content: bytes) -> None:
    (archive,) = (models / RETIRED).iterdir()
    archive.write_bytes(content)
    with pytest.raises(BundleError, match="expected the archive of a bundle"):
        Registry(models).by_sha256(id_of(archive))


@pytest.mark.parametrize(
    "files",
    [{str(number): bytes(30_000_000) for number in range(3)}, {str(number): b"" for number in range(21)}],
    ids=["bytes", "files"],
)
def test_an_archive_that_holds_more_than_any_bundle_is_refused(models: Path, files: dict[str, bytes]) -> None:
    (archive,) = (models / RETIRED).iterdir()
    write(archive, files)
    with pytest.raises(BundleError, match="expected at most 20 files of 67,108,864 bytes in all"):
        Registry(models).by_sha256(id_of(archive))


@pytest.mark.parametrize("name", ["../brain-mri", "", "AB" * 32, "ab" * 32])
def test_only_an_id_finds_an_archive(models: Path, name: str) -> None:
    with pytest.raises(BundleNotFound):
        Registry(models).by_sha256(name)
