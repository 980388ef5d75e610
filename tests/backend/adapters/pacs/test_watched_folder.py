"""A watched folder: files that are whole are taken once, and the sender's files stay."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from backend.adapters import private_files
from backend.adapters.pacs import watched_folder
from backend.adapters.pacs.watched_folder import WatchedFolder, memory_file
from backend.commands.pacs import take_files, without_repetition
from backend.domain import Source, SourceKind
from backend.errors import ConfigurationError, StorageUnavailable
from backend.services import received
from backend.services.received import ReceivedService
from tests.backend.adapters.dicom.multiframe import classic
from tests.backend.received import series

KEY = bytes(32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Doe^Jane"
    made.mkdir()
    return made


@pytest.fixture
def memory(folder: Path, tmp_path: Path) -> Path:
    return memory_file(folder, tmp_path / "var")


def test_a_file_is_whole_when_it_did_not_change_between_two_looks(folder: Path, memory: Path) -> None:
    watched = WatchedFolder(folder, memory, KEY)
    file = folder / "deeper" / "a.dcm"
    file.parent.mkdir()
    file.write_bytes(b"half")
    assert list(watched.whole()) == []
    file.write_bytes(b"half and more")
    assert list(watched.whole()) == []
    assert list(watched.whole()) == [file]
    watched.remember(file)
    assert list(watched.whole()) == []
    file.write_bytes(b"another one")
    assert list(watched.whole()) == []
    assert list(watched.whole()) == [file]


def test_what_is_renamed_into_the_folder_is_taken(folder: Path, memory: Path) -> None:
    watched = WatchedFolder(folder, memory, KEY)
    draft = folder / ".a.dcm.part"
    draft.write_bytes(b"whole")
    assert [list(watched.whole()) for _ in range(2)] == [[], []]
    draft.rename(folder / "a.dcm")
    assert [list(watched.whole()) for _ in range(2)] == [[], [folder / "a.dcm"]]


def test_what_was_taken_is_remembered_without_names(folder: Path, memory: Path) -> None:
    file = folder / "Doe^Jane 1.dcm"
    file.write_bytes(b"whole")
    first = WatchedFolder(folder, memory, KEY)
    assert [list(first.whole()) for _ in range(2)][1] == [file]
    first.remember(file)
    again = WatchedFolder(folder, memory, KEY)
    assert [list(again.whole()) for _ in range(2)] == [[], []]
    assert b"Doe" not in memory.read_bytes() + str(memory).encode()
    assert memory.stat().st_mode & 0o077 == 0


def test_files_that_are_gone_are_forgotten_in_time(folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_folder, "MAX_REMEMBERED", 2)
    watched = WatchedFolder(folder, memory, KEY)
    for number in range(4):
        file = folder / f"{number}.dcm"
        file.write_bytes(b"whole")
        assert [list(watched.whole()) for _ in range(2)][1] == [file]
        watched.remember(file)
        if number < 3:
            file.unlink()
    assert list(watched.whole()) == []
    assert len(memory.read_text().split()) == 1
    assert [list(WatchedFolder(folder, memory, KEY).whole()) for _ in range(2)] == [[], []]

    def fail(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(watched_folder, "MAX_REMEMBERED", 0)
    monkeypatch.setattr(private_files, "replace", fail)
    with pytest.raises(StorageUnavailable, match="cannot be written: Read-only"):
        list(watched.whole())


def test_links_are_not_followed(folder: Path, memory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.dcm").write_bytes(b"whole")
    (folder / "link.dcm").symlink_to(tmp_path / "elsewhere.dcm")
    (folder / "folder").symlink_to(tmp_path)
    watched = WatchedFolder(folder, memory, KEY)
    assert [list(watched.whole()) for _ in range(2)] == [[], []]


def test_pipes_are_not_read(folder: Path, memory: Path) -> None:
    os.mkfifo(folder / "0.dcm")
    watched = WatchedFolder(folder, memory, KEY)
    assert [list(watched.whole()) for _ in range(2)] == [[], []]


def test_a_file_that_vanishes_between_is_none(folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(*_: object, **__: object) -> list[tuple[str, list[str], list[str]]]:
        return [(str(folder), [], ["gone.dcm"])]

    monkeypatch.setattr(os, "walk", walk)
    watched = WatchedFolder(folder, memory, KEY)
    assert [list(watched.whole()) for _ in range(2)] == [[], []]


def test_a_folder_that_cannot_be_read_and_one_of_too_many_files_are_errors(
    folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageUnavailable, match="the watched folder cannot be read: No such file"):
        list(WatchedFolder(folder / "gone", memory, KEY).whole())
    monkeypatch.setattr(watched_folder, "MAX_FILES", 1)
    for name in ("a", "b"):
        (folder / name).write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="expected at most 1 files in"):
        list(WatchedFolder(folder, memory, KEY).whole())


def test_a_memory_that_cannot_be_used_is_an_error(folder: Path, memory: Path) -> None:
    memory.parent.mkdir(parents=True)
    memory.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=r"\.txt cannot be read"):
        WatchedFolder(folder, memory, KEY)
    memory.unlink()
    (folder / "a.dcm").write_bytes(b"")
    watched = WatchedFolder(folder, memory, KEY)
    (file,) = [list(watched.whole()) for _ in range(2)][1]
    memory.mkdir()
    with pytest.raises(StorageUnavailable, match=r"\.txt cannot be written: Is a directory"):
        watched.remember(file)


def test_files_are_taken_into_the_queue_and_stay(queue: ReceivedService, folder: Path, memory: Path) -> None:
    files = [folder / f"{number}.dcm" for number in range(2)]
    for file, content in zip(files, series(2), strict=True):
        file.write_bytes(content)
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)
    for _ in range(3):
        take_files(watched, queue, notices.append, remove=False)
    (found,) = queue.list()
    assert (found.files, found.source, notices) == (2, Source(SourceKind.FOLDER), [])
    assert all(file.exists() for file in files)
    queue.remove(found.series_id)
    again = WatchedFolder(folder, memory, KEY)
    for _ in range(3):
        take_files(again, queue, notices.append, remove=False)
    assert queue.list() == []


def test_files_are_removed_only_if_that_was_asked_for(queue: ReceivedService, folder: Path, memory: Path) -> None:
    (folder / "0.dcm").write_bytes(series(1)[0])
    (folder / "notes.txt").write_bytes(b"of the sender")
    watched = WatchedFolder(folder, memory, KEY)
    for _ in range(2):
        take_files(watched, queue, lambda _: None, remove=True)
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
    assert queue.list()[0].files == 1


def test_a_damaged_file_is_named_once(queue: ReceivedService, folder: Path, memory: Path) -> None:
    damaged = folder / "damaged.dcm"
    damaged.write_bytes(series(1)[0][:2000])
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)
    for _ in range(4):
        take_files(watched, queue, notices.append, remove=True)
    (line,) = notices
    assert line.startswith(f"{damaged}: expected a whole DICOM file")
    assert damaged.exists()


def test_a_file_that_cannot_be_read_and_a_full_series_keep_no_other_file_out(
    queue: ReceivedService, folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(file: Path) -> bytes:
        if file.name == "0.dcm":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return file.read_bytes()

    monkeypatch.setattr(received, "MAX_SLICES", 1)
    monkeypatch.setattr(watched_folder, "read_file", read)
    for number, content in enumerate([*series(3), *series(1, series="1.2.3")]):
        (folder / f"{number}.dcm").write_bytes(content)
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)
    for _ in range(4):
        take_files(watched, queue, without_repetition(notices.append), remove=False)
    assert [each.files for each in queue.list()] == [1, 1]
    full, *unread = notices
    assert full == f"{folder / '2.dcm'}: a series may have 1 files in the queue"
    assert set(unread) == {
        f"1 files cannot be read, and are tried again later. The first is {folder / '0.dcm'}: Permission denied"
    }


def test_a_folder_that_is_away_for_a_while_ends_nothing(queue: ReceivedService, folder: Path, memory: Path) -> None:
    away = folder.rename(folder.with_name("away"))
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)
    take_files(watched, queue, notices.append, remove=False)
    assert notices == ["the watched folder cannot be read: No such file or directory; it is tried again later"]
    away.rename(folder)
    (folder / "0.dcm").write_bytes(series(1)[0])
    for _ in range(2):
        take_files(watched, queue, notices.append, remove=False)
    assert queue.list()[0].files == 1


def test_a_file_by_the_uid_of_another_one_is_never_removed(queue: ReceivedService, folder: Path, memory: Path) -> None:
    first, other = folder / "0.dcm", folder / "1.dcm"
    first.write_bytes(series(1)[0])
    other.write_bytes(series(1, side=24)[0])
    (folder / "2.dcm").write_bytes(first.read_bytes())
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)
    for _ in range(3):
        take_files(watched, queue, notices.append, remove=True)
    assert list(folder.iterdir()) == [other]
    assert notices == [
        f"{other} has the SOP Instance UID of another file, which was taken before: it stays where it is"
    ]


def test_a_file_of_several_frames_is_taken(queue: ReceivedService, folder: Path, memory: Path) -> None:
    (folder / "0.dcm").write_bytes(classic())
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)
    for _ in range(2):
        take_files(watched, queue, notices.append, remove=False)
    assert (queue.list()[0].files, notices) == (3, [])


def test_a_file_that_changed_meanwhile_is_taken_and_not_removed_unread(
    queue: ReceivedService, folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = series(2)
    file = folder / "image.dcm"
    file.write_bytes(first)

    def read_before_the_next(path: Path) -> bytes:
        content = path.read_bytes()
        path.write_bytes(second)
        os.utime(path, ns=(1, 1))
        return content

    watched = WatchedFolder(folder, memory, KEY)
    with monkeypatch.context() as context:
        context.setattr(watched_folder, "read_file", read_before_the_next)
        for _ in range(2):
            take_files(watched, queue, pytest.fail, remove=True)
    assert file.read_bytes() == second
    for _ in range(2):
        take_files(watched, queue, pytest.fail, remove=True)
    assert (queue.list()[0].files, list(folder.iterdir())) == (2, [])


def test_a_file_that_cannot_be_removed_is_named(
    queue: ReceivedService, folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "0.dcm"
    file.write_bytes(series(1)[0])

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "unlink", refuse)
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)
    for _ in range(3):
        take_files(watched, queue, notices.append, remove=True)
    assert notices == [f"{file} was taken, and cannot be removed: Permission denied"]
    assert queue.list()[0].files == 1


def test_while_nothing_can_be_kept_files_wait(
    queue: ReceivedService, folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "0.dcm").write_bytes(series(1)[0])
    notices: list[str] = []
    watched = WatchedFolder(folder, memory, KEY)

    def fail(*_: object) -> None:
        raise StorageUnavailable("the disk is away")

    with monkeypatch.context() as context:
        context.setattr(ReceivedService, "keep", fail)
        notice = without_repetition(notices.append)
        for _ in range(4):
            take_files(watched, queue, notice, remove=True)
    assert notices == [f"{folder / '0.dcm'} is tried again later: the disk is away"]
    take_files(watched, queue, notices.append, remove=True)
    assert queue.list()[0].files == 1
