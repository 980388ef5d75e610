"""Settings: read once, checked, secrets hidden."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from dataclasses import asdict
from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.settings import ROOT, Secret, load, reveal

PINATA = {
    "SCANPROOF_STORAGE": "pinata",
    "PINATA_JWT": "jwt-that-nobody-may-see",
    "PINATA_GATEWAY": "https://example.mypinata.cloud",
    "PINATA_GATEWAY_TOKEN": "token-that-nobody-may-see",
}
EXTERNAL = {
    "SCANPROOF_CHAIN": "external",
    "SCANPROOF_RPC_URL": "https://node.example/key-that-nobody-may-see",
    "SCANPROOF_CHAIN_ID": "11155111",
    "SCANPROOF_CONTRACT_ADDRESS": "0x" + "ab" * 20,
}


def read(**values: str):
    return load(values, env_file=None, deployments=ROOT / "no such folder")


def test_with_nothing_set_everything_is_embedded_and_on_loopback() -> None:
    settings = read()
    assert (settings.host, settings.port, settings.chain, settings.storage) == (
        "127.0.0.1",
        5000,
        "ganache",
        "embedded",
    )
    assert settings.var == ROOT / "var"
    assert settings.rpc_url == "http://127.0.0.1:8545"


def test_secrets_do_not_show_in_repr() -> None:
    keys = dict.fromkeys(("SCANPROOF_CLINICIAN_KEY", "SCANPROOF_MODEL_ADMIN_KEY"), "key-that-nobody-may-see")
    settings = read(**PINATA, **EXTERNAL, **keys, DATABASE_URL="postgresql://u:password-that-nobody-may-see@h/d")
    assert "nobody-may-see" not in repr(settings)
    assert settings.pinata is not None
    assert settings.pinata.jwt.reveal() == "jwt-that-nobody-may-see"
    assert reveal(settings.rpc_url) == EXTERNAL["SCANPROOF_RPC_URL"]
    shown = [
        str(settings),
        f"{settings} {settings.rpc_url} {settings.clinician_key:s>9} {settings.database_url!r}",
        "{}".format(settings.pinata.jwt),  # noqa: UP032 - as old code does it
        "%s %r" % (settings.model_admin_key, settings.pinata),  # noqa: UP031
        str(asdict(settings)),
        json.dumps(asdict(settings), default=str),
        str(vars(type(settings))),
        str(copy.deepcopy(settings)),
        ", ".join(map(str, dataclasses.astuple(settings))),
    ]
    for text in shown:
        assert "nobody-may-see" not in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secrets_are_not_pickled(protocol: int) -> None:
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(read(**PINATA), protocol)
    with pytest.raises(TypeError, match="a secret is not written to files"):
        pickle.dumps(Secret("key"), protocol)


def test_equal_secrets_are_equal() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert (bool(Secret("a")), bool(Secret(""))) == (True, False)


PUBLIC = {
    "SCANPROOF_ACCOUNTS": "on",
    "SCANPROOF_PUBLIC_URL": "https://scanproof.example/",
    "SCANPROOF_TRUSTED_PROXIES": "10.0.0.5, fd00::/8",
    "SCANPROOF_SMTP_URL": "smtps://mail.example",
}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.org", "::"])
def test_an_address_that_others_can_reach_is_refused_with_the_reason(host: str) -> None:
    for lacking in ({}, *({**PUBLIC, name: ""} for name in ("SCANPROOF_PUBLIC_URL", "SCANPROOF_TRUSTED_PROXIES"))):
        with pytest.raises(ConfigurationError, match=r"must be a loopback address such as 127\.0\.0\.1.*ACCOUNTS=on"):
            read(SCANPROOF_HOST=host, **lacking)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::"])
def test_with_accounts_and_tls_in_front_others_can_reach_it(host: str) -> None:
    settings = read(SCANPROOF_HOST=host, **PUBLIC)
    assert (settings.host, settings.page_url) == (host, "https://scanproof.example")
    assert settings.local_url == ("http://192.168.1.2:5000" if host == "192.168.1.2" else "http://127.0.0.1:5000")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.5/32", "fd00::/8"]


@pytest.mark.parametrize("name", ["SCANPROOF_PUBLIC_URL", "SCANPROOF_TRUSTED_PROXIES"])
def test_without_accounts_nothing_is_public(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} needs SCANPROOF_ACCOUNTS=on: without accounts anybody may"):
        read(**{name: PUBLIC[name]})


@pytest.mark.parametrize(
    "url", ["http://scanproof.example", "https://x.example/path", "https://u@x.example", "https://X"]
)
def test_the_public_address_is_https_and_a_host(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SCANPROOF_PUBLIC_URL must be https:// and a lower-case host name"):
        read(**{**PUBLIC, "SCANPROOF_PUBLIC_URL": url})


def test_links_that_open_the_accounts_of_others_do_not_go_to_the_log() -> None:
    with pytest.raises(
        ConfigurationError, match="SCANPROOF_PUBLIC_URL needs SCANPROOF_SMTP_URL: without a mail server"
    ):
        read(**{**PUBLIC, "SCANPROOF_SMTP_URL": ""})


def test_a_network_of_proxies_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match="SCANPROOF_TRUSTED_PROXIES must be addresses or networks with commas"):
        read(**{**PUBLIC, "SCANPROOF_TRUSTED_PROXIES": "10.0.0.5/8"})


def test_a_mail_server_is_named_by_a_url_that_nobody_sees() -> None:
    settings = read(SCANPROOF_SMTP_URL="smtps://me:key-that-nobody-may-see@mail.example")
    assert "nobody-may-see" not in repr(settings)
    with pytest.raises(ConfigurationError, match="SCANPROOF_SMTP_URL must be smtp:// or smtps://") as refused:
        read(SCANPROOF_SMTP_URL="https://me:key-that-nobody-may-see@mail.example")
    assert "nobody-may-see" not in str(refused.value)


def test_with_accounts_the_page_has_a_name_for_passkeys() -> None:
    assert read(SCANPROOF_ACCOUNTS="on").page_url == "http://localhost:5000"
    assert read(SCANPROOF_ACCOUNTS="on", SCANPROOF_HOST="127.0.0.2").page_url == "http://127.0.0.2:5000"
    assert read().page_url == "http://127.0.0.1:5000"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_addresses_are_accepted(host: str) -> None:
    assert read(SCANPROOF_HOST=host).host in (host, "127.0.0.1")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "5000.5", "\u0665"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ConfigurationError, match="SCANPROOF_PORT must be a whole number from 1 to 65535"):
        read(SCANPROOF_PORT=port)


@pytest.mark.parametrize("missing", ["SCANPROOF_RPC_URL", "SCANPROOF_CHAIN_ID", "SCANPROOF_CONTRACT_ADDRESS"])
def test_an_external_chain_needs_its_settings(missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{missing} is not set, and an external chain needs it"):
        read(**{name: value for name, value in EXTERNAL.items() if name != missing})


@pytest.mark.parametrize("url", ["http://[x", "http://x:port", "http://x:99999", "ftp://x", "http://", "x"])
def test_an_address_of_a_node_must_be_one_and_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^SCANPROOF_RPC_URL must be an http or https address$"):
        read(**{**EXTERNAL, "SCANPROOF_RPC_URL": url})


@pytest.mark.parametrize("missing", ["PINATA_JWT", "PINATA_GATEWAY"])
def test_pinata_needs_its_settings(missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{missing} is not set, and SCANPROOF_STORAGE=pinata needs it"):
        read(**{name: value for name, value in PINATA.items() if name != missing})


def test_a_contract_address_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match="must be 0x and 40 hex digits, not '0x12'"):
        read(**{**EXTERNAL, "SCANPROOF_CONTRACT_ADDRESS": "0x12"})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SCANPROOF_PORT=6000\nSCANPROOF_CHAIN_PORT=9000\nSCANPROOF_STORAGE=\n")
    settings = load({"SCANPROOF_PORT": "7000"}, env_file=file)
    assert (settings.port, settings.wallet_rpc_url, settings.storage) == (7000, "http://127.0.0.1:9000", "embedded")


def test_a_choice_lists_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="SCANPROOF_CHAIN must be one of ganache, anvil, external, not 'geth'"):
        read(SCANPROOF_CHAIN="geth")
