"""Gas beside EAS and the naive contract: deterministic, so that it may be asserted. Throughput is not."""

from __future__ import annotations

import pytest
from web3 import HTTPProvider, Web3

from tests.benchmarks.attestations import CHAIN_ID, measure, table
from tests.chains import running_anvil


@pytest.fixture(scope="module")
def results():
    with running_anvil(CHAIN_ID) as url:
        return measure(Web3(HTTPProvider(url)), records=3)


@pytest.mark.parametrize(
    ("name", "most"), [("EAS.attest", 0.22), ("EAS.attestByDelegation", 0.22), ("naive, two transactions", 0.42)]
)
def test_image_and_diagnosis_take_a_fraction_of_the_gas(results, name, most):
    gas = {each.name: each.gas for each in results}
    assert gas["ImageRegistry.registerWithDiagnosis"] <= most * gas[name]


def test_the_table_has_a_row_for_each(results):
    assert [row.split(" | ")[0] for row in table(results).splitlines()[2:]] == [f"| {each.name}" for each in results]
