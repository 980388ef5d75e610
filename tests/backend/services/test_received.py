"""The queue of files that arrive without a browser: clean, limited, and in agreement with the disk."""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from sqlalchemy.exc import IntegrityError

from backend.adapters import private_files
from backend.adapters.database.engine import Database
from backend.adapters.dicom import cleaner as cleaner_module
from backend.adapters.dicom.cleaner import SenderCleaner
from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.frames import split
from backend.adapters.images.inspector import PillowInspector
from backend.adapters.received_folder import ReceivedFolder
from backend.domain import CleanDicom, ReceivedSeries, Source, SourceKind
from backend.errors import (
    DatabaseUnavailable,
    ImageTooLarge,
    NotFound,
    OtherContent,
    QueueFull,
    ServerBusy,
    StorageFull,
    UnsupportedImage,
)
from backend.services import received as queue_module
from backend.services.received import DAY_S, ReceivedService, ReceivedThread
from backend.settings import Settings, load
from backend.wiring import wire_received
from tests.backend.adapters.dicom.multiframe import enhanced
from tests.backend.received import IDENTIFIERS, SERIES, STUDY, series
from tests.dicoms import dicom

ORTHANC = Source(SourceKind.STORE, "ORTHANC")
NOW = 1_700_000_000
UIDS = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES}


@pytest.fixture
def queue(settings: Settings, cleaner: SenderCleaner) -> Iterator[ReceivedService]:
    with wire_received(settings) as queue:
        yield replace(queue, cleaner=cleaner, clock=lambda: NOW)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"SCANPROOF_VAR": str(tmp_path)}, env_file=None)


def take(queue: ReceivedService, files: list[bytes], source: Source = ORTHANC) -> ReceivedSeries:
    for content in files:
        queue.receive(content, source)
    return queue.list()[0]


def files_of(settings: Settings) -> list[Path]:
    return sorted((settings.var / "received").rglob("*.dcm"))


def test_a_series_is_grouped_and_says_who_sent_it(queue: ReceivedService) -> None:
    found = take(queue, series(3))
    assert (found.files, found.modality, found.source) == (3, "MR", ORTHANC)
    assert (found.first_at, found.last_at) == (NOW, NOW)
    assert (found.study_id, found.cid) == (None, None)
    assert found.study.startswith("2.25.")
    assert found.size == sum(len(queue.content(found.series_id, each)) for each in queue.rows.files(found.series_id))
    assert queue.removed_at(found) == NOW + 7 * DAY_S
    later = replace(queue, clock=lambda: NOW + 60)
    later.receive(series(4)[3], Source(SourceKind.WEB))
    first = later.find(found.series_id)
    assert (first.files, first.first_at, first.last_at, first.source) == (4, NOW, NOW + 60, ORTHANC)
    take(replace(queue, clock=lambda: NOW + 90), series(1, series=f"{SERIES}.9"))
    newest, oldest = queue.list()
    assert (newest.files, oldest) == (1, first)
    assert newest.study == first.study


def test_no_identifier_is_written_anywhere(settings: Settings) -> None:
    with wire_received(settings) as queue:
        take(queue, series(2))
    kept = b"".join(str(file).encode() + file.read_bytes() for file in settings.var.rglob("*") if file.is_file())
    assert b"SQLite" in kept
    assert [each for each in (*IDENTIFIERS, SERIES.encode()) if each in kept] == []
    folder = settings.var / "received"
    assert {file.stat().st_mode & 0o077 for file in [folder, *folder.rglob("*")]} == {0}
    assert (settings.var / "keys" / "deidentification.key").stat().st_mode & 0o777 == 0o600


def test_duplicates_are_one(queue: ReceivedService, settings: Settings) -> None:
    take(queue, series(1) * 2)
    before = files_of(settings)
    assert len(before) == 1
    with pytest.raises(OtherContent, match="expected the same content as the DICOM object of this SOP Instance UID"):
        take(queue, series(1, SeriesDescription="T1 AXIAL"))
    assert queue.list()[0].files == 1
    assert files_of(settings) == before


