"""Coverage of our contracts by the unit tests: ``python -m tests.contracts.coverage [pytest options]``.

The unit tests run on Anvil against a build without optimizer, in which every statement has code of its own; each call
is traced (see ``tracing``). A line is covered when each statement that begins on it has run, a branch when the jump
behind an ``if``, a loop or a short-circuit has gone that way. Exit status 1 under 100 % of either.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scripts.export_artifact import CONTRACT, SOURCE, standard_input
from scripts.solc import ROOT, compile_with_npm
from tests.contracts.tracing import RECORD_VARIABLE, Steps

OURS = "contracts/"
BRANCHING = ("IfStatement", "ForStatement", "WhileStatement", "Conditional")
PUSH1, PUSH32, JUMPI = 0x60, 0x7F, 0x57

Node = dict[str, Any]
Range = tuple[int, int, int]
"""Start, end (exclusive) and source index of a node, as in a source map."""
Instruction = tuple[int, Range]


@dataclass(slots=True)
class Coverage:
    """What of one source file ran: its lines with statements, its branches as (line, offset, whether it jumped)."""

    lines: set[int] = field(default_factory=set)
    branches: set[tuple[int, int, bool]] = field(default_factory=set)
    missed_lines: set[int] = field(default_factory=set)
    missed_branches: set[tuple[int, int, bool]] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        return not self.missed_lines and not self.missed_branches


def evaluate(compiled: dict[str, Any], taken: dict[str, Steps]) -> dict[str, Coverage]:
    """Return the coverage of each of our files that has statements.

    Args:
        compiled: solc's standard-JSON output with AST and source maps.
        taken: pairs (pc, next pc) that ran, of ``creation`` and ``runtime`` code.
    """
    evm = compiled["contracts"][SOURCE][CONTRACT]["evm"]
    creation = instructions(evm["bytecode"]), taken["creation"]
    runtime = instructions(evm["deployedBytecode"]), taken["runtime"]
    ran = {where[pc][1] for where, steps in (creation, runtime) for pc, _ in steps if pc in where}
    result = {}
    for path, source in compiled["sources"].items():
        if not path.startswith(OURS):
            continue
        text = (ROOT / path).read_bytes()
        coverage = Coverage()
        for node in _nodes(source["ast"]):
            line = 1 + text.count(b"\n", 0, _range(node)[0])
            if executable := _executable(node):
                coverage.lines.add(line)
                if not any(_inside(place, executable) for place in ran):
                    coverage.missed_lines.add(line)
            if _branches(node):
                _judge_jumps(coverage, line, _range(node), [creation, runtime])
        if coverage.lines:
            result[path] = coverage
    return result


def _judge_jumps(
    coverage: Coverage, line: int, place: Range, codes: list[tuple[dict[int, Instruction], Steps]]
) -> None:
    taken = {
        following != pc + 1
        for where, steps in codes
        for pc, following in steps
        if where.get(pc, (None, None)) == (JUMPI, place)
    }
    for jumped in (True, False):
        branch = (line, place[0], jumped)
        coverage.branches.add(branch)
        if jumped not in taken:
            coverage.missed_branches.add(branch)


def instructions(code: dict[str, str]) -> dict[int, Instruction]:
    """Return opcode and origin of each instruction by its pc (source maps as in the Solidity documentation)."""
    data = bytes.fromhex(code["object"])
    result, pc, entry = {}, 0, ["0", "0", "-1"]
    for item in code["sourceMap"].split(";"):
        given = item.split(":")[:3]
        entry = [new or old for new, old in zip(given + [""] * (3 - len(given)), entry, strict=True)]
        start, length, index = map(int, entry)
        result[pc] = data[pc], (start, start + length, index)
        pc += 1 + (data[pc] - PUSH1 + 1 if PUSH1 <= data[pc] <= PUSH32 else 0)
    return result


def _nodes(node: Any) -> Iterator[Node]:
    """Walk through a syntax tree."""
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, dict):
        if "src" in node:
            yield node
        for value in node.values():
            yield from _nodes(value)


def _executable(node: Node) -> Range | None:
    """Return the part of a statement that runs whenever the statement does, None for what is no statement."""
    kind = node.get("nodeType", "")
    if kind == "IfStatement":
        return _range(node["condition"])
    if kind == "VariableDeclarationStatement":
        return _range(node) if node.get("initialValue") else None
    return _range(node) if kind in ("ExpressionStatement", "Return", "RevertStatement", "EmitStatement") else None


def _branches(node: Node) -> bool:
    return node.get("nodeType") in BRANCHING or node.get("operator") in ("&&", "||")


def _range(node: Node) -> Range:
    start, length, index = map(int, node["src"].split(":"))
    return start, start + length, index


def _inside(inner: Range, outer: Range) -> bool:
    return inner[2] == outer[2] and outer[0] <= inner[0] and inner[1] <= outer[1]


def _prepare(project: Path) -> None:
    """Copy what Brownie needs, with a configuration that leaves the optimizer out."""
    for name in ("contracts", "scripts", "tests/contracts"):
        shutil.copytree(ROOT / name, project / name)
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    config = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())
    config["compiler"]["solc"]["optimizer"] = {"enabled": False}
    (project / "brownie-config.yaml").write_text(yaml.safe_dump(config))


def compile_unoptimized() -> dict[str, Any]:
    """Return solc's output for our contracts with AST and source maps, as ``evaluate`` takes it."""
    compiler_input = standard_input()
    compiler_input["settings"]["optimizer"] = {"enabled": False}
    outputs = [f"evm.{code}.{part}" for code in ("bytecode", "deployedBytecode") for part in ("object", "sourceMap")]
    compiler_input["settings"]["outputSelection"] = {"*": {"*": outputs, "": ["ast"]}}
    return compile_with_npm(compiler_input)


def main(options: list[str]) -> int:
    """Run the tests, print a line a file and what was missed. Exit status: pytest's if it fails, else 1 under 100 %."""
    with tempfile.TemporaryDirectory() as folder:
        project, record = Path(folder) / "project", Path(folder) / "traces.json"
        project.mkdir()
        _prepare(project)
        command = [sys.executable, "-m", "tests.contracts.run", "anvil", "tests/contracts/unitary", "-q", *options]
        environment = os.environ | {
            "PYTHONPATH": str(project),
            "PYTEST_PLUGINS": "tests.contracts.tracing",
            RECORD_VARIABLE: str(record),
        }
        status = subprocess.run(command, cwd=project, env=environment, check=False).returncode
        if status:
            return status
        taken = {code: {(pc, after) for pc, after in steps} for code, steps in json.loads(record.read_text()).items()}
    files = evaluate(compile_unoptimized(), taken)
    for path, coverage in files.items():
        print(
            f"{path}: {len(coverage.lines) - len(coverage.missed_lines)} of {len(coverage.lines)} lines, "
            f"{len(coverage.branches) - len(coverage.missed_branches)} of {len(coverage.branches)} branches"
        )
        for line in sorted(coverage.missed_lines):
            print(f"  line {line} never ran")
        for line, _, jumped in sorted(coverage.missed_branches):
            print(f"  line {line}: {'never jumped' if jumped else 'always jumped'}")
    return int(not all(coverage.complete for coverage in files.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
