import pytest
from brownie import web3

from tests.benchmarks.gas import measure


@pytest.fixture(scope="module")
def rows(module_isolation):
    return measure(web3)


@pytest.mark.parametrize("index", range(4))
def test_within_limit(rows, index):
    assert rows[index].ours <= rows[index].limit, rows[index]


@pytest.mark.parametrize("index", range(4))
def test_cheaper_than_the_naive_contract(rows, index):
    assert rows[index].ours < rows[index].naive, rows[index]
