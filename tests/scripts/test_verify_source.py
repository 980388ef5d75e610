"""Source verification against stand-ins that keep to the documented protocols."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from scripts import deployments, verify_source
from scripts.export_artifact import ARTIFACT, STANDARD_INPUT
from scripts.verifiers.http import Patience
from tests.standins.source_verifiers import ADDRESS, CHAIN_ID, KEY, TRANSACTION, Verifiers, serving

QUICK = Patience(connect_s=10, read_s=30, attempts=3, backoff_s=0.001, longest_wait_s=0.01, poll_s=0.001, total_s=30)
SERVICES = ["sourcify", "etherscan", "blockscout"]
VALUES = {"adminDelay": 86_400, "admin": "0x" + "11" * 20, "classifier": "0x" + "22" * 20}


def _patience(fault, **changes):
    """What never comes whole meets a short time-out: any other answer may come late from a busy machine."""
    return replace(QUICK, **changes, **({"read_s": 0.2} if fault in ("slow", "cut") else {}))


@pytest.fixture(scope="module")
def artifact():
    return json.loads(ARTIFACT.read_text())


@pytest.fixture
def record(artifact):
    return {
        "chainId": CHAIN_ID,
        "contract": "ImageRegistry",
        "address": ADDRESS,
        "transaction": TRANSACTION,
        "block": 7,
        "time": "2026-11-21T00:00:00Z",
        "deployer": VALUES["admin"],
        "constructorArguments": VALUES | {"encoded": deployments.encode_arguments(VALUES)},
        "compiler": artifact["compiler"],
        "standardInputSha256": hashlib.sha256(STANDARD_INPUT.read_bytes()).hexdigest(),
        "codeHash": "0x" + "ee" * 32,
    }


@pytest.fixture
def recorded(tmp_path, record):
    """The deployment is recorded in a folder of this test's own."""
    deployments.write(record, tmp_path)
    return tmp_path


@pytest.fixture
def verifiers(artifact, monkeypatch):
    monkeypatch.setenv("ETHERSCAN_API_KEY", KEY)
    source = json.loads(STANDARD_INPUT.read_text())
    arguments = deployments.encode_arguments(VALUES)
    with serving(Verifiers(source, arguments, artifact["compiler"]["version"])) as running:
        yield running


@pytest.fixture
def run(verifiers, recorded, capsys):
    def run(*arguments: str, chain: int = CHAIN_ID, patience: Patience = QUICK) -> tuple[int, str]:
        urls = (
            *("--sourcify-url", f"{verifiers.url}/sourcify"),
            *("--etherscan-url", f"{verifiers.url}/etherscan/v2/api"),
            *("--blockscout-url", f"{verifiers.url}/blockscout"),
        )
        try:
            status = verify_source.main([ADDRESS, "--chain", str(chain), *urls, *arguments], patience, recorded)
        except SystemExit as error:
            status = error.code
        output = capsys.readouterr()
        assert KEY not in output.out + output.err
        return status, output.out + output.err

    return run


def test_every_verifier_shows_the_source(run, verifiers):
    status, output = run()
    assert status == 0
    assert output.splitlines() == [
        f"sourcify    verified: https://repo.sourcify.dev/{CHAIN_ID}/{ADDRESS}",
        "etherscan   verified",
        f"blockscout  verified: {verifiers.url}/blockscout/address/{ADDRESS}?tab=contract",
    ]


def test_a_second_run_sends_no_source_to_sourcify_or_blockscout(run, verifiers):
    run()
    status, output = run()
    assert status == 0
    assert [line.split("  ")[-1].split(":")[0].strip() for line in output.splitlines()] == ["already verified"] * 3
    assert (verifiers.submissions("sourcify"), verifiers.submissions("blockscout")) == (1, 1)


@pytest.mark.parametrize("service", SERVICES)
def test_one_alone_is_asked(run, verifiers, service):
    status, output = run("--only", service)
    assert (status, len(output.splitlines())) == (0, 1)
    assert {name for name, _, _ in verifiers.seen} == {service}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("fault", [429, 500, 503, "slow", "cut"])
