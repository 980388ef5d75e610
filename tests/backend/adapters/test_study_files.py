"""A folder or ZIP that people or systems made: what is read of it, and what is refused by its exact words."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from backend.adapters import study_files
from backend.adapters.study_files import study_sources
from backend.errors import InvalidStudy

CENTRAL_HEADER = b"PK\x01\x02"
UNPACKED_SIZE_AT = 24
"""Of a central directory header (APPNOTE.TXT, 4.3.12)."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A ZIP with three stored files."""
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for number in (10, 9, 1):
            opened.writestr(f"slice-{number}.png", f"content of {number}")
    return path


def test_a_folder_gives_its_regular_files_alone(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.png").write_bytes(b"two")
    (tmp_path / "b" / "1.png").write_bytes(b"one")
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    found = study_sources(tmp_path)
    assert [(each.name, each.read()) for each in found] == [("b/1.png", b"one"), ("b/2.png", b"two")]


def test_a_file_that_is_gone_when_it_is_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "1.png"
    file.write_bytes(b"one")
    (source,) = study_sources(tmp_path)
    file.unlink()
    with pytest.raises(InvalidStudy, match=f"^{file} cannot be read: No such file or directory$"):
        source.read()


def test_a_folder_or_zip_of_too_many_files_is_refused(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [each.name for each in study_sources(archive)] == ["slice-1.png", "slice-9.png", "slice-10.png"]
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(b"")
    monkeypatch.setattr(study_files, "MAX_FILES", 2)
    with pytest.raises(InvalidStudy, match=f"^expected a folder with at most 2 files, found more in {folder}$"):
        study_sources(folder)
    with pytest.raises(InvalidStudy, match=r"^expected a ZIP with at most 2 files, found 3$"):
        study_sources(archive)


def test_nothing_but_files_of_systems_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "Thumbs.db").write_bytes(b"")
    with pytest.raises(InvalidStudy, match=f"^expected images in {tmp_path}, found no file$"):
        study_sources(tmp_path)


def test_a_zip_above_the_limit_is_not_opened(archive: Path) -> None:
    with archive.open("r+b") as file:
        file.truncate(study_files.MAX_ZIP_BYTES + 1)
    with pytest.raises(InvalidStudy, match=r"^expected a ZIP of at most 4,294,967,296 bytes, found 4,294,967,297$"):
        study_sources(archive)


def test_a_zip_that_says_it_unpacks_to_too_much_is_refused(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    at = -1
    while (at := content.find(CENTRAL_HEADER, at + 1)) >= 0:
        struct.pack_into("<I", content, at + UNPACKED_SIZE_AT, 0xFFFFFFF0)
    archive.write_bytes(content)
    with pytest.raises(InvalidStudy, match=r"found 12,884,901,840: a ZIP bomb\?$"):
        study_sources(archive)


def test_a_name_that_is_in_the_zip_twice_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes().replace(b"slice-9.png", b"slice-1.png"))
    with pytest.raises(InvalidStudy, match=r"^expected each file of the ZIP once, found 'slice-1.png' twice$"):
        study_sources(archive)


def test_a_damaged_zip_is_refused_when_it_is_listed_or_read(archive: Path) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole.replace(b"content of 9", b"content of 8"))
    found = {each.name: each for each in study_sources(archive)}
    assert found["slice-10.png"].read() == b"content of 10"
    with pytest.raises(InvalidStudy, match=r"^'slice-9.png' in the ZIP is damaged: Bad CRC-32"):
        found["slice-9.png"].read()
    archive.write_bytes(whole[:-30])
    with pytest.raises(InvalidStudy, match=r"^expected a ZIP that can be read, found a damaged one: "):
        study_sources(archive)
