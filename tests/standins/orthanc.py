"""The real Orthanc, a PACS, with a folder and ports of its own: no stand-in, but started as one."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.processes import free_port
from tests.needs import ORTHANC

AE_TITLE = "ORTHANC"
_PLUGINS = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
_READY_S = 60.0
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Orthanc:
    """Both on 127.0.0.1: ``http`` is the port of its REST interface and of DICOMweb (below ``/dicom-web``), ``dicom``
    that of C-STORE, C-FIND and so on, as ``AE_TITLE``."""

    http: int
    dicom: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http}/{path.lstrip('/')}"

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url(path), timeout=60) as answer:
            content: bytes = answer.read()
            return content

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def store(self, content: bytes) -> Any:
        """A DICOM file by the REST interface: the answer, with ``ID`` and ``Status``."""
        request = urllib.request.Request(self.url("instances"), content, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@contextmanager
def orthanc(folder: Path, **configuration: Any) -> Iterator[Orthanc]:
    """Runs Orthanc with its files in ``folder``; ``configuration`` are further options of its JSON file."""
    found, process = _start(folder, configuration)
    try:
        yield found
    finally:  # it would take seconds to end by itself, for files that nobody needs
        process.kill()
        process.wait()


def _start(folder: Path, configuration: dict[str, Any]) -> tuple[Orthanc, subprocess.Popen[bytes]]:
    """Again where another program took a port meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(_ATTEMPTS):
        found = Orthanc(free_port(), free_port())
        file = folder / "orthanc.json"
        file.write_text(json.dumps(_options(folder, found) | configuration))
        with (folder / "orthanc.log").open("ab") as log:
            process = subprocess.Popen([_program(), str(file)], stdout=log, stderr=log)
        if _answers(found, process):
            return found, process
    raise AssertionError(f"Orthanc did not start: {(folder / 'orthanc.log').read_text()[-2000:]}")


def _program() -> str:
    assert ORTHANC, "Orthanc is not installed: apt-get install orthanc orthanc-dicomweb"
    return ORTHANC


def _options(folder: Path, ports: Orthanc) -> dict[str, Any]:
    return {
        "Name": "ScanProof's tests",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [_PLUGINS],
        "HttpPort": ports.http,
        "DicomPort": ports.dicom,
        "DicomAet": AE_TITLE,
        "DicomCheckCalledAet": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": True,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "OverwriteInstances": False,
        "ConcurrentJobs": 1,
        "HttpThreadsCount": 4,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _answers(found: Orthanc, process: subprocess.Popen[bytes]) -> bool:
    """Whether it is there before it ends or the time is over."""
    deadline = time.monotonic() + _READY_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            found.get("system")
        except OSError:
            time.sleep(0.05)
        else:
            return True
    process.kill()
    process.wait()
    return False
