"""C-STORE and C-ECHO, with dcmtk's programs and with peers that do not keep to the rules."""

from __future__ import annotations

import contextlib
import io
import select
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import (
    JPEG2000,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    RLELossless,
)
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # made at import

from backend.adapters.pacs import receiver as receiver_module
from backend.adapters.pacs.peers import Peer, peer
from backend.adapters.pacs.receiver import STORAGE_CLASSES
from backend.domain import CleanDicom, Source, SourceKind
from backend.errors import ConfigurationError, DatabaseUnavailable, ServerBusy, StorageFull
from backend.processes import free_port
from backend.services.received import ReceivedService
from tests.backend.adapters.dicom.multiframe import enhanced
from tests.backend.received import IDENTIFIERS, series
from tests.dicoms import sample
from tests.needs import needs_dcmtk

MOST_S = 120


def dcmtk(program: str, port: int, *options: str, sent: Path | None = None) -> subprocess.CompletedProcess[str]:
    """One of its programs as MODALITY; ``sent`` is a folder of files."""
    mode, folder = (["+sd"], [str(sent)]) if sent else ([], [])
    titles = ["-aet", "MODALITY", "-aec", "SCANPROOF"]
    command = [program, *titles, *options, *mode, "127.0.0.1", str(port), *folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=MOST_S, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[list[bytes]], Path]:
    def make(files: list[bytes]) -> Path:
        made = tmp_path / "sent"
        made.mkdir()
        for number, content in enumerate(files):
            (made / f"{number}.dcm").write_bytes(content)
        return made

    return make


@contextmanager
def associated(port: int, *contexts: tuple[str, str], title: str = "MODALITY") -> Iterator[Association]:
    entity = AE(title)
    for storage_class, syntax in contexts or ((MRImageStorage, ExplicitVRLittleEndian),):
        entity.add_requested_context(storage_class, syntax)
    association = entity.associate("127.0.0.1", port, ae_title="SCANPROOF")
    try:
        yield association
    finally:
        if association.is_established:
            association.release()
        entity.shutdown()


def send(association: Association, dataset: pydicom.Dataset) -> int:
    """The status of the answer; -1 where there is none."""
    return int(getattr(association.send_c_store(dataset), "Status", -1))


def dataset(number: int = 0, **values: object) -> pydicom.Dataset:
    made = pydicom.dcmread(io.BytesIO(series(number + 1, **values)[number]))
    return made


def encoded(made: pydicom.Dataset, syntax: str) -> pydicom.Dataset:
    """The data set in another uncompressed transfer syntax."""
    made.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    return pydicom.dcmread(io.BytesIO(file.getvalue()))


@needs_dcmtk
def test_echoscu_gets_an_answer(start_receiver) -> None:
    answer = dcmtk("echoscu", start_receiver(), "-v")
    assert answer.returncode == 0
    assert "Received Echo Response (Success)" in answer.stderr + answer.stdout


@needs_dcmtk
def test_storescu_sends_a_series_into_the_queue(start_receiver, queue: ReceivedService, folder, notices) -> None:
    answer = dcmtk("storescu", start_receiver(), sent=folder(series(3)))
    assert (answer.returncode, notices) == (0, [])
    (found,) = queue.list()
    assert (found.files, found.source) == (3, Source(SourceKind.STORE, "MODALITY"))
    kept = b"".join(queue.content(found.series_id, each) for each in queue.rows.files(found.series_id))
    assert [each for each in IDENTIFIERS if each in kept] == []


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEG2000],
    ids=lambda syntax: str(syntax.keyword),
)
def test_transfer_syntaxes_that_we_read_are_accepted(start_receiver, queue: ReceivedService, syntax) -> None:
    if syntax == ExplicitVRBigEndian:
        made = pydicom.dcmread(io.BytesIO(sample("ExplVR_BigEnd.dcm")))
    elif syntax == RLELossless:
        made = dataset()
        made.compress(RLELossless)
    elif syntax == JPEG2000:
        made = pydicom.dcmread(io.BytesIO(sample("JPEG2000.dcm")))
    else:
        made = encoded(dataset(), syntax)
    with associated(start_receiver(), (made.SOPClassUID, made.file_meta.TransferSyntaxUID)) as association:
        assert association.is_established
        status = send(association, made)
    assert status == 0, queue.list()
    assert queue.list()[0].files == 1


