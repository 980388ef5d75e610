"""`scanproof accounts`: the first administrator, and the list."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from backend.cli import main
from backend.commands import accounts

CREATE = (
    "create",
    "--role",
    "administrator",
    "--name",
    "Ada",
    "--email",
    "Ada@example.org",
    "--phone",
    "+41 44 1234567",
)
PASSWORD = "correct horse battery staple"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setenv("SCANPROOF_VAR", str(tmp_path))
    monkeypatch.setenv("SCANPROOF_ACCOUNTS", "on")
    monkeypatch.setenv("SCANPROOF_PASSWORD_MEMORY_KIB", str(19 * 1024))

    def run(*arguments: str, password: str = PASSWORD) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
        status = main(["accounts", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_first_administrator_is_made_and_listed(command) -> None:
    assert command("list")[1] == "There is no account yet.\n"
    status, out, _ = command(*CREATE)
    assert status == 0
    assert "Sign in  http://localhost:5000/sign-in" in out
    assert command("list")[1].split() == ["administrator", "ada@example.org"]
    status, out, _ = command("list", "--json")
    assert '"approved": true' in out and '"role": "administrator"' in out
    status, _, err = command(*CREATE)
    assert (status, "there is an account with the e-mail address ada@example.org already" in err) == (1, True)


def test_what_is_not_valid_is_named(command) -> None:
    status, _, err = command(*CREATE, password="12345678")
    assert (status, "password: enter a password of at least 10 characters" in err) == (1, True)


def test_without_accounts_it_says_how_to_have_them(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANPROOF_ACCOUNTS", "off")
    status, _, err = command("list")
    assert (status, "set SCANPROOF_ACCOUNTS=on to have them" in err) == (1, True)


def test_a_person_types_the_password_twice_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["one", "two"])
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))
    assert accounts._password() == ("one", "two")
