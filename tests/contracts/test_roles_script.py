"""`brownie run roles`: roles are given and taken by the registry's admin, and by nobody else."""

from __future__ import annotations

import json

import pytest
from brownie import accounts, chain
from eth_account import Account
from web3 import Web3

from scripts.development_accounts import development_addresses
from scripts.export_artifact import ARTIFACT
from scripts.roles import ROLES, NotAdmin, RegistryUnknown, WrongUse, change, compromised, main, report
from tests.contracts.support import CLASSIFIER_ROLE, CLINICIAN_ROLE
from tests.contracts.test_deploy_script import CHAIN_ID, DEPLOYER, deployment, live_chain, run_deploy

pytestmark = pytest.mark.node

__all__ = ["deployment", "live_chain", "run_deploy"]
CLINICIAN = Account.from_key("0x" + 32 * "c2").address


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_granted_and_revoked_once(registry, admin, charlie, role):
    role_id = Web3.keccak(text=f"{role}_ROLE")

    assert change(registry, "grant", role, charlie.address.lower(), admin)
    assert registry.hasRole(role_id, charlie)
    block = chain.height
    assert not change(registry, "grant", role, charlie.address, admin)
    assert chain.height == block
    assert change(registry, "revoke", role, charlie.address, admin)
    assert not registry.hasRole(role_id, charlie)
    assert not change(registry, "revoke", role, charlie.address, admin)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("give", "CLINICIAN", CLINICIAN), "expected one of grant, revoke, found 'give'"),
        (
            ("grant", "ADMIN", CLINICIAN),
            "expected one of the roles CLASSIFIER, CLINICIAN, MODEL_ADMIN, SITE, found 'ADMIN'",
        ),
        (("grant", "CLINICIAN", "0x12"), "expected an address, 0x and 40 hex digits, found '0x12'"),
        (("grant", "CLINICIAN", "0x" + 40 * "0"), "expected the address of an account, found the zero address"),
    ],
    ids=["action", "role", "address", "zero"],
)
def test_wrong_arguments_are_reported(registry, admin, arguments, expected):
    block = chain.height
    with pytest.raises(WrongUse, match=f"^{expected}$"):
        change(registry, *arguments, admin=admin)
    assert chain.height == block


def test_only_the_admin_changes_roles(registry, admin, alice):
    expected = f"^expected the registry's admin {admin.address} as sender, found {alice.address}$"
    with pytest.raises(NotAdmin, match=expected):
        change(registry, "grant", "CLINICIAN", CLINICIAN, alice)


def test_a_compromised_classifier_is_reported(registry, admin, classifier):
    now = chain[-1].timestamp

    assert report(registry, classifier.address.lower(), str(now - 60), admin) == now - 60
    assert registry.compromisedSince(classifier.address) == now - 60
    assert not registry.hasRole(CLASSIFIER_ROLE, classifier.address)
    assert report(registry, classifier.address, "2023-11-14T22:13:20Z", admin) == 1_700_000_000
    assert registry.compromisedSince(classifier.address) == 1_700_000_000
    with pytest.raises(WrongUse, match=r"^expected a time before 1700000000, since when 0x.{40} is reported, found "):
        report(registry, classifier.address, "2023-11-15", admin)


@pytest.mark.parametrize(
    ("address", "since", "expected"),
    [
        ("0x12", "1", "expected an address, 0x and 40 hex digits, found '0x12'"),
        (CLINICIAN, "yesterday", "expected a time as 2026-11-28T09:30:00Z or in Unix seconds, found 'yesterday'"),
        (CLINICIAN, "0", "expected a time that has come, found '0'"),
        (CLINICIAN, "9999-01-01", "expected a time that has come, found '9999-01-01'"),
    ],
    ids=["address", "time", "zero", "future"],
)
def test_wrong_reports_are_refused(registry, admin, address, since, expected):
    block = chain.height
    with pytest.raises(WrongUse, match=f"^{expected}$"):
        report(registry, address, since, admin)
    assert chain.height == block


def test_only_the_admin_reports(registry, alice, classifier):
    with pytest.raises(NotAdmin, match=r"^expected the registry's admin "):
        report(registry, classifier.address, "1", alice)


def test_a_report_says_what_holds(registry, classifier, monkeypatch, capsys):
    monkeypatch.delenv("SCANPROOF_DEPLOYER_KEY", raising=False)
    monkeypatch.setenv("SCANPROOF_CONTRACT_ADDRESS", registry.address)
    compromised(classifier.address, "1700000000")
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"{classifier.address} is reported as compromised since 2023-11-14 22:13:20 UTC to {registry.address} "
        f"on chain {chain.id}, and is never a classifier again."
    )


def test_a_development_chain_needs_no_account(registry, monkeypatch, capsys):
    monkeypatch.delenv("SCANPROOF_DEPLOYER_KEY", raising=False)
    monkeypatch.setenv("SCANPROOF_CONTRACT_ADDRESS", registry.address)

    said = []
    for action in ("grant", "grant", "revoke"):
        main(action, "CLINICIAN", accounts[6].address)
        said.append(capsys.readouterr().out.splitlines()[-1].removeprefix(accounts[6].address))

    granted = f" holds CLINICIAN_ROLE of {registry.address} on chain {chain.id}"
    assert said == [f"{granted}.", f"{granted}, as before.", f"{granted}.".replace("holds", "does not hold")]
    assert not registry.hasRole(CLINICIAN_ROLE, accounts[6])


def test_without_a_registry_nothing_is_done(monkeypatch):
    monkeypatch.delenv("SCANPROOF_CONTRACT_ADDRESS", raising=False)
    with pytest.raises(RegistryUnknown, match=f"^expected a registry on chain {chain.id}, found none: set SCANPROOF_"):
        main("grant", "CLINICIAN", CLINICIAN)


def test_on_a_live_chain_the_recorded_registry_is_changed_but_not_for_a_development_key(
    deployment, run_deploy, live_chain
):
    assert deployment.returncode == 0, deployment.stdout
    recorded = json.loads((run_deploy.project / "deployments" / f"{CHAIN_ID}.json").read_text())
    registry = live_chain.eth.contract(recorded["address"], abi=json.loads(ARTIFACT.read_text())["abi"])
    key = {"SCANPROOF_DEPLOYER_KEY": DEPLOYER.key.hex(), "SCANPROOF_CONTRACT_ADDRESS": ""}

    def roles(*arguments: str) -> tuple[int, str]:
        done = run_deploy.brownie("run", "roles", "main", *arguments, "--network", "live-test", **key)
        return done.returncode, done.stdout

    status, said = roles("grant", "CLINICIAN", CLINICIAN)
    assert (status, registry.functions.hasRole(CLINICIAN_ROLE, CLINICIAN).call()) == (0, True), said
    assert f"{CLINICIAN} holds CLINICIAN_ROLE of {recorded['address']} on chain {CHAIN_ID}." in said

    known = development_addresses("brownie")[1]
    status, said = roles("grant", "MODEL_ADMIN", known)
    assert (status, registry.functions.hasRole(Web3.keccak(text="MODEL_ADMIN_ROLE"), known).call()) == (1, False), said
    assert f"expected a model admin of your own on chain {CHAIN_ID}, found {known}" in said