def test_those_who_send_the_same_files_at_once_leave_one_of_each(queue: ReceivedService, settings: Settings) -> None:
    clean = [queue.clean(content) for content in series(2)]
    other = queue.clean(series(1, SeriesDescription="T1 AXIAL")[0])
    threads = [threading.Thread(target=keep, args=(queue, each)) for each in [*clean, other] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (found,) = queue.list()
    assert found.files == 2
    assert all(queue.content(found.series_id, each) for each in queue.rows.files(found.series_id))
    assert len(files_of(settings)) == 2


def keep(queue: ReceivedService, clean: CleanDicom) -> None:
    with suppress(OtherContent):
        queue.keep(clean, ORTHANC)


def test_a_loser_of_that_race_removes_only_bytes_of_its_own(
    queue: ReceivedService, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another process adds the row between the look and the writing."""
    first, other = (queue.clean(series(1, SeriesDescription=text)[0]) for text in ("T1 AXIAL", "T2 AXIAL"))
    queue.keep(first, ORTHANC)
    find = type(queue.rows).find
    answers = iter([None])
    monkeypatch.setattr(type(queue.rows), "find", lambda rows, uid: next(answers, find(rows, uid)))
    with pytest.raises(OtherContent):
        queue.keep(other, ORTHANC)
    answers = iter([None])
    queue.keep(first, ORTHANC)
    assert [file.stem for file in files_of(settings)] == [first.first.sha256]

    def fail(*_: object, **__: object) -> bool:
        raise DatabaseUnavailable("the database failed")

    monkeypatch.setattr(type(queue.rows), "add", fail)
    answers = iter([None])
    with pytest.raises(DatabaseUnavailable):
        queue.keep(first, ORTHANC)
    assert [file.stem for file in files_of(settings)] == [first.first.sha256]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"no DICOM file", "expected a whole DICOM file"),
        (series(1)[0][:3000], "cut off or damaged"),
        (dicom(np.zeros((8, 8), "uint16")), "UIDs of its study, series and instance"),
    ],
    ids=["text", "cut", "no UIDs"],
)
def test_what_is_no_whole_image_is_refused(
    queue: ReceivedService, settings: Settings, content: bytes, text: str
) -> None:
    with pytest.raises(UnsupportedImage, match=text):
        queue.receive(content, ORTHANC)
    assert queue.list() == []
    assert files_of(settings) == []


def test_a_full_queue_refuses_and_loses_nothing(queue: ReceivedService, settings: Settings) -> None:
    first = take(queue, series(2))
    full = replace(queue, most_bytes=first.size + 1)
    with pytest.raises(QueueFull, match=f"may take {first.size + 1:,} bytes here"):
        full.receive(series(3)[2], ORTHANC)
    with pytest.raises(QueueFull, match=f"take all of the {first.size:,} bytes"):
        replace(queue, most_bytes=first.size).clean(series(3)[2])
    assert queue.list() == [first]
    assert len(files_of(settings)) == 2
    full.remove(first.series_id)
    assert take(full, series(1)).files == 1


def test_a_series_has_a_limit_of_files(queue: ReceivedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "MAX_SLICES", 2)
    take(queue, series(2))
    with pytest.raises(QueueFull, match="a series may have 2 files in the queue"):
        queue.receive(series(3)[2], ORTHANC)
    assert queue.list()[0].files == 2


def test_the_queue_has_a_limit_of_files(queue: ReceivedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "MAX_FILES", 2)
    take(queue, [*series(1), *series(1, series=f"{SERIES}.9")])
    with pytest.raises(QueueFull, match="at most 2 files may wait here"):
        queue.receive(series(1, series=f"{SERIES}.8")[0], ORTHANC)
    assert len(queue.list()) == 2


def test_a_full_disk_refuses_and_loses_nothing(queue: ReceivedService, settings: Settings) -> None:
    found = take(queue, series(1))
    reserve = shutil.disk_usage(settings.var).total
    small = replace(queue, files=ReceivedFolder(settings.var / "received", reserve_bytes=reserve))
    with pytest.raises(StorageFull, match="has too little room left"):
        small.receive(series(2)[1], ORTHANC)
    assert queue.list() == [found]
    assert len(files_of(settings)) == 1


def test_a_folder_that_is_removed_while_a_file_arrives_is_made_again(
    queue: ReceivedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder, removed = private_files.make_folder, iter([True])

    def make_and_remove(folder: Path) -> None:
        make_folder(folder)
        if folder.name == "0" * 64 and next(removed, False):
            folder.rmdir()

    monkeypatch.setattr(private_files, "make_folder", make_and_remove)
    queue.files.write("0" * 64, {"1" * 64: b"content"})
    assert next(removed, None) is None
    assert list(queue.files.names()) == [("0" * 64, "1" * 64)]


def test_rows_of_a_process_that_was_faster_are_seen(queue: ReceivedService, monkeypatch: pytest.MonkeyPatch) -> None:
    transact, faster = Database._in_transaction, iter([True])

    def meet(database: Database, change: Any) -> Any:
        kept = transact(database, change)
        if next(faster, False):
            raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
        return kept

    monkeypatch.setattr(Database, "_in_transaction", meet)
    assert take(queue, series(1)).files == 1
    assert next(faster, None) is None


def test_a_database_that_fails_leaves_no_file(
    queue: ReceivedService, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = queue.clean(series(1)[0])

    def fail(*_: object, **__: object) -> bool:
        raise DatabaseUnavailable("the database failed")

    monkeypatch.setattr(type(queue.rows), "add", fail)
    with pytest.raises(DatabaseUnavailable):
        queue.keep(clean, ORTHANC)
    assert files_of(settings) == []


def test_a_removed_series_is_gone_with_its_files(queue: ReceivedService, settings: Settings) -> None:
    found = take(queue, series(2))
    queue.remove(found.series_id)
    assert queue.list() == []
    assert list((settings.var / "received").iterdir()) == []
    with pytest.raises(NotFound, match=f"no received series {found.series_id} is in the queue"):
        queue.remove(found.series_id)
    assert take(queue, series(2)).files == 2


def test_a_series_is_removed_when_its_days_are_over(queue: ReceivedService, settings: Settings) -> None:
    take(queue, series(1))
    replace(queue, clock=lambda: NOW + 7 * DAY_S - 1).sweep()
    assert len(queue.list()) == 1
    replace(queue, clock=lambda: NOW + 7 * DAY_S).sweep()
    assert queue.list() == []
    assert files_of(settings) == []


def test_files_outlive_a_loss_of_the_database(queue: ReceivedService, settings: Settings) -> None:
    found = take(queue, series(2))
    files = queue.rows.files(found.series_id)
    queue.rows.leave(found.series_id, {}, [each.instance for each in files])
    assert queue.list() == []
    aged(settings)
    replace(queue, most_bytes=1).sweep()
    (again,) = queue.list()
    assert (again.series_id, again.files, again.source) == (found.series_id, 2, Source(SourceKind.RECOVERED))
    assert queue.rows.files(found.series_id) == files


def aged(settings: Settings) -> None:
    for file in settings.var.glob("received/*/*"):
        os.utime(file, (NOW - 3600, NOW - 3600))


def test_files_that_are_none_of_the_queue_are_removed(queue: ReceivedService, settings: Settings) -> None:
    found = take(queue, series(1))
    (file,) = files_of(settings)
    folder = file.parent
    (folder / f"{'0' * 64}.dcm").write_bytes(b"of another program")
    (folder / ".draft").write_bytes(b"half")
    elsewhere = settings.var / "received" / ("1" * 64)
    elsewhere.mkdir()
    shutil.copy(file, elsewhere / file.name)
    (folder / "notes.dcm").write_bytes(b"nothing of ours")
    queue.sweep()
    assert len(files_of(settings)) == 4  # they are too young to be judged
    aged(settings)
    queue.sweep()
    assert sorted(each.name for each in folder.iterdir()) == sorted([file.name, "notes.dcm"])
    assert not elsewhere.exists()
    assert queue.list() == [found]


def test_a_file_that_is_gone_leaves_the_queue(queue: ReceivedService, settings: Settings) -> None:
    found = take(queue, series(2))
    lost, kept = queue.rows.files(found.series_id)
    (settings.var / "received" / found.series_id / f"{lost.sha256}.dcm").unlink()
    with pytest.raises(NotFound, match="is gone or damaged"):
        queue.content(found.series_id, lost)
    queue.sweep()
    assert queue.rows.files(found.series_id) == [kept]


def test_a_file_that_the_disk_lost_is_kept_when_it_is_sent_again(queue: ReceivedService, settings: Settings) -> None:
    found = take(queue, series(1))
    (file,) = files_of(settings)
    file.unlink()
    assert take(queue, series(1)) == found
    assert files_of(settings) == [file]


def test_each_frame_of_a_file_is_a_slice_of_the_queue(queue: ReceivedService, settings: Settings) -> None:
    sent = enhanced([0.0, 5.0, 10.0], **UIDS)
    found = take(queue, [sent, sent])
    files = queue.rows.files(found.series_id)
    assert (found.files, len(files), len(files_of(settings))) == (3, 3, 3)
    datasets = [pydicom.dcmread(io.BytesIO(queue.content(found.series_id, each))) for each in files]
    assert sorted(each.ConcatenationFrameOffsetNumber for each in datasets) == [0, 1, 2]
    (whole,) = {each.SOPInstanceUIDOfConcatenationSource for each in datasets}
    assert whole == queue.clean(sent).instance
    kept = b"".join(file.read_bytes() for file in files_of(settings))
    assert [each for each in (*IDENTIFIERS, SERIES.encode()) if each in kept] == []


def test_frames_are_kept_all_or_none(queue: ReceivedService, settings: Settings) -> None:
    sent = enhanced([0.0, 5.0, 10.0], **UIDS)
    clean = queue.clean(sent)
    size = sum(each.instance.size for each in clean.files)
    with pytest.raises(QueueFull):
        replace(queue, most_bytes=size - 1).keep(clean, ORTHANC)
    assert (queue.list(), files_of(settings)) == ([], [])
    # A frame with the UID of another one of these.
    first, second, third = clean.files
    queue.keep(replace(clean, files=(replace(first, instance=replace(second.instance, sha256="0" * 64)),)), ORTHANC)
    with pytest.raises(OtherContent):
        queue.keep(clean, ORTHANC)
    assert len(files_of(settings)) == 1
    assert third.instance.sha256 not in {file.stem for file in files_of(settings)}


def test_frames_that_take_too_long_and_a_second_file_of_several_frames_are_refused(
    queue: ReceivedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = enhanced([0.0, 5.0], **UIDS)
    cleaner = queue.cleaner
    assert isinstance(cleaner, SenderCleaner)
    monkeypatch.setattr(cleaner_module, "_WAIT_S", 0.01)
    with cleaner._alone(), pytest.raises(ServerBusy, match="another file of several frames"):
        queue.clean(sent)
    monkeypatch.setattr(cleaner_module, "MOST_S", -1.0)
    with pytest.raises(ImageTooLarge, match="expected frames that take at most"):
        queue.clean(sent)


def test_frames_of_a_decoder_that_misleads_are_refused(queue: ReceivedService, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [enhanced([0.0, 5.0], **UIDS, SOPInstanceUID=uid) for uid in "12"]
    one, other = (split(deidentify(each, bytes(32)).content) for each in files)
    for frames in ([], other, [one[0], other[1]]):
        monkeypatch.setattr(PillowInspector, "split", lambda *_, frames=frames: frames)
        with pytest.raises(UnsupportedImage, match="misleads its reader"):
            queue.clean(files[0])


def test_a_file_that_the_disk_changed_is_not_given(queue: ReceivedService, settings: Settings) -> None:
    found = take(queue, series(1))
    (file,) = files_of(settings)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(NotFound, match="is gone or damaged"):
        queue.content(found.series_id, queue.rows.files(found.series_id)[0])


def test_the_thread_sweeps_at_once_and_survives_errors(caplog: pytest.LogCaptureFixture) -> None:
    swept = threading.Event()
    steps = iter([RuntimeError("no disk")])

    def step() -> None:
        if error := next(steps, None):
            raise error
        swept.set()

    thread = ReceivedThread([step], interval_s=0.01)
    thread.start()
    assert swept.wait(30)
    thread.stop()
    assert "the queue of received images could not be checked" in caplog.text
