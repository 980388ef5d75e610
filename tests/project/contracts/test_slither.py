"""Slither finds nothing in our contracts but what a comment beside the line explains."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from crytic_compile import CryticCompile
from crytic_compile.platform.solc_standard_json import SolcStandardJson
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector

from scripts.export_artifact import STANDARD_INPUT
from scripts.solc import ROOT, ensure_solc

DIRECTIVE = re.compile(r"\s*// slither-disable")
FAULTY = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;
contract Faulty {
    address private immutable OWNER = msg.sender;
    function pay(address payable receiver) external {
        require(tx.origin == OWNER);
        receiver.transfer(address(this).balance);
    }
}
"""


@pytest.fixture
def compiler_input() -> dict[str, Any]:
    """The committed input, with which the artifact was made, and the outputs that Slither asks for."""
    given = json.loads(STANDARD_INPUT.read_text())
    del given["settings"]["outputSelection"]
    return given


def analyse(compiler_input: dict[str, Any]) -> Slither:
    """Run every detector over all but the dependencies; the findings are in ``results``."""
    compilation = CryticCompile(SolcStandardJson(compiler_input), solc=str(ensure_solc()))
    slither = Slither(compilation, filter_paths=["node_modules"])
    slither.warn_unused_ignores = True
    for _, detector in inspect.getmembers(all_detectors, inspect.isclass):
        if issubclass(detector, AbstractDetector):
            slither.register_detector(detector)
    slither.results = [finding for findings in slither.run_detectors() for finding in findings]
    return slither


@pytest.mark.slow
def test_no_finding_and_no_idle_directive(compiler_input: dict[str, Any]) -> None:
    slither = analyse(compiler_input)
    assert [finding["description"] for finding in slither.results] == []
    assert [idle for idle in slither.get_unused_ignore_comments() if "node_modules" not in idle["file"]] == []


def test_detectors_are_at_work(tmp_path: Path) -> None:
    path = tmp_path / "Faulty.sol"
    path.write_text(FAULTY)
    slither = analyse({"language": "Solidity", "sources": {str(path): {"content": FAULTY}}, "settings": {}})
    assert {"tx-origin", "arbitrary-send-eth"} <= {finding["check"] for finding in slither.results}


@pytest.mark.parametrize("path", sorted((ROOT / "contracts").glob("*.sol")), ids=lambda path: path.name)
def test_each_directive_is_explained(path: Path) -> None:
    lines = path.read_text().splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if DIRECTIVE.match(line):
            assert re.fullmatch(r"\s*// [A-Z].{20,}\.", before), f"{path.name}: no reason before {line.strip()!r}"
