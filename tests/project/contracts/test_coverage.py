"""The measure of coverage itself: what did not run is named, and nothing else."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.contracts.coverage import JUMPI, compile_unoptimized, evaluate, instructions
from tests.contracts.tracing import Steps

SOURCE, CONTRACT = "contracts/ImageRegistry.sol", "ImageRegistry"


@pytest.fixture(scope="module")
def compiled():
    return compile_unoptimized()


@pytest.fixture
def everything(compiled) -> dict[str, Steps]:
    """Traces in which each instruction ran, and each jump both jumped and did not."""
    evm = compiled["contracts"][SOURCE][CONTRACT]["evm"]
    codes = {"creation": evm["bytecode"], "runtime": evm["deployedBytecode"]}
    return {name: set(chain(*(((pc, pc + 1), (pc, -1)) for pc in instructions(code)))) for name, code in codes.items()}


def test_all(compiled, everything):
    files = evaluate(compiled, everything)
    assert set(files) == {"contracts/Cid.sol", SOURCE, "contracts/ModelRegistry.sol"}
    assert all(coverage.complete for coverage in files.values())


def test_nothing(compiled):
    for coverage in evaluate(compiled, {"creation": set(), "runtime": set()}).values():
        assert coverage.missed_lines == coverage.lines
        assert coverage.missed_branches == coverage.branches


@pytest.mark.parametrize("jumped", [True, False])
def test_one_way_of_one_branch(compiled, everything, jumped):
    cid = next(source["id"] for path, source in compiled["sources"].items() if path == "contracts/Cid.sol")
    code = instructions(compiled["contracts"][SOURCE][CONTRACT]["evm"]["deployedBytecode"])
    jumps = [pc for pc, (opcode, origin) in code.items() if opcode == JUMPI and origin[2] == cid]
    everything["runtime"] -= {(pc, -1 if jumped else pc + 1) for pc in jumps}
    files = evaluate(compiled, everything)
    assert not files["contracts/Cid.sol"].complete
    assert {way for _, _, way in files["contracts/Cid.sol"].missed_branches} == {jumped}
    assert files[SOURCE].complete
