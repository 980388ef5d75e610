"""The committed compiler input against the deployed registry, by the library that Sourcify itself runs."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path

import pytest

from scripts.export_artifact import SOURCE, STANDARD_INPUT
from scripts.solc import ROOT

SCRIPT = Path(__file__).with_name("sourcify.mjs")


@pytest.fixture(scope="module")
def match(deployed):
    def match(compiler_input: dict) -> tuple[str | None, str | None]:
        """Return how code and creation code match; "perfect" is Sourcify's exact match, metadata hash included."""
        request = {
            "rpc": deployed.url,
            "chainId": deployed.web3.eth.chain_id,
            "address": deployed.address,
            "transaction": deployed.transaction,
            "compilerVersion": deployed.artifact["compiler"]["version"],
            "input": compiler_input,
        }
        done = subprocess.run(
            ["node", SCRIPT], input=json.dumps(request), capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout.splitlines()[-1])
        return answer["runtimeMatch"], answer["creationMatch"]

    return match


@pytest.fixture
def compiler_input():
    return copy.deepcopy(json.loads(STANDARD_INPUT.read_text()))


def test_the_committed_input_is_an_exact_match(match, compiler_input):
    assert match(compiler_input) == ("perfect", "perfect")


def test_a_changed_comment_is_only_a_partial_match(match, compiler_input):
    """The code is the same to the last opcode; only the metadata hash tells them apart."""
    compiler_input["sources"][SOURCE]["content"] += "// changed\n"
    assert match(compiler_input) == ("partial", "partial")


def test_a_changed_statement_is_no_match(match, compiler_input):
    source = compiler_input["sources"][SOURCE]
    changed = source["content"].replace("15 minutes", "16 minutes")
    assert changed != source["content"]
    source["content"] = changed
    assert match(compiler_input) == (None, None)


def test_a_changed_setting_is_no_match(match, compiler_input):
    compiler_input["settings"]["optimizer"]["runs"] = 1
    assert match(compiler_input) == (None, None)
