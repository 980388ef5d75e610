"""TensorFlow loads without its banners, whoever imports it; all else that it writes stays."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import pytest

from backend.commands.quiet import _TensorFlowFinder
from ml import progress

MODULE = """\
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
os.write(2, b"I0000 00:00:1700000000.000000    7 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"the driver is too old\\n")
loaded = True
"""


def test_tensorflow_loads_without_its_banners(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tensorflow.py").write_text(MODULE)
    caplog.set_level(logging.INFO, logger=progress.LOGGER)
    spec = _TensorFlowFinder().find_spec("tensorflow", [str(tmp_path)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.loaded
    assert capfd.readouterr().err == "the driver is too old\n"
    assert caplog.messages == ["loading TensorFlow"]


def test_what_is_not_tensorflow_is_found_as_ever(tmp_path: Path) -> None:
    finder = _TensorFlowFinder()
    (tmp_path / "other.py").write_text("")
    assert finder.find_spec("other", [str(tmp_path)]) is None
    assert finder.find_spec("tensorflow", [str(tmp_path)]) is None
