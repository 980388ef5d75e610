"""What a person can set, run or call is documented; what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend import settings
from backend.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
ENV_EXAMPLE = (ROOT / ".env.example").read_text()


def settings_in_code() -> set[str]:
    source = Path(settings.__file__).read_text()
    return set(re.findall(r'"((?:SCANPROOF|PINATA)_[A-Z_]+|DATABASE_URL)"', source))


def test_every_setting_is_in_the_example_and_every_example_is_a_setting() -> None:
    documented = set(re.findall(r"^#?([A-Z][A-Z_]+)=", ENV_EXAMPLE, flags=re.MULTILINE))
    assert documented == settings_in_code()


def test_the_defaults_in_the_example_are_the_defaults_in_the_code() -> None:
    written = dict(re.findall(r"^([A-Z][A-Z_]+)=(.+)$", ENV_EXAMPLE, flags=re.MULTILINE))
    assert settings.load(written, env_file=None) == settings.load({}, env_file=None)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"scanproof {command}" in README


def test_the_readme_names_no_missing_file() -> None:
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert linked
    assert [path for path in linked if not (ROOT / path).exists()] == []
