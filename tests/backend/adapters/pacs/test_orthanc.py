"""The real Orthanc sends to us by C-STORE and STOW-RS, asks us by QIDO-RS and WADO-RS; what it sent is recorded."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.pacs.peers import Peer
from backend.adapters.pacs.receiver import Receiver
from backend.container import Container
from backend.domain import Source, SourceKind
from backend.processes import free_port
from backend.services.screening import Answers
from tests.backend.adapters.dicom.multiframe import enhanced
from tests.backend.received import IDENTIFIERS, SERIES, STUDY, series
from tests.backend.studies import CLIENT, send_study
from tests.needs import needs_dcmtk, needs_orthanc
from tests.standins.orthanc import AE_TITLE, Orthanc, orthanc

pytestmark = [needs_orthanc, needs_dcmtk]
WITHIN_S = 120
US = "scanproof"


def post(pacs: Orthanc, path: str, body: Any, method: str = "POST") -> Any:
    """A request to Orthanc's REST interface, which does the work before it answers."""
    request = urllib.request.Request(
        pacs.url(path), json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
        content = answer.read()
    return json.loads(content) if content else None


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """With one series of three slices."""
    with orthanc(tmp_path_factory.mktemp("orthanc")) as started:
        for content in series(3):
            assert started.store(content)["Status"] == "Success"
        yield started


@pytest.fixture
def sent(pacs: Orthanc) -> str:
    """Orthanc's name of the study with patient data."""
    found = post(pacs, "/tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": STUDY}})
    return str(found[0])


@pytest.fixture
def served(app: Flask, pacs: Orthanc) -> Iterator[None]:
    """Our server, which Orthanc's DICOMweb plugin knows."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/dicomweb/"
    post(pacs, f"/dicom-web/servers/{US}", {"Url": url}, method="PUT")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def receiver(container: Container, pacs: Orthanc) -> Iterator[int]:
    """The port of our C-STORE provider, which Orthanc knows."""
    port, notices = free_port(), list[str]()
    queue = container.received
    started = Receiver(
        title="SCANPROOF",
        port=port,
        peers=[Peer(AE_TITLE), Peer("MODALITY")],
        clean=queue.clean,
        keep=queue.keep,
        notice=notices.append,
    )
    started.start()
    post(pacs, f"/modalities/{US}", {"AET": "SCANPROOF", "Host": "127.0.0.1", "Port": port}, method="PUT")
    yield port
    started.stop()
    assert notices == []


@dataclass(frozen=True, slots=True)
class Senders:
    """Each sends the series of three slices; its fixtures are started with it."""

    request: pytest.FixtureRequest
    pacs: Orthanc
    sent: str
    folder: Path

    def storescu(self) -> None:
        port = self.request.getfixturevalue("receiver")
        for number, content in enumerate(series(3)):
            (self.folder / f"{number}.dcm").write_bytes(content)
        command = ["storescu", "-aet", "MODALITY", "-aec", "SCANPROOF", "+sd", "127.0.0.1", str(port), str(self.folder)]
        done = subprocess.run(command, capture_output=True, timeout=WITHIN_S, check=False)
        assert done.returncode == 0, done.stderr

    def c_store(self) -> None:
        self.request.getfixturevalue("receiver")
        answer = post(self.pacs, f"/modalities/{US}/store", {"Resources": [self.sent], "Synchronous": True})
        assert (answer["InstancesCount"], answer["FailedInstancesCount"]) == (3, 0)

    def stow(self) -> None:
        self.request.getfixturevalue("served")
        post(self.pacs, f"/dicom-web/servers/{US}/stow", {"Resources": [self.sent], "Synchronous": True})


@pytest.fixture
def senders(request: pytest.FixtureRequest, pacs: Orthanc, sent: str, tmp_path: Path) -> Senders:
    folder = tmp_path / "sent"
    folder.mkdir()
    return Senders(request, pacs, sent, folder)


@pytest.mark.parametrize(
    ("send", "source"),
    [
        (Senders.storescu, Source(SourceKind.STORE, "MODALITY")),
        (Senders.c_store, Source(SourceKind.STORE, AE_TITLE)),
        (Senders.stow, Source(SourceKind.WEB)),
    ],
    ids=["storescu", "C-STORE of Orthanc", "STOW-RS of Orthanc"],
)
def test_what_a_pacs_sends_is_recorded_by_one_signature_and_verified(
    senders: Senders,
    container: Container,
    alice: DevelopmentWallet,
    send: Callable[[Senders], None],
    source: Source,
) -> None:
    send(senders)
    (queued,) = container.received_studies.list()
    assert (queued.files, queued.source) == (3, source)

    progress = container.received_studies.study(queued.series_id, None, seconds=600)
    documents = container.studies.classify(progress.study_id, seconds=600).documents
    assert documents is not None
    assert container.studies.pin(progress.study_id, CLIENT, seconds=600, answers=Answers(text="keep")).signable
    send_study(container, alice, documents)

    assert container.received_studies.list() == []
    (record,) = container.records.of_image(documents.manifest.cid, limit=2).records
    assert container.verification.verify(record.image.image_id).verdict == "valid"
    stored = b"".join(container.intake.content(each.cid)[1] for each in documents.slices)
    assert [each for each in (*IDENTIFIERS, SERIES.encode()) if each in stored] == []


def test_an_object_of_several_frames_is_a_study(pacs: Orthanc, container: Container, receiver: int) -> None:
    stored = pacs.store(enhanced([0.0, 5.0, 10.0], StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.1"))
    body = {"Resources": [stored["ID"]], "Synchronous": True}
    assert post(pacs, f"/modalities/{US}/store", body)["FailedInstancesCount"] == 0
    (queued,) = container.received_studies.list()
    assert container.received_studies.study(queued.series_id, None, seconds=600).slices == 3


def test_orthanc_gets_an_echo(pacs: Orthanc, receiver: int) -> None:
    assert post(pacs, f"/modalities/{US}/echo", {}) in ({}, None)


def test_orthanc_finds_and_retrieves_what_we_have(
    senders: Senders, pacs: Orthanc, container: Container, served: None
) -> None:
    senders.stow()
    (queued,) = container.received.list()

    found = post(pacs, f"/dicom-web/servers/{US}/qido", {"Uri": "/studies", "Arguments": {"ModalitiesInStudy": "MR"}})
    assert (len(found), queued.study in json.dumps(found)) == (1, True)
    found = post(pacs, f"/dicom-web/servers/{US}/qido", {"Uri": f"/studies/{queued.study}/series"})
    assert (len(found), queued.series in json.dumps(found)) == (1, True)
    body = {"Resources": [{"Study": queued.study}], "Synchronous": True}
    post(pacs, f"/dicom-web/servers/{US}/retrieve", body)

    query = {"Level": "Instance", "Query": {"StudyInstanceUID": queued.study}}
    instances = post(pacs, "/tools/find", query)
    assert len(instances) == 3
    files = {
        container.received.content(queued.series_id, each) for each in container.received.rows.files(queued.series_id)
    }
    assert {pacs.get(f"/instances/{each}/file") for each in instances} == files