def test_a_passing_fault_is_waited_out(run, verifiers, service, fault):
    verifiers.faults[service] = [fault, fault]
    assert run("--only", service, patience=_patience(fault, attempts=20))[0] == 0


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("fault", "reason"), [(429, "HTTP 429"), (500, "HTTP 500"), ("slow", "ReadTimeout|Connection")]
)
def test_a_lasting_fault_is_named(run, verifiers, service, fault, reason):
    verifiers.faults[service] = [fault] * 3
    status, output = run("--only", service, patience=_patience(fault))
    assert status == 1
    assert output.startswith(f"{service:10}  FAILED: {service.capitalize()} gave no answer in 3 tries; the last: ")
    assert any(part in output for part in reason.split("|"))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("fault", "reason"), [(401, "HTTP 401"), ("html", "expected a JSON object"), ("huge", "more than 4194304 bytes")]
)
def test_a_refusal_is_not_tried_again(run, verifiers, service, fault, reason):
    verifiers.faults[service] = [fault]
    status, output = run("--only", service)
    assert (status, len(verifiers.seen)) == (1, 1)
    assert reason in output


def test_retry_after_is_kept_within_bounds(run, verifiers):
    verifiers.retry_after = "86400"
    verifiers.faults["sourcify"] = [429, 429]
    assert run("--only", "sourcify")[0] == 0


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ("sourcify", "no_match: The onchain and recompiled bytecodes don't match."),
        ("etherscan", "Fail - Unable to verify"),
        ("blockscout", "has no result after 2 s"),
    ],
)
def test_a_source_that_differs_fails(run, verifiers, service, reason):
    verifiers.match = None
    status, output = run("--only", service, patience=replace(QUICK, total_s=2))
    assert status == 1
    assert reason in output


@pytest.mark.parametrize("service", ["sourcify", "blockscout"])
def test_a_partial_match_fails(run, verifiers, service):
    verifiers.match = "match"
    status, output = run("--only", service, patience=replace(QUICK, total_s=2))
    assert status == 1
    assert "found a partial one" in output or "found match" in output


@pytest.mark.parametrize("service", ["sourcify", "blockscout"])
def test_a_partial_match_is_made_exact(run, verifiers, service):
    verifiers.partial.add(service)
    assert run("--only", service)[0] == 0


def test_a_result_that_never_comes_is_given_up(run, verifiers):
    verifiers.pending = 10**6
    status, output = run("--only", "sourcify", patience=replace(QUICK, total_s=0.05))
    assert status == 1
    assert "Sourcify took the source, but has no result after 0.05 s; ask again later" in output


@pytest.mark.parametrize("text", ["Max rate limit reached", f"Unable to locate ContractCode at {ADDRESS}"])
def test_etherscan_is_asked_again_when_it_says_so_in_words(run, verifiers, text):
    verifiers.faults["etherscan text"] = [text, text]
    assert run("--only", "etherscan")[0] == 0


def test_a_wrong_key_is_refused_and_not_shown(run, monkeypatch, capsys):
    monkeypatch.setenv("ETHERSCAN_API_KEY", "another-key")
    status, output = run("--only", "etherscan")
    assert status == 1
    assert "Etherscan refused the source: Invalid API Key (…)" in output


def test_without_a_key_etherscan_is_left_out(run, monkeypatch, verifiers):
    monkeypatch.delenv("ETHERSCAN_API_KEY")
    status, output = run()
    assert status == 0
    assert "etherscan   skipped: ETHERSCAN_API_KEY is not set" in output
    assert verifiers.submissions("etherscan") == 0
    assert run("--only", "etherscan")[0] == 1


def test_one_failure_is_the_exit_status(run, verifiers):
    verifiers.faults["etherscan"] = [500] * 3
    status, output = run()
    assert status == 1
    assert [line.split()[1] for line in output.splitlines()] == ["verified:", "FAILED:", "verified:"]


def test_a_chain_that_sourcify_does_not_know(run, record, recorded):
    deployments.write(record | {"chainId": 424_242}, recorded)
    status, output = run("--only", "sourcify", chain=424_242)
    assert status == 1
    assert "unsupported_chain: The chain with chainId 424242 is not supported" in output


def test_an_unrecorded_registry_is_wrong_use(run):
    status, output = run(chain=1)
    assert status == 2
    assert f"expected deployments/1.json to record {ADDRESS}, found nothing of it" in output


def test_a_registry_deployed_from_another_source_is_not_submitted(run, record, recorded, verifiers):
    deployments.write(record | {"standardInputSha256": "00" * 32}, recorded)
    status, output = run()
    assert (status, verifiers.seen) == (2, [])
    assert f"expected ImageRegistry.input.json with SHA-256 {'00' * 32}" in output
