"""Every value that can be judged from the command line, and from what is installed, is refused with exit status 2."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from backend.cli import COMMANDS
from tests.backend.commands.conftest import InProcess

ID = "0x" + "ab" * 32
ADDRESS = "0x" + "12" * 20
NO_NUMBER = "expected a whole number from"
NO_PATH = "expected a path, found an empty text"
GOOD = {
    "classify": "{image}",
    "analyse": "{image}",
    "demo": "{image}",
    "verify": f"--image-id {ID}",
    "evidence": f"{ID} --output {{new}}",
    "review": f"{ID} --confirm --reason because",
    "registry": "anchor brain-mri",
    "evaluate": "--model brain-mri --data {folder}",
    "compare": "--data {folder} --protocol paper --models basecnn",
    "report": "--output {new}",
    "train": "--model brain-mri --data {folder} --output {new}",
    "search": "--model brain-mri --data {folder}",
    "ensemble": "--members brain-mri,brain-mri-ensemble --data {folder} --output {new}",
    "join": "--members brain-mri,brain-mri-ensemble --data {folder} --output {new}",
}
"""Arguments with nothing wrong; what a case gives comes after them, and the last value of an option counts."""

CASES = [
    ("up", "--port 0", NO_NUMBER),
    ("up", "--port 65536", NO_NUMBER),
    ("up", "--port ٣", NO_NUMBER),
    ("up", "--port 6000", "--port: browsers open no page at port 6000"),
    (
        "demo",
        "--model nope",
        "expected one of the models that classify brain-mri, ",
    ),
    ("demo", "--model tumour-outline", "expected one of the models that classify"),
    ("cid", "{folder}", "expected a file: {folder} is a directory"),
    ("cid", "{missing}", "no such file: {missing}"),
    ("cid", "{image}/x", "no such file: {image}/x"),
    ("cid", "/dev/null", "expected a file: /dev/null is no regular file"),
    ("cid", "''", NO_PATH),
    ("cid", "x" * 300, "File name too long"),
    ("classify", "{folder}", "is a directory"),
    ("classify", "--model nope", "expected one of the models that classify"),
    ("classify", "--model modality-gate", "expected one of the models that classify"),
    ("classify", "--model ''", "expected one of the models that classify"),
    ("analyse", "--output {image}", "expected a directory: {image} is a file"),
    ("analyse", "--output {image}/deep/er", "expected a directory: {image} is a file"),
    ("verify", "--image-id 0x12", "expected 0x and 64 hex digits"),
    ("verify", "--tx 0x12", "expected 0x and 64 hex digits"),
    ("verify", f"--tx {ID}", "not allowed with argument"),
    ("verify", "--evidence {image}", "not allowed with argument"),
    ("verify", "--file {folder}", "is a directory"),
    ("verify", "--opening {missing}", "no such file"),
    ("verify", "--contract 0x12", "expected 0x and 40 hex digits"),
    ("verify", "--contract-block -1", NO_NUMBER),
    ("verify", "--contract-block 7", "--contract-block is the block that created --contract"),
    ("verify", f"--contract {ADDRESS}", "--rpc and --contract belong together"),
    ("verify", "--rpc ''", "expected an http or https address"),
    ("evidence", "--output {image}", "expected a new file: {image} exists"),
    ("evidence", "--output {folder}", "expected a new file: {folder} exists"),
    ("evidence", "--output {missing}/x.zip", "expected a file in an existing directory"),
    ("evidence", "--output {image}/x.zip", "expected a directory: {image} is a file"),
    ("review", "--reason ''", "expected a reason of 1 to 4,000 characters, found 0"),
    ("review", "--reason ' '", "expected a reason of 1 to 4,000 characters, found 0"),
    ("review", f"--reason {'x' * 4001}", "expected a reason of 1 to 4,000 characters, found 4,001"),
    ("review", "--reason \udcff", "expected a reason in Unicode"),
    ("review", "--reason a\u202eb", "control, direction and invisible characters, found U+202E"),
    ("review", "--reason a\x07", "control, direction and invisible characters, found U+0007"),
    ("review", "--withdraw", "not allowed with argument --confirm"),
    ("review", "--diagnosis 1", "expected 0x and 64 hex digits"),
    ("review", "--opening {folder}", "is a directory"),
    ("registry", "explode", "invalid choice: 'explode'"),
    ("registry", "register nope", "expected an installed model (brain-mri, "),
    ("registry", f"register {ID}", "expected an installed model (brain-mri, "),
    ("registry", f"anchor {ID}", "expected an installed model (brain-mri, "),
    ("registry", "retire", "retire needs the MODEL"),
    ("registry", "--participants 0", NO_NUMBER),
    ("registry", "--parent nope", "expected an installed model (brain-mri, "),
    ("registry", "--training {image}", "--training is for a MODEL that is named by its SHA-256"),
    ("registry", "status --participants 2", "are for `anchor MODEL`"),
    ("evaluate", "--model nope", "expected one of the installed models brain-mri, "),
    ("evaluate", "--data {image}", "expected a directory: {image} is a file"),
    ("evaluate", "--data {missing}", "no such directory: {missing}"),
    ("evaluate", "--split ''", "expected a name, found ''"),
    ("evaluate", "--apart-from train,", "expected names with commas between them"),
    ("evaluate", "--split test --apart-from train,test", "--apart-from test leaves nothing of --split test"),
    ("data", "{image}", "is a file"),
    ("data", "--output {new}", "--output needs DIR, whose chart it is"),
    ("data", "{folder} --output {folder}", "is a directory"),
    ("data", "{folder} --output {missing}/x.png", "expected a file in an existing directory"),
    ("compare", "--protocol foo", "expected one of the protocols manifest, paper, grouped, found 'foo'"),
    ("compare", "--protocol ''", "expected names with commas between them"),
    ("compare", "--models basecnn,foo", "expected one of the networks basecnn, "),
    ("compare", "--recipe foo", "expected one of the recipes scanproof, "),
    ("compare", "--size 8", NO_NUMBER),
    ("compare", "--size 5000", NO_NUMBER),
    ("compare", "--epochs 0", NO_NUMBER),
    ("compare", "--seed 2147483648", NO_NUMBER),
    ("compare", "--weights basecnn", "expected NAME=FILE or NAME=imagenet"),
    ("compare", "--weights foo=imagenet", "expected one of the networks"),
    ("compare", "--weights basecnn={missing}", "no such file"),
    ("compare", "--weights basecnn={image}", "that ends in .npz, .h5, .keras"),
    ("compare", "--weights mobilenet=imagenet", "--weights: expected networks of --models, found mobilenet"),
    ("compare", "--weights basecnn=imagenet --weights basecnn=imagenet", "one source of weights for each network"),
    ("compare", "--results {image}", "is a file"),
    ("report", "--output {image}", "is a file"),
    ("report", "--results {missing}", "no such directory"),
    ("report", "--data {image}", "is a file"),
    ("train", "--model nope", "expected one of the models brain-mri, "),
    ("train", "--architecture nope", "expected one of the networks basecnn, "),
    ("train", "--recipe nope", "expected one of the recipes scanproof, "),
    ("train", "--recipe {image}", "expected one of the recipes scanproof, "),
    ("train", "--size 0", NO_NUMBER),
    ("train", "--epochs x", NO_NUMBER),
    ("train", "--seed -1", NO_NUMBER),
    ("train", "--from {missing}", "no such file"),
    ("train", "--from {folder}", "no such file"),
    ("train", "--from {image}", "that ends in .npz, .h5, .keras"),
    ("train", "--output {folder}", "expected a new or empty directory"),
    ("train", "--output {image}", "is a file"),
    ("train", "--name 'A b'", "expected lower-case words and numbers"),
    ("train", "--version v1", "expected a version such as 1.0.0"),
    ("train", "--refit {missing}", "no such directory"),
    ("train", "--run {image}", "is a file"),
    ("train", "--outliers {image}", "is a file"),
    ("train", "--outliers {empty}", "--outliers: expected images in {empty}, found none"),
    ("train", "--outliers {folder} --outliers {folder}", "--outliers: expected directories of different names"),
    ("train", "--model tumour-outline --architecture basecnn", "a training of its own"),
    ("train", "--model breast-histology --epochs 3", "a training of its own"),
    ("search", "--model tumour-outline", "--model: expected a model that is trained by a recipe"),
    ("search", "--model breast-histology", "--model: expected a model that is trained by a recipe"),
    ("search", "--trials 0", NO_NUMBER),
    ("search", "--ray-address here", "expected HOST:PORT, ray://HOST:PORT or auto"),
    ("search", "--output {folder}", "is a directory"),
    ("search", "--output {image}/x.json", "is a file"),
    ("ensemble", "--members brain-mri", "expected two or more different models"),
    ("ensemble", "--members brain-mri,brain-mri", "expected two or more different models"),
    ("ensemble", "--members brain-mri,nope", "expected one of the models brain-mri, "),
    ("ensemble", "--data {image}", "is a file"),
    ("ensemble", "--output {folder}", "expected a new or empty directory"),
    ("join", "--members brain-mri", "expected two or more different models"),
    ("join", "--output {folder}/New", "the directory's name becomes the bundle's"),
    ("join", "--version ''", "expected a version such as 1.0.0"),
    ("join", "--refit {image}", "is a file"),
]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """Paths for the cases: a file, a directory with an image, an empty one, and names that are free."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "folder" / "a.png")
    Image.new("L", (8, 8)).save(tmp_path / "image.png")
    return {
        "image": tmp_path / "image.png",
        "folder": tmp_path / "folder",
        "empty": tmp_path / "empty",
        "new": tmp_path / "new",
        "missing": tmp_path / "missing",
    }


