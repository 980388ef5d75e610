"""The folders of studies and of statements, when the disk refuses or a name is unsafe."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.adapters.statement_files import StatementFolder
from backend.adapters.study_folders import StudyFolders
from backend.cids import hash_of, raw_cid
from backend.errors import ConfigurationError, StorageFull, StorageUnavailable
from tests.backend.file_limit import largest_file

STUDY = "ab" * 32
NAME = "cd" * 32
DIAGNOSIS = "0x" + STUDY
CONTENT = b"sixteen bytes it"


def test_a_file_of_a_study_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    folders = StudyFolders(tmp_path)
    with largest_file(8), pytest.raises(StorageFull, match=r"^the folder for studies cannot be used: File too large$"):
        folders.write(STUDY, NAME, CONTENT)
    assert list((tmp_path / STUDY).iterdir()) == []
    folders.write(STUDY, NAME, CONTENT)
    assert folders.read(STUDY, NAME) == CONTENT


def test_a_folder_of_studies_that_is_none_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    folders = StudyFolders(file)
    with pytest.raises(StorageUnavailable, match=r"^the folder for studies cannot be used: Not a directory$") as raised:
        folders.append(STUDY, {"step": 1})
    assert not isinstance(raised.value, StorageFull)


def test_a_study_without_files_is_released_and_counts_nothing(tmp_path: Path) -> None:
    folders = StudyFolders(tmp_path)
    folders.release(STUDY)
    assert (folders.journal(STUDY), folders.read(STUDY, NAME), folders.size()) == (None, None, 0)
    assert not folders.has(STUDY)
    folders.append(STUDY, {"step": 1})
    assert folders.has(STUDY)
    folders.write(STUDY, NAME, CONTENT)
    # As a file that another process removes while the sizes are added.
    (tmp_path / STUDY / "gone").symlink_to(tmp_path / "nowhere")
    assert folders.size() == len(CONTENT)
    folders.release(STUDY)
    assert (folders.journal(STUDY), folders.size()) == ([{"step": 1}], 0)


def test_the_sum_of_sizes_follows_what_is_written_and_removed(tmp_path: Path) -> None:
    other = "ef" * 32
    folders = StudyFolders(tmp_path)
    folders.write(STUDY, NAME, CONTENT)
    assert folders.size() == len(CONTENT)
    folders.write(other, NAME, CONTENT)
    folders.write(other, STUDY, b"12345")
    folders.write(other, STUDY, b"123")
    assert folders.size() == 2 * len(CONTENT) + 3 == StudyFolders(tmp_path).size()
    with largest_file(8), pytest.raises(StorageFull):
        folders.write(other, other, CONTENT)
    assert folders.size() == 2 * len(CONTENT) + 3
    folders.remove(other)
    assert folders.size() == len(CONTENT)
    folders.append(STUDY, {"step": 1})
    folders.expire(-1)
    assert folders.size() == 0


def test_the_files_are_counted_once(tmp_path: Path) -> None:
    """Each upload asks for the sum, and a study may have thousands of files."""
    folders = StudyFolders(tmp_path)
    folders.write(STUDY, NAME, CONTENT)
    folders.size()
    (tmp_path / STUDY / NAME).unlink()
    assert folders.size() == len(CONTENT)
    folders.release(STUDY)
    assert folders.size() == 0


@pytest.mark.parametrize("name", ["..", "", STUDY.upper(), STUDY + "/", STUDY + "\n"])
def test_a_name_that_is_no_digest_leads_nowhere(tmp_path: Path, name: str) -> None:
    folders, statements = StudyFolders(tmp_path / "studies"), StatementFolder(tmp_path / "statements")
    with pytest.raises(ValueError, match=r"^expected 64 hex digits, found "):
        folders.write(name, NAME, CONTENT)
    with pytest.raises(ValueError, match=r"^expected 64 hex digits, found "):
        folders.read(STUDY, name)
    with pytest.raises(ValueError, match=r"^expected 0x and 64 hex digits, found "):
        statements.save("0x" + name, CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_a_statement_is_found_by_its_cid_alone(tmp_path: Path) -> None:
    statements = StatementFolder(tmp_path)
    file = statements.save(DIAGNOSIS, CONTENT)
    statements.save(DIAGNOSIS, b"another")
    assert statements.find(raw_cid(hash_of(CONTENT))) == CONTENT
    assert statements.find(raw_cid(hash_of(b"no statement"))) is None
    statements.remove(file)
    assert statements.find(raw_cid(hash_of(CONTENT))) is None
    assert [content for _, content in statements.of(DIAGNOSIS)] == [b"another"]


def test_a_folder_of_statements_that_is_none_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(ConfigurationError, match=f"^the folder {file} cannot be used: (Not a directory|File exists)$"):
        StatementFolder(file).save(DIAGNOSIS, CONTENT)
