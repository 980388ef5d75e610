"""The threat model names tests that exist, and the page shows the gas that is committed."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from scripts.solc import ROOT

README = ROOT / "contracts" / "README.md"
TEXT = README.read_text()
THREATS = (
    TEXT.partition("## Threat model")[2]
    .partition("\n## ")[0]
    .partition("|---|---|---|\n")[2]
    .partition("\n\n")[0]
    .splitlines()
)
TEST = re.compile(r"\[`(\w+)`\]\((\S+?)\)")
NAMED = sorted({(path, name) for line in THREATS for name, path in TEST.findall(line)})


def test_each_attack_names_a_test() -> None:
    assert len(THREATS) > 10
    assert [line for line in THREATS if not TEST.search(line)] == []


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_named_test_exists(path: str, name: str) -> None:
    tree = ast.parse(((README.parent / path).resolve()).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, path


def test_each_error_is_explained() -> None:
    errors = [
        found
        for source in sorted(Path(README.parent).glob("*.sol"))
        for found in re.findall(r"^ +error (\w+)\(", source.read_text(), re.MULTILINE)
    ]
    assert len(errors) > 20
    assert [error for error in errors if f"`{error}(" not in TEXT] == []


def test_gas_is_the_committed() -> None:
    gas = json.loads((README.parent / "gas.json").read_text())
    shown = {"recordDiagnosis": "recordDiagnosis, first"}
    rows = re.findall(r"^\| (\w[^|]*?) \| [\d,]+ \| ([\d,]+) \| [\d,]+ \|$", TEXT, re.MULTILINE)
    assert dict(rows) == {
        action: f"{gas[shown.get(action, action)]:,}"
        for action in ("registerImage", "recordDiagnosis", "registerWithDiagnosis", "registerImages, 100, an image")
    }
    for name in ("reviewDiagnosis, first", "reviewDiagnosis, later", "registerModel", "anchorTraining, from scratch"):
        assert f"{gas[name]:,}" in TEXT, name
