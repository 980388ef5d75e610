from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.adapters.chain.development_accounts import ADMIN, ORDER, USER, is_guessable, is_well_known
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.wallet import Wallet
from backend.errors import ConfigurationError
from backend.settings import Secret
from scripts.development_accounts import FILE, lines

SEPOLIA = 11155111


def signer(path, chain_id: int = SEPOLIA) -> KeyFileSigner:
    return KeyFileSigner(path, chain_id=chain_id)


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "keys" / "classifier.key"


def write(path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(mode)


def test_the_first_start_makes_a_key_for_its_owner_alone(key_file):
    made = signer(key_file)

    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert [path.name for path in key_file.parent.iterdir()] == ["classifier.key"]
    assert signer(key_file).address == made.address


def test_a_loose_umask_does_not_open_the_key(key_file):
    before = os.umask(0)
    try:
        signer(key_file)
    finally:
        os.umask(before)

    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_two_installations_have_two_keys(tmp_path):
    assert signer(tmp_path / "a.key").address != signer(tmp_path / "b.key").address


def test_processes_that_start_at_once_agree_on_one_key(key_file):
    with ThreadPoolExecutor(8) as pool:
        addresses = {each.address for each in pool.map(lambda _: signer(key_file), range(8))}

    assert len(addresses) == 1
    assert [path.name for path in key_file.parent.iterdir()] == ["classifier.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_open_to_others_is_refused_with_the_remedy(key_file, mode):
    signer(key_file)
    key_file.chmod(mode)

    with pytest.raises(ConfigurationError) as raised:
        signer(key_file)
    assert str(raised.value) == (
        f"the classifier key {key_file} is readable by other users (mode {mode:o}): run chmod 600 {key_file}"
    )


@pytest.mark.parametrize("text", ["", "0x1234", "zz" * 32, "ab" * 33, "00" * 32, "ff" * 32, "\N{SNOWMAN}" * 64])
def test_a_file_without_a_key_is_refused_without_showing_it(key_file, text):
    write(key_file, text)

    with pytest.raises(
        ConfigurationError, match=r"does not hold a private key \(64 hex digits\): restore it"
    ) as raised:
        signer(key_file)
    assert not text or text not in str(raised.value)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match=r"classifier\.key cannot be used: File exists"):
        signer(tmp_path / "file" / "classifier.key")


@pytest.mark.parametrize("account", [ADMIN, USER])
def test_a_development_key_is_refused_on_a_live_chain_only(key_file, account):
    write(key_file, account.private_key)

    with pytest.raises(ConfigurationError, match=f"a well-known development key \\({account.address}\\)"):
        signer(key_file, SEPOLIA)
    for development_chain in (1337, 31337, 5777):
        assert signer(key_file, development_chain).address == account.address


def test_the_key_shows_in_no_representation(key_file):
    made = signer(key_file)
    key = key_file.read_text().strip().removeprefix("0x")

    assert key not in repr(made) + str(made)
    assert made.address in repr(made)


def test_the_well_known_accounts_are_those_of_the_mnemonics():
    import hashlib

    from eth_account import Account
    from eth_account.hdaccount import key_from_seed

    mnemonics = (
        "test test test test test test test test test test test junk",
        "myth like bonus scare over problem client lizard pioneer submit female collect",
        "brownie",
        "candy maple cake sugar pudding cream honey rich smooth crumble sweet treat",
    )
    for mnemonic in mnemonics:
        seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
        for index in (*range(20), 50, 99):
            assert is_well_known(Account.from_key(key_from_seed(seed, f"m/44'/60'/0'/0/{index}")).address)
    assert not is_well_known(Account.create().address)


GUESSABLE = [
    "0" * 63 + "1",
    f"{2**64 - 1:064x}",
    f"{ORDER - 1:064x}",
    "deadbeef" * 8,
    "0123456789abcdef" * 4,
]


@pytest.mark.parametrize("key", GUESSABLE)
def test_a_key_that_can_be_guessed_is_refused_on_a_live_chain(tmp_path, key):
    path = tmp_path / "classifier.key"
    path.write_text(f"0x{key}\n")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="a well-known development key"):
        KeyFileSigner(path, chain_id=11155111)
    assert KeyFileSigner(path, chain_id=1337).address
    with pytest.raises(ConfigurationError, match="a well-known development key"):
        Wallet("http://127.0.0.1:1", "0x" + "11" * 20, Secret(key), chain_id=11155111)


@pytest.mark.parametrize("key", [f"{2**64:064x}", "3c9229289a6125f7fdf1885a77bb12c37a8d3b4962d936f7e3084dece32a3ca1"])
def test_other_keys_are_not_called_guessable(key):
    assert not is_guessable(key)


def test_the_list_of_development_accounts_is_what_the_script_writes():
    assert FILE.read_text() == "\n".join(lines()) + "\n"