def test_all_classes_of_images_are_accepted_and_no_other(start_receiver) -> None:
    assert len(STORAGE_CLASSES) > 50
    report = "1.2.840.10008.5.1.4.1.1.88.11"
    contexts = [(each, ImplicitVRLittleEndian) for each in (*STORAGE_CLASSES, report)]
    with associated(start_receiver(), *contexts) as association:
        assert {context.abstract_syntax for context in association.accepted_contexts} == set(STORAGE_CLASSES)
        assert [context.abstract_syntax for context in association.rejected_contexts] == [report]


def test_an_object_is_a_success_only_once_it_is_stored(
    start_receiver, queue: ReceivedService, notices, monkeypatch
) -> None:
    seen: list[list[object]] = []
    keep = ReceivedService.keep

    def kept(service: ReceivedService, *arguments: object) -> None:
        seen.append(list(queue.list()))
        keep(service, *arguments)

    monkeypatch.setattr(ReceivedService, "keep", kept)
    with associated(start_receiver()) as association:
        assert send(association, dataset()) == 0
    assert seen == [[]]
    assert queue.list()[0].files == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StorageFull("the disk has too little room left"), 0xA700),
        (DatabaseUnavailable("the database failed"), 0xA700),
        (ServerBusy("other images are being decoded"), 0xA700),
        (RuntimeError("nobody foresaw Doe^Jane"), 0xC000),
    ],
    ids=["disk", "database", "busy", "unforeseen"],
)
def test_what_fails_here_has_the_status_that_says_whether_to_try_again(
    start_receiver, queue: ReceivedService, notices, monkeypatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ReceivedService, "keep", fail)
    with associated(start_receiver()) as association:
        assert send(association, dataset()) == status
    (line,) = notices
    assert line.startswith(f"refused an object of MODALITY with status {status:04X}: ")
    assert "Doe" not in line


def test_a_full_queue_is_out_of_resources(start_receiver, queue: ReceivedService) -> None:
    queue.receive(series(1)[0], Source(SourceKind.WEB))
    port = start_receiver(into=replace(queue, most_bytes=queue.rows.size()))
    with associated(port) as association:
        assert send(association, dataset(1)) == 0xA700
    assert queue.list()[0].files == 1


def test_a_damaged_object_cannot_be_understood(start_receiver, queue: ReceivedService, notices) -> None:
    broken = dataset()
    broken.PixelData = broken.PixelData[:100]
    with associated(start_receiver()) as association:
        assert send(association, broken) == 0xC000
        assert send(association, dataset()) == 0
    assert "with status C000" in notices[0]
    assert [each for each in IDENTIFIERS if each.decode() in notices[0]] == []


def test_another_class_than_the_command_names_does_not_match(start_receiver, queue: ReceivedService) -> None:
    other = dataset()
    with associated(start_receiver(), (CTImageStorage, ExplicitVRLittleEndian)) as association:
        assert renamed_store(association, other, AffectedSOPClassUID=CTImageStorage) == 0xA900
    assert queue.list() == []


def test_another_instance_than_the_command_names_is_refused(start_receiver, queue: ReceivedService) -> None:
    with associated(start_receiver()) as association:
        assert renamed_store(association, dataset(), AffectedSOPInstanceUID="1.2.3") == 0xC000
    assert queue.list() == []


def renamed_store(association: Association, made: pydicom.Dataset, **named: str) -> int:
    """C-STORE whose command names something else than the data set."""
    request = C_STORE()
    request.MessageID = 1
    request.AffectedSOPClassUID = made.SOPClassUID
    request.AffectedSOPInstanceUID = made.SOPInstanceUID
    request.Priority = 2
    for name, value in named.items():
        setattr(request, name, value)
    request.DataSet = io.BytesIO(encode(made, is_implicit_vr=False, is_little_endian=True) or b"")
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, association.accepted_contexts[0].context_id)
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    return int(answer.Status)


