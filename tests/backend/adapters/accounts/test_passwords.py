"""Passwords: argon2id with the parameters that were set, and what can be guessed."""

from __future__ import annotations

import queue
import threading

import pytest

from backend.adapters.accounts import passwords
from backend.adapters.accounts.passwords import Argon2Hasher, ZxcvbnJudge
from backend.errors import ServerBusy
from backend.settings import load

QUICK = Argon2Hasher(64)


def test_a_hash_is_argon2id_with_the_memory_of_the_settings() -> None:
    assert QUICK.hash("secret").startswith("$argon2id$v=19$m=64,t=3,p=1$")
    assert load({}, env_file=None).password_memory_kib == 64 * 1024


def test_each_hash_has_a_salt_of_its_own_and_verifies_its_password_only() -> None:
    first, second = QUICK.hash("secret"), QUICK.hash("secret")
    assert first != second
    assert QUICK.verify(first, "secret") and QUICK.verify(second, "secret")
    assert not QUICK.verify(first, "Secret")


@pytest.mark.parametrize("password_hash", [None, "", "$argon2id$broken", "plain text"])
def test_what_is_no_hash_verifies_nothing(password_hash: str | None) -> None:
    assert not QUICK.verify(password_hash, "the password of nobody")


def test_a_hash_of_other_parameters_is_outdated() -> None:
    assert Argon2Hasher(128).is_outdated(QUICK.hash("secret"))
    assert not QUICK.is_outdated(QUICK.hash("secret"))


def test_few_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait for a while, and then are refused."""
    monkeypatch.setattr(passwords, "_WAIT_S", 0.01)
    hasher, release = Argon2Hasher(64), threading.Event()
    entered = threading.Semaphore(0)

    def occupy() -> None:
        with hasher._slot():
            entered.release()
            release.wait(30)

    threads = [threading.Thread(target=occupy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert entered.acquire(timeout=30)
    with pytest.raises(ServerBusy, match="too many people sign in at the moment"):
        hasher.hash("secret")
    release.set()
    for thread in threads:
        thread.join()
    assert hasher.hash("secret")


def test_few_requests_wait_and_the_others_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAIT_S", 60.0)
    hasher, release = Argon2Hasher(64), threading.Event()
    refused: queue.Queue[str] = queue.Queue()

    def occupy() -> None:
        try:
            with hasher._slot():
                release.wait(60)
        except ServerBusy as error:
            refused.put(str(error))

    threads = [threading.Thread(target=occupy) for _ in range(10)]
    for thread in threads:
        thread.start()
    assert [refused.get(timeout=30) for _ in range(2)] == ["too many people sign in at the moment"] * 2
    assert refused.empty()
    release.set()
    for thread in threads:
        thread.join()
    assert refused.empty()
    assert hasher.hash("secret")


@pytest.mark.parametrize("password", ["password", "12345678", "qwertyuiop", "aaaaaaaaaaaaaaaa", "janedoejane"])
def test_what_is_often_chosen_or_known_of_the_person_is_weak(password: str) -> None:
    assert ZxcvbnJudge().weakness(password, ["Jane", "Doe", "1970", "by"])


def test_a_passphrase_is_strong_however_long() -> None:
    assert ZxcvbnJudge().weakness("correct horse battery staple", []) == ""
    assert ZxcvbnJudge().weakness("correct horse battery staple " * 8, [""]) == ""


def test_what_follows_forty_characters_is_not_judged() -> None:
    assert ZxcvbnJudge().weakness("ab" * 20 + "correct horse battery staple", [])