def arguments(text: str, places: dict[str, Path]) -> Iterator[str]:
    for word in text.format(**places).replace("' '", "\0").split():
        yield " " if word == "\0" else word.strip("'")


@pytest.mark.parametrize(("command", "wrong", "message"), CASES, ids=[f"{c} {w[:60]}" for c, w, _ in CASES])
def test_wrong_use_is_refused(
    scanproof: InProcess, places: dict[str, Path], command: str, wrong: str, message: str
) -> None:
    positional = not wrong.startswith("-")
    good = "" if positional else GOOD.get(command, "")
    words = [command, *arguments(good, places), *arguments(wrong, places)]
    result = scanproof(*words, "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse"), result.stdout
    assert message.format(**places) in result.json["error"]["message"]
    assert result.stderr == ""


def test_every_command_with_arguments_has_a_case() -> None:
    assert set(COMMANDS) - {command for command, _, _ in CASES} == {"models", "classifier"}


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "--data", ".", "--models", "basecnn", "--protocol", "foo"],
        ["train", "--model", "brain-mri", "--data", ".", "--output", "/tmp/new", "--recipe", "foo"],
        ["train", "--model", "breast-histology", "--data", ".", "--output", "/tmp/new", "--epochs", "3"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_refused_before_tensorflow_loads(words: list[str]) -> None:
    program = (
        "import sys, json; from backend.cli import main;"
        f"print(json.dumps([main({words}), 'tensorflow' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [2, False], done.stderr


@pytest.mark.parametrize(
    ("mistyped", "hint"),
    [("veryfi", "did you mean verify?"), ("classifyer", "did you mean classifier or classify?"), ("help", "--help")],
)
def test_a_mistyped_command_gets_a_hint(scanproof: InProcess, mistyped: str, hint: str) -> None:
    result = scanproof(mistyped)
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith(f"scanproof: {mistyped!r} is no command; ")
    assert hint in result.stderr


def test_without_a_command_the_list_goes_to_stderr(scanproof: InProcess) -> None:
    alone, asked = scanproof(), scanproof("--help")
    assert (alone.status, alone.stdout, asked.status, asked.stderr) == (2, "", 0, "")
    assert alone.stderr == f"{asked.stdout}scanproof: expected a command\n"


def test_the_version_is_that_of_the_package(scanproof: InProcess) -> None:
    from importlib.metadata import version

    assert scanproof("--version").stdout == f"scanproof {version('scanproof')}\n"
