"""Keeps stderr to the messages of ScanProof: no warnings of libraries, no banners, nothing twice."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType

from backend.commands.console import Console
from ml import progress
from ml.bundle.notices import hide_notices

_BANNERS = rb"WARNING: All log messages before absl|[IW]0000 |To enable the following instructions"
"""What TensorFlow's libraries write while they load, before they read TF_CPP_MIN_LOG_LEVEL."""


def quieten(console: Console) -> None:
    """For this process and its children."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Handler(console)])
    logging.getLogger(progress.LOGGER).setLevel(logging.INFO)
    others = [finder for finder in sys.meta_path if not isinstance(finder, _TensorFlowFinder)]
    sys.meta_path[:] = [_TensorFlowFinder(), *others]


class _Handler(logging.Handler):
    """Shows progress, and every other message once: several parts of one command may open the same store."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.name == progress.LOGGER:
            self._console.progress(text)
        elif text not in self._shown:
            self._shown.add(text)
            self._console.message(f"scanproof: {text}")


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python does, and has it load without its banners. Whatever imports it first, it is quiet."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            spec.loader = _QuietLoader(spec.loader)
        return spec


class _QuietLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        progress.report("loading TensorFlow")
        with hide_notices(_BANNERS):
            self._loader.exec_module(module)
