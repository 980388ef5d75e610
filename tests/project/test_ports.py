"""An adapter that does not fit its port fails the type check, with the settings of ``pyproject.toml``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).resolve().parents[2]
PORTS = "backend/ports.py"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first run fills it, so that the others check only what a change can reach."""
    return tmp_path_factory.mktemp("mypy")


def check(cache: Path, ports: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The errors where adapters meet their ports, with ``ports`` in place of the true ones."""
    monkeypatch.chdir(ROOT)
    limit = sys.getrecursionlimit()
    report, trouble, _ = api.run(["--cache-dir", str(cache), "--shadow-file", PORTS, str(ports), "backend/wiring.py"])
    # mypy raises it for the whole process.
    sys.setrecursionlimit(limit)
    assert trouble == ""
    return report


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("", "", None),
        ("def accept(self, content", "def inspect(self, content", "PillowInspector"),
        ("def has(self, cid: str)", "def has(self, cid: str, patience_s: float)", "EmbeddedStore"),
        ("def for_modality(self, modality: str)", "def for_modality(self, modality: int)", "BundledModels"),
        ("def state_block(self) -> BlockRef | None", "def state_block(self) -> BlockRef", "Web3Chain"),
    ],
    ids=["unchanged", "renamed", "another argument", "another type", "None is not expected"],
)
def test_a_port_that_changes_fails_the_type_check(cache, tmp_path, monkeypatch, before, after, error):
    text = (ROOT / PORTS).read_text()
    changed = tmp_path / "ports.py"
    changed.write_text(text.replace(before, after, 1))
    assert before in text

    report = check(cache, changed, monkeypatch)

    if error is None:
        assert report.startswith("Success")
    else:
        assert re.search(rf"^backend/wiring.py:[0-9]+: error: .*{error}", report, re.MULTILINE), report
