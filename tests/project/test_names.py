"""No identifier has one of the words that say nothing about medical images, chains or storage."""

from __future__ import annotations

import io
import keyword
import re
import subprocess
import tokenize
from collections.abc import Iterator

import pytest

from backend.settings import ROOT

BARRED = ("told", "untold", "held", "papers", "standing", "apart", "one_image")
OF_A_CONTRACT = frozenset({"test_apart", "val_apart", "apart_from"})
"""Keys of a bundle's figures, which nobody may rename."""
OF_THE_BROWSER = frozenset({("frontend/src/locks.ts", "held"), ("tests/frontend/browser.ts", "held")})
"""A field of the Web Locks API."""
COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)
TEXT = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`""")
IN_MARKUP = re.compile(
    r"""\b(?:class|id|part|slot|name|data-testid)="([^"$]*)"|[\s,{}]([.#][a-z][\w-]*)(?=[^;]*\{)|(--[a-z][\w-]*)"""
)
TITLE = re.compile(r"""(?:\b(?:it|test|describe)|\])\(\s*(["'`])(.*?)\1""")


def files(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, check=True
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def words(identifier: str) -> str:
    """``oneImageId`` and ``one-image-id`` as ``_one_image_id_``."""
    return "_" + re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).lower()) + "_"


def is_barred(identifier: str) -> bool:
    return identifier not in OF_A_CONTRACT and any(f"_{word}_" in words(identifier) for word in BARRED)


def of_python(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield token.string


def of_script(text: str) -> Iterator[str]:
    """The identifiers of TypeScript, the names in its markup and styles, and the titles of its tests."""
    code = COMMENT.sub(" ", text)
    for title in TITLE.finditer(code):
        yield title[2]
    for literal in TEXT.findall(code):
        for found in IN_MARKUP.finditer(literal):
            yield from filter(None, found.groups())
    yield from re.findall(r"[A-Za-z_$][\w$]*", TEXT.sub(" ", code))


def of_style(text: str) -> Iterator[str]:
    code = COMMENT.sub(" ", text)
    yield from re.findall(r"--[a-z][\w-]*|[.#][A-Za-z][\w-]*(?=[^;}]*\{)", code)


READERS = {".py": of_python, ".ts": of_script, ".mjs": of_script, ".css": of_style}


@pytest.mark.parametrize("suffix", READERS)
def test_identifiers_are_of_the_field(suffix: str) -> None:
    found = [
        f"{name}: {identifier}"
        for name in files(f"*{suffix}")
        for identifier in dict.fromkeys(READERS[suffix]((ROOT / name).read_text()))
        if is_barred(identifier) and (name, identifier) not in OF_THE_BROWSER
    ]
    assert found == []


def test_names_of_files_are_of_the_field() -> None:
    assert [name for name in files() if any(map(is_barred, name.removeprefix("ml/bundles/").split("/")))] == []


@pytest.mark.parametrize(
    ("suffix", "text", "expected"),
    [
        (".py", "def test_what_is_told(): held_by = 'apart'  # untold", ["test_what_is_told", "held_by"]),
        (".ts", 'const keptApart = "told"; // held\nit("is told", () => html`<p class="standing">apart</p>`)', None),
        (".ts", "css`\n.papers { --one-image-side: 1px }`", [".papers", "--one-image-side"]),
        (".css", ".is-held { color: red } /* .told */ a { --apart: 1px }", ["--apart", ".is-held"]),
    ],
)
def test_a_barred_word_is_found_wherever_an_identifier_has_it(
    suffix: str, text: str, expected: list[str] | None
) -> None:
    expected = expected or ["is told", "standing", "keptApart"]
    assert sorted(filter(is_barred, READERS[suffix](text))) == sorted(expected)
    assert not any(map(is_barred, ("upheld", "apartment", "outstanding", "withheld", "test_apart")))
