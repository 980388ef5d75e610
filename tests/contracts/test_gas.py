import json

import pytest
from brownie import web3

from scripts.export_artifact import ARTIFACT
from tests.benchmarks import gas, gas_report

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def committed():
    return json.loads(gas_report.COMMITTED.read_text())


@pytest.fixture(scope="module")
def rows(module_isolation):
    return gas.measure(web3)


@pytest.mark.parametrize("index", range(4))
def test_within_limit(rows, index):
    assert rows[index].ours <= rows[index].limit, rows[index]


@pytest.mark.parametrize("index", range(4))
def test_cheaper_than_the_naive_contract(rows, index):
    assert rows[index].ours < rows[index].naive, rows[index]


def test_committed_figures_hold(committed):
    assert gas_report.differences(committed, gas_report.measure(web3)) == [], (
        "if that is meant, run `python -m tests.benchmarks.gas_report --write`"
    )


def test_every_function_that_changes_state_is_measured(committed):
    abi = json.loads(ARTIFACT.read_text())["abi"]
    functions = {entry["name"] for entry in abi if entry.get("stateMutability") == "nonpayable" and "name" in entry}
    assert {name.split(",")[0] for name in committed} == functions | {"deployment"}


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({"a": 102_000}, []),
        ({"a": 98_000}, []),
        ({"a": 102_001}, ["a: expected 100,000 within 2 %, found 102,001 (+2.0%)"]),
        ({"a": 97_000}, ["a: expected 100,000 within 2 %, found 97,000 (-3.0%)"]),
        ({}, ["a: expected 100000, found None"]),
        ({"a": 100_000, "b": 1}, ["b: expected None, found 1"]),
    ],
)
def test_growth_and_shrinkage_are_named(measured, expected):
    assert gas_report.differences({"a": 100_000}, measured) == expected
