from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from PIL import Image

from backend.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(scanproof, command):
    result = scanproof(command, "--help")

    assert result.status == 0
    assert f"example:\n  scanproof {command}" in result.stdout
    assert "--json" in result.stdout


def test_the_help_lists_every_command(scanproof):
    result = scanproof("--help")

    assert result.status == 0
    listed = re.findall(r"^    (\w+) +\w.*$", result.stdout, flags=re.MULTILINE)
    assert listed == list(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "'nonsense' is no command"),
        (["cid"], "the following arguments are required: FILE"),
        (["cid", "/no/such/file"], "argument FILE: no such file: /no/such/file"),
        (["up", "--port", "70000"], "argument --port: expected a whole number from 1 to 65535, found '70000'"),
        (["up", "--port", "x"], "argument --port: expected a whole number from 1 to 65535, found 'x'"),
        (["verify"], "one of the arguments --image-id --tx --evidence is required"),
        (["verify", "--image-id", "0x12"], "argument --image-id: expected 0x and 64 hex digits, found '0x12'"),
        (["verify", "--tx", "12", "--image-id", "0x" + "ab" * 32], "argument --tx: expected 0x and 64 hex digits"),
        (["verify", "--tx", "0x" + "ab" * 32, "--rpc", "ftp://x/key"], "--rpc: expected an http or https address"),
        (["verify", "--tx", "0x" + "ab" * 32, "--rpc", "http://[key"], "--rpc: expected an http or https address"),
        (["verify", "--tx", "0x" + "ab" * 32, "--rpc", "http://x"], "--rpc and --contract belong together"),
        (
            ["verify", "--tx", "0x" + "ab" * 32, "--contract-block", "7"],
            "the block that created --contract, which is not",
        ),
        (["evaluate", "--model", "m", "--data", "/no/such"], "argument --model: expected one of the installed models"),
        (["train", "--model", "brain-mri", "--data", "/tmp", "--output", "x", "--epochs", "0"], "from 1 to"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_reported_in_words_and_as_json(scanproof, arguments, message):
    in_words = scanproof(*arguments)
    as_json = scanproof(*arguments, "--json")

    assert (in_words.status, in_words.stdout) == (2, "")
    assert message in in_words.stderr
    program = "scanproof" if arguments[0] == "nonsense" else f"scanproof {arguments[0]}"
    assert in_words.stderr.splitlines()[-1].startswith(f"{program}: ")
    assert "key" not in in_words.stderr.replace("KEY", "")
    assert (as_json.status, as_json.json["error"]["type"]) == (2, "WrongUse")
    assert message in as_json.json["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("cid image.png", 0),
        ("classify image.png", 0),
        ("analyse image.png", 0),
        ("models", 0),
        ("evaluate --model brain-mri --data data", 0),
        ("classify note.txt", 1),
        ("evaluate --model tumour-outline --data data", 2),
        ("data .", 2),
        ("cid", 2),
        ("compare --data data --models basecnn --protocol none", 2),
    ],
)
def test_the_process_ends_with_the_status_and_nothing_but_the_answer(process, tmp_path, monkeypatch, arguments, status):
    monkeypatch.chdir(tmp_path)
    Image.radial_gradient("L").save(tmp_path / "image.png")
    (tmp_path / "note.txt").write_text("no image")
    (tmp_path / "data" / "glioma").mkdir(parents=True)
    Image.radial_gradient("L").save(tmp_path / "data" / "glioma" / "a.png")
    result = process(*arguments.split(), "--json")

    assert (result.status, result.stderr) == (status, "")
    assert ("error" in result.json) == bool(status)


