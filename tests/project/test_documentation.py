"""What a person can set, run or call is documented; what is documented exists; no link is dead."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import pytest

from backend import settings
from backend.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
MADE_BY_TOOLS = {"build", "node_modules", "reports", "test-results", "var"}
OWN_FOLDERS = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in MADE_BY_TOOLS]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for folder in OWN_FOLDERS if folder.name[0] != "." for page in folder.rglob("*.md"))]
)
# A model's card is part of its bundle, which never changes: it may speak of commands that are gone.
GUIDES = [page for page in PAGES if "bundles" not in page.parts]
ALWAYS = {"--help", "--json"}


def settings_in_code() -> set[str]:
    source = Path(settings.__file__).read_text()
    return set(re.findall(r'"((?:SCANPROOF|PINATA)_[A-Z_]+|DATABASE_URL)"', source))


def test_every_setting_is_in_the_example_and_every_example_is_a_setting() -> None:
    documented = set(re.findall(r"^#?([A-Z][A-Z_]+)=", ENV_EXAMPLE, flags=re.MULTILINE))
    assert documented == settings_in_code()


def test_the_defaults_in_the_example_are_the_defaults_in_the_code() -> None:
    written = dict(re.findall(r"^([A-Z][A-Z_]+)=(.+)$", ENV_EXAMPLE, flags=re.MULTILINE))
    assert settings.load(written, env_file=None) == settings.load({}, env_file=None)


def arguments_of(command: str) -> dict[str, str]:
    """Every argument of a command, positional ones too: its name, and how help writes it with its value."""
    parser = argparse.ArgumentParser(add_help=False)
    importlib.import_module(f"backend.commands.{command}").add_arguments(parser)
    return dict(map(_written, parser._actions))


def _written(action: argparse.Action) -> tuple[str, str]:
    value = action.metavar or action.dest.upper()
    name = action.option_strings[0] if action.option_strings else value
    if action.nargs == 0 or not action.option_strings:
        return name, name
    return name, f"{name} [{value}]" if action.nargs == "?" else f"{name} {value}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_with_its_arguments_and_an_example(command: str) -> None:
    guide = (ROOT / "docs" / "COMMANDS.md").read_text()
    section = guide.partition(f"\n### scanproof {command}\n")[2].partition("\n##")[0]
    documented = re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)
    assert sorted(documented) == sorted(arguments_of(command).values())
    assert f"\n    uv run scanproof {command}" in section


def test_commands_and_options_that_pages_use_exist() -> None:
    wrong = [
        f"{page.relative_to(ROOT)}: {use}"
        for page in GUIDES
        for use in re.findall(
            r"(?:^ *|`|uv run )(scanproof [a-z]+[^`\n|]*)", page.read_text().replace("\\\n", ""), re.MULTILINE
        )
        if not _exists(use)
    ]
    assert wrong == []


def _exists(use: str) -> bool:
    command = use.split()[1]
    return command in COMMANDS and set(re.findall(r"--[a-z-]+", use)) <= {*arguments_of(command), *ALWAYS}


@pytest.mark.parametrize(
    "guide", [guide for guide in GUIDES if guide.name != "CHANGELOG.md"], ids=lambda guide: guide.stem
)
def test_files_that_pages_name_exist(guide: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(folder.name for folder in OWN_FOLDERS)})/[\w./-]+)`", guide.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("guide", PAGES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_no_link_is_dead(guide: Path) -> None:
    dead = [link for link in links_of(guide.read_text()) if not leads_somewhere(guide, link)]
    assert dead == []


def links_of(text: str) -> list[str]:
    """Where Markdown links and pictures lead, but for other sites; code is left out."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`(?!\])", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", prose)


def leads_somewhere(guide: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (guide.parent / path).resolve() if path else guide
    return target.exists() and (not anchor or anchor in anchors_of(target.read_text()))


def anchors_of(text: str) -> set[str]:
    """The anchors that GitHub gives to headings: lower case, without punctuation, spaces as hyphens, counted."""
    anchors: set[str] = set()
    for heading in re.findall(
        r"^#{1,6} +(.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.M
    ):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
        plain = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = sum(re.fullmatch(rf"{re.escape(plain)}(-\d+)?", other) is not None for other in anchors)
        anchors.add(f"{plain}-{count}" if count else plain)
    return anchors