def test_another_object_by_a_known_uid_is_a_duplicate(start_receiver, queue: ReceivedService, notices) -> None:
    with associated(start_receiver()) as association:
        statuses = [send(association, each) for each in (dataset(), dataset(), dataset(SeriesDescription="T1 AXIAL"))]
    assert statuses == [0, 0, 0x0111]
    assert "with status 0111: expected the same content" in notices[0]
    assert queue.list()[0].files == 1


def test_each_frame_of_an_object_is_stored_before_the_answer(start_receiver, queue: ReceivedService) -> None:
    made = pydicom.dcmread(io.BytesIO(enhanced([0.0, 5.0, 10.0], PatientID="4711-PATIENT")))
    with associated(start_receiver(), (made.SOPClassUID, ExplicitVRLittleEndian)) as association:
        assert send(association, made) == 0
        (found,) = queue.list()
        assert found.files == 3


def test_objects_of_all_senders_have_a_limit_of_memory(start_receiver, queue, notices, monkeypatch) -> None:
    size = len(series(1)[0])
    monkeypatch.setattr(receiver_module, "MAX_BYTES_AT_ONCE", size + size // 2)
    reached, waiting = threading.Event(), threading.Event()
    keep = ReceivedService.keep

    def kept(*arguments: Any) -> None:
        if not reached.is_set():
            reached.set()
            waiting.wait(MOST_S)
        keep(*arguments)

    monkeypatch.setattr(ReceivedService, "keep", kept)
    statuses: list[int] = []
    port = start_receiver()
    with associated(port) as first, associated(port) as second:
        sender = threading.Thread(target=lambda: statuses.append(send(first, dataset())))
        sender.start()
        assert reached.wait(MOST_S)
        assert send(second, dataset(1)) == 0xA700
        waiting.set()
        sender.join(MOST_S)
        # The first one is in memory no more.
        assert send(second, dataset(1)) == 0
    assert statuses == [0]
    assert "expected at most" in notices[0]


def test_an_object_that_does_not_end_in_time_closes_the_association(start_receiver, queue, monkeypatch) -> None:
    monkeypatch.setattr(receiver_module, "MAX_PDU_BYTES", 1024)
    monkeypatch.setattr(receiver_module, "MESSAGE_S", -1.0)
    with associated(start_receiver()) as association:
        assert send(association, dataset()) == -1
    assert queue.list() == []


def test_a_larger_object_is_dropped_while_it_arrives(
    start_receiver, queue: ReceivedService, notices, monkeypatch
) -> None:
    monkeypatch.setattr(receiver_module, "MAX_OBJECT_BYTES", 4000)
    received: list[int] = []
    clean = ReceivedService.clean

    def counted(service: ReceivedService, content: bytes) -> CleanDicom:
        received.append(len(content))
        return clean(service, content)

    monkeypatch.setattr(ReceivedService, "clean", counted)
    with associated(start_receiver()) as association:
        assert send(association, dataset()) == 0xA700
        assert send(association, dataset(side=24)) == 0
    assert len(received) == 1
    assert "expected an object of at most 4000 bytes" in notices[0]


def test_a_peer_that_does_not_wait_for_answers_is_cut_off(start_receiver, queue: ReceivedService, monkeypatch) -> None:
    reached, waiting = threading.Event(), threading.Event()

    def keep(*_: object) -> None:
        reached.set()
        waiting.wait(MOST_S)

    monkeypatch.setattr(ReceivedService, "keep", keep)
    contexts = [(each, ExplicitVRLittleEndian) for each in (MRImageStorage, Verification)]
    statuses: list[int] = []
    with associated(start_receiver(), *contexts) as association:
        sender = threading.Thread(target=lambda: statuses.append(send(association, dataset())))
        sender.start()
        assert reached.wait(MOST_S)
        (echo,) = (each for each in association.accepted_contexts if each.abstract_syntax == Verification)
        for number in range(2, 12):
            request = C_ECHO()
            request.MessageID = number
            request.AffectedSOPClassUID = Verification
            association.dimse.send_msg(request, echo.context_id)
        # Nothing is answered before the end of this wait, so that only a closed connection ends it.
        sender.join(MOST_S)
        waiting.set()
    assert statuses == [-1]


def test_a_pdu_of_four_gigabytes_closes_the_connection(start_receiver) -> None:
    with socket.create_connection(("127.0.0.1", start_receiver()), timeout=MOST_S) as connection:
        connection.sendall(struct.pack(">BBL", 1, 0, 0xFFFFFFFF) + bytes(100))
        # What was not read makes some systems reset the connection.
        with suppress(ConnectionResetError):
            assert connection.recv(100) in (b"", b"\x07\0\0\0\0\x04\0\0\2\0")


@pytest.mark.parametrize("sent", [b"\x01\0\0", struct.pack(">BBL", 1, 0, 60_000) + b"abc"], ids=["head", "body"])
@pytest.mark.parametrize("dripping", [False, True], ids=["silent", "dripping"])
def test_a_pdu_that_does_not_end_closes_the_connection(start_receiver, monkeypatch, sent: bytes, dripping) -> None:
    monkeypatch.setattr(receiver_module, "NETWORK_TIMEOUT_S", 0.4)
    connection = socket.create_connection(("127.0.0.1", start_receiver()), timeout=MOST_S)
    with connection, contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        for _ in range(100 if dripping else 0):
            if select.select([connection], [], [], 0.2)[0]:
                break
            connection.sendall(b"\0")
        answer = b"".join(iter(lambda: connection.recv(100), b""))
        # An A-ABORT (PS3.8, section 9.3.8) where zeros completed a PDU before the time was over: then nothing more.
        assert answer == b"" or (len(answer) == 10 and answer.startswith(b"\x07\0\0\0\0\x04"))


def test_hosts_that_may_not_send_are_refused_before_they_say_anything(start_receiver, notices) -> None:
    port = start_receiver(Peer("CT1", frozenset({"192.0.2.7"})))
    with socket.create_connection(("127.0.0.1", port), timeout=MOST_S) as connection:
        assert connection.recv(100) == b""
    assert notices == ["refused a connection from 127.0.0.1: nobody there is allowed to send"]


def test_only_named_senders_are_accepted(start_receiver, notices) -> None:
    port = start_receiver(Peer("ORTHANC"), Peer("CT1", frozenset({"192.0.2.7"})))
    accepted = {}
    for title in ("ORTHANC", "CT1", "MODALITY"):
        with associated(port, title=title) as association:
            accepted[title] = association.is_established
    assert accepted == {"ORTHANC": True, "CT1": False, "MODALITY": False}
    assert notices == [
        f"refused an association of {title} at 127.0.0.1: it is not allowed" for title in ("CT1", "MODALITY")
    ]


def test_a_call_for_another_title_is_refused(start_receiver) -> None:
    entity = AE("MODALITY")
    entity.add_requested_context(MRImageStorage)
    association = entity.associate("127.0.0.1", start_receiver(), ae_title="OTHER")
    assert association.is_rejected
    entity.shutdown()


def test_senders_are_named_by_title_and_host() -> None:
    assert peer("ORTHANC") == Peer("ORTHANC")
    assert peer("CT 1@127.0.0.1") == Peer("CT 1", frozenset({"127.0.0.1"}))
    with pytest.raises(ConfigurationError, match="expected an AE title of 1 to 16 characters, found 'SEVENTEEN"):
        peer("SEVENTEEN_LETTERS")
    with pytest.raises(ConfigurationError, match=r"the host 'nowhere\.invalid' of the AE title CT1 is not known"):
        peer("CT1@nowhere.invalid")


def test_a_port_that_is_taken_is_an_error(start_receiver, queue, notices) -> None:
    port = start_receiver()
    taken = receiver_module.Receiver(
        title="SCANPROOF", port=port, peers=[], clean=queue.clean, keep=queue.keep, notice=notices.append
    )
    with pytest.raises(ConfigurationError, match=f"nothing can listen at port {port} of 127.0.0.1"):
        taken.start()
    taken.stop()


def test_a_named_remote_host_opens_all_addresses(queue, notices) -> None:
    remote = receiver_module.Receiver(
        title="SCANPROOF",
        port=free_port(),
        peers=[Peer("CT1", frozenset({"192.0.2.7"}))],
        clean=queue.clean,
        keep=queue.keep,
        notice=notices.append,
    )
    assert remote.address[0] == "0.0.0.0"