@pytest.mark.slow
def test_a_process_that_trains_prints_its_answer_and_its_progress_alone(process, tmp_path):
    rows = ["path,label,split"]
    for split in ("train", "val", "test"):
        for number, label in enumerate(("benign", "malignant")):
            name = f"{split}-{label}.png"
            Image.effect_noise((64, 64), 20 + 60 * number).save(tmp_path / name)
            rows.append(f"{name},{label},{split}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    options = ["--protocol", "manifest", "--models", "logistic", "--size", 32, "--epochs", 1]
    result = process("compare", "--data", tmp_path, *options, "--results", tmp_path / "results", "--json")

    assert len(result.json["written"]) == 1
    steps = [re.split("[:,]", line)[0] for line in result.stderr.splitlines()]
    assert steps == ["manifest", "manifest", "loading TensorFlow", "epoch 1 of 1", "exporting the network"]


def test_a_wrong_setting_is_reported_in_words_and_as_json(scanproof):
    message = "SCANPROOF_CHAIN must be one of ganache, anvil, external, not 'x'"
    in_words = scanproof("verify", "--tx", "0x" + "ab" * 32, SCANPROOF_CHAIN="x")
    as_json = scanproof("verify", "--tx", "0x" + "ab" * 32, "--json", SCANPROOF_CHAIN="x")

    assert (in_words.status, in_words.stdout, in_words.stderr) == (1, "", f"scanproof: {message}\n")
    assert (as_json.status, as_json.json) == (1, {"error": {"type": "ConfigurationError", "message": message}})


UNREADABLE = "/proc/self/mem"
"""A file that is there, and that cannot be read from its beginning."""


@pytest.mark.parametrize("command", ["cid", "classify"])
def test_an_error_that_nobody_foresaw_is_reported_in_words_and_as_json(scanproof, command):
    in_words = scanproof(command, UNREADABLE)
    as_json = scanproof(command, UNREADABLE, "--json")

    assert (in_words.status, in_words.stdout) == (1, "")
    assert in_words.stderr.endswith("\nscanproof: [Errno 5] Input/output error\n")
    assert "Traceback" in in_words.stderr
    assert as_json.status == 1
    assert as_json.json == {"error": {"type": "OSError", "message": "[Errno 5] Input/output error"}}
    assert "Traceback" in as_json.stderr


def test_a_process_without_standard_error_answers_on_stdout_alone(process, tmp_path):
    image = tmp_path / "image.png"
    Image.radial_gradient("L").save(image)
    expected = process("classify", image, "--json")
    command = ["sh", "-c", 'exec "$0" -m backend.cli "$@" 2>&-', sys.executable]
    answered = subprocess.run([*command, "classify", image, "--json"], env=process.environ, stdout=subprocess.PIPE)
    refused = subprocess.run([*command, "cid"], env=process.environ, stdout=subprocess.PIPE)

    assert (answered.returncode, answered.stdout.decode()) == (0, expected.stdout)
    assert (refused.returncode, refused.stdout) == (2, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        f"verify --tx 0x{'ab' * 32} --rpc http://127.0.0.1:9",
        f"verify --tx 0x{'ab' * 32} --contract-block 7",
        "registry anchor --participants 2",
        "registry status --rpc http://127.0.0.1:9",
    ],
)
def test_wrong_use_is_refused_before_web3_is_loaded(process, arguments):
    program = (
        "import sys; from backend.cli import main; status = main(sys.argv[1:]); print(status, 'web3' in sys.modules)"
    )
    command = [sys.executable, "-c", program, *arguments.split()]
    done = subprocess.run(command, env=process.environ, capture_output=True, text=True, check=True)

    assert done.stdout == "2 False\n"


SLOW_IMPORT = """
import importlib.abc, sys, time
from backend.commands import console
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "web3":
            time.sleep(1)
sys.meta_path.insert(0, Slow())
console.WAIT_S = 0.2
from backend.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        f"verify --tx 0x{'ab' * 32}",
        f"evidence 0x{'ab' * 32} --output new.zip",
        f"review 0x{'ab' * 32} --confirm --reason because",
        "registry status",
    ],
)
def test_progress_begins_before_libraries_are_imported(process, arguments):
    nowhere = ["--rpc", "http://127.0.0.1:9", "--contract", "0x" + "12" * 20]
    command = [sys.executable, "-c", SLOW_IMPORT, *arguments.split(), *nowhere]
    done = subprocess.run(command, env=process.environ, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "loading"


def test_an_error_with_a_name_that_is_no_text_is_reported_as_json(scanproof):
    result = scanproof("cid", "/no/such/\udcff", "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")


def test_options_have_one_spelling(scanproof):
    result = scanproof("cid", "README.md", "--js")

    assert (result.status, result.stdout) == (2, "")
    assert "unrecognized arguments: --js" in result.stderr


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://u:secret@h:abc/x", "DATABASE_URL is not usable: "),
        ("sqlite:////proc/x/y.db", "the database /proc/x/y.db cannot be created: No such file or directory"),
    ],
)
def test_a_database_that_cannot_be_is_reported_as_json(scanproof, url, message):
    result = scanproof("demo", "--json", DATABASE_URL=url)

    assert (result.status, result.json["error"]["type"]) == (1, "ConfigurationError")
    assert result.json["error"]["message"].startswith(message)
    assert "secret" not in result.stdout + result.stderr


def test_help_and_cid_load_nothing_heavy():
    heavy = ["web3", "eth_account", "numpy", "PIL", "flask", "sqlalchemy", "requests", "tensorflow", "ai_edge_litert"]
    program = (
        "import sys, json; from backend.cli import main; main(['cid', 'README.md']);"
        f"print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert json.loads(output.splitlines()[-1]) == []
