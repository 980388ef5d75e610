"""Notices of native libraries on standard error."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile

import pytest

from ml.bundle.notices import hide_notices


def test_only_the_lines_that_match_are_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    with hide_notices(b"INFO: Created"):
        os.write(2, b"INFO: Created a delegate\nERROR: out of memory\nINFO: other\n")
    os.write(2, b"INFO: Created later\n")
    assert capfd.readouterr().err == "ERROR: out of memory\nINFO: other\nINFO: Created later\n"


def test_what_was_written_before_an_error_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), hide_notices(b"x"):
        os.write(2, b"a clue\n")
        raise ValueError("broken")
    assert capfd.readouterr().err == "a clue\n"


def test_making_a_network_ready_writes_nothing() -> None:
    program = "from ml.inference.registry import Registry; Registry().get('modality-gate')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_process_without_standard_error_makes_a_network_ready() -> None:
    program = "from ml.inference.registry import Registry; Registry().get('modality-gate'); print('ready')"
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "ready\n"


def test_a_full_disk_shows_the_notices(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "no space left on the disk")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with hide_notices(b"INFO: Created"):
        os.write(2, b"INFO: Created a delegate\n")
    assert capfd.readouterr().err == "INFO: Created a delegate\n"
