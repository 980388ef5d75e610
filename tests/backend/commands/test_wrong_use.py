"""Every value that can be judged from the command line, and from what is installed, is refused with exit status 2."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import COMMANDS
from tests.backend.commands.conftest import CommandLine, InProcess

ID = "0x" + "ab" * 32
ADDRESS = "0x" + "12" * 20
NO_NUMBER = "expected a whole number from"
MEMBERS = "--members brain-mri-mobile,brain-mri-128"
NO_PATH = "expected a path, found an empty text"
GOOD = {
    "classify": "{image}",
    "analyse": "{image}",
    "deidentify": "{image} --out {new}",
    "demo": "{image}",
    "verify": f"--image-id {ID}",
    "evidence": f"{ID} --output {{new}}",
    "export": f"{ID} --as pdf",
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
    ("accounts", "create --role doctor", "create needs --name, --email, --phone"),
    ("accounts", "list --role doctor", "--role, --name, --email and --phone are for `create`"),
    ("cid", "{folder}", "expected a file: {folder} is a directory"),
    ("cid", "{missing}", "no such file: {missing}"),
    ("cid", "{image}/x", "no such file: {image}/x"),
    ("cid", "/dev/null", "expected a file: /dev/null is no regular file"),
    ("cid", "''", NO_PATH),
    ("cid", "x" * 300, "File name too long"),
    ("classify", "{empty}", "expected images in {empty}, found no file"),
    ("classify", "--model nope", "expected one of the models that classify"),
    ("classify", "--model modality-gate", "expected one of the models that classify"),
    ("classify", "--model ''", "expected one of the models that classify"),
    ("analyse", "--output {image}", "expected a directory: {image} is a file"),
    ("analyse", "--output {image}/deep/er", "expected a directory: {image} is a file"),
    ("deidentify", "{missing}", "no such file: {missing}"),
    ("deidentify", "--out {image}", "expected a directory: {image} is a file"),
    ("deidentify", "{folder} --out {folder}", "expected --out outside {folder}, whose files are read, found {folder}"),
    ("deidentify", "{folder} --out {folder}/../folder/deep", "expected --out outside {folder}, whose files are read"),
    ("deidentify", "--key {missing}/key", "expected a file in an existing directory"),
    ("verify", "--image-id 0x12", "expected 0x and 64 hex digits"),
    ("verify", "--tx 0x12", "expected 0x and 64 hex digits"),
    ("verify", f"--tx {ID}", "not allowed with argument"),
    ("verify", "--evidence {image}", "not allowed with argument"),
    ("verify", "--file {empty}", "expected images in {empty}, found no file"),
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
    ("evidence", f"--contract {ADDRESS}", "--rpc and --contract belong together"),
    ("review", "--reason ''", "expected a reason of 1 to 4,000 characters, found 0"),
    ("review", "--reason ' '", "expected a reason of 1 to 4,000 characters, found 0"),
    ("review", f"--reason {'x' * 4001}", "expected a reason of 1 to 4,000 characters, found 4,001"),
    ("review", "--reason \udcff", "expected a reason in Unicode"),
    ("review", "--reason a\u202eb", "control, direction and invisible characters, found U+202E"),
    ("review", "--reason a\x07", "control, direction and invisible characters, found U+0007"),
    ("review", "--withdraw", "not allowed with argument --confirm"),
    ("review", "--diagnosis 1", "expected 0x and 64 hex digits"),
    ("review", "--opening {folder}", "is a directory"),
    ("review", "--rpc http://127.0.0.1:9", "--rpc and --contract belong together"),
    ("registry", "explode", "invalid choice: 'explode'"),
    ("registry", "register nope", "expected an installed model (brain-mri, "),
    ("registry", f"register {ID}", "expected an installed model (brain-mri, "),
    ("registry", f"anchor {ID}", "expected an installed model (brain-mri, "),
    ("registry", "retire", "retire needs the MODEL"),
    ("registry", "--participants 0", NO_NUMBER),
    ("registry", "--parent nope", "expected an installed model (brain-mri, "),
    ("registry", "--training {image}", "--training is for a MODEL that is named by its SHA-256"),
    ("registry", f"anchor {ID} --training {{image}}", "--training: expected a training record"),
    ("registry", "status --participants 2", "are for `anchor MODEL`"),
    ("registry", "status --contract-block 7", "--contract-block is the block that created --contract"),
    ("evaluate", "--model nope", "expected one of the installed models brain-mri, "),
    ("evaluate", "--data {image}", "expected a directory: {image} is a file"),
    ("evaluate", "--data {missing}", "no such directory: {missing}"),
    ("evaluate", "--split ''", "expected a name, found ''"),
    ("evaluate", "--apart-from train,", "expected names with commas between them"),
    ("evaluate", "--split test --apart-from train,test", "--apart-from test leaves nothing of --split test"),
    ("evaluate", "--split test --apart-from val --data {collection}", "expected rows of the split 'val'"),
    ("evaluate", "--data {empty}", "{empty}: expected a manifest.csv, "),
    ("evaluate", "--data {folder}", "{folder}: expected a manifest.csv, "),
    ("evaluate", "--model breast-histology --data {collection}", "expected one of the labels benign, malignant, "),
    ("evaluate", "--model tumour-outline --data {collection}", "expected the columns split, image, mask, "),
    ("data", "{image}", "is a file"),
    ("data", "{empty}", "{empty}: expected a manifest.csv, "),
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
    ("compare", "--weights basecnn={image}", "that ends in .h5, .keras, .npz"),
    ("compare", "--weights mobilenet=imagenet", "--weights: expected networks of --models, found mobilenet"),
    ("compare", "--weights basecnn=imagenet --weights basecnn=imagenet", "one source of weights for each network"),
    ("compare", "--models cnn_b --weights cnn_b=imagenet", "no ImageNet weights of cnn_b are published"),
    ("compare", "--models basecnn,alexnet --size 66", "expected at least 67 pixels a side for alexnet, found 66"),
    ("compare", "--data {empty}", "{empty}: expected a manifest.csv, "),
    ("compare", "--data {collection}", "expected images of two or more labels in {collection}, found glioma"),
    ("compare", "--data {pairs}", "expected rows of the split 'val'"),
    ("compare", "--data {pairs} --protocol manifest", "expected rows of the split 'train', found the splits none"),
    ("compare", "--data {pairs} --protocol grouped", "expected at least 5 groups (patients)"),
    ("compare", "--results {image}", "is a file"),
    ("report", "--output {image}", "is a file"),
    ("report", "--results {missing}", "no such directory"),
    ("report", "--data {image}", "is a file"),
    ("report", "--results {empty}", "expected results of scanproof compare in {empty}, found none"),
    ("report", "--data {breakhis}", "expected the images of breakhis-100x in {breakhis}, found no "),
    ("train", "--model nope", "expected one of the models brain-mri, "),
    ("train", "--architecture nope", "expected one of the networks basecnn, "),
    ("train", "--recipe nope", "expected one of the recipes scanproof, "),
    ("train", "--recipe {image}", "expected one of the recipes scanproof, "),
    ("train", "--size 0", NO_NUMBER),
    ("train", "--epochs x", NO_NUMBER),
    ("train", "--seed -1", NO_NUMBER),
    ("train", "--from {missing}", "no such file"),
    ("train", "--from {folder}", "expected the directory of a bundle, found no SHA256SUMS in {folder}"),
    ("train", "--from {image}", "that ends in .h5, .keras, .npz"),
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
    ("train", "--model modality-gate --outliers {folder}", "a training of its own"),
    ("train", "--architecture cnn_a --from imagenet", "no ImageNet weights of cnn_a are published"),
    ("train", "--architecture lite_compact --from imagenet", "no ImageNet weights of lite_compact are published"),
    (
        "train",
        "--architecture cnn_a --from {other}",
        "{other}: expected weights of cnn_a: found those of",
    ),
    ("train", "--architecture vgg16 --from {damaged}", "{damaged}: expected weights of vgg16: the file is damaged"),
    ("search", "--architecture cnn_a --from {other}", "expected weights of cnn_a: found those of another network"),
    ("compare", "--weights basecnn={other}", "expected weights of basecnn: found those of another network"),
    ("train", "--architecture cnn_a --size 31", "expected at least 32 pixels a side for cnn_a, found 31"),
    ("train", "--architecture vgg16 --size 16", "expected at least 32 pixels a side for vgg16, found 16"),
    ("train", "--model tumour-outline --size 100", "the recipe's size must be a multiple of 16"),
    ("train", "--data {folder}", "manifest.csv: there is no such file"),
    ("train", "--data {collection}", "expected rows of the split 'val', found the splits test, train"),
    ("train", "--model breast-histology --data {collection}", "expected one of the labels benign, malignant, "),
    ("train", "--model breast-histology --data {pairs}", "expected at least 5 groups (patients)"),
    ("train", "--model modality-gate --data {collection}", "manifest.csv: there is no such file"),
    ("train", "--model tumour-outline --data {collection}", "expected the columns split, image, mask, "),
    ("train", "--refit {folder}", "expected the directory of a bundle, found no SHA256SUMS in {folder}"),
    ("search", "--architecture inceptionv3 --size 74", "expected at least 75 pixels a side for inceptionv3, found 74"),
    ("search", "--architecture cnn_a --from imagenet", "no ImageNet weights of cnn_a are published"),
    ("search", "--data {empty}", "manifest.csv: there is no such file"),
    ("search", "--model tumour-outline", "--model: expected a model that is trained by a recipe"),
    ("search", "--model breast-histology", "--model: expected a model that is trained by a recipe"),
    ("search", "--trials 0", NO_NUMBER),
    ("search", "--ray-address here", "expected HOST:PORT, ray://HOST:PORT or auto"),
    ("search", "--output {folder}", "is a directory"),
    ("search", "--output {image}/x.json", "is a file"),
    ("ensemble", "--members brain-mri", "expected two or more different models"),
    ("ensemble", "--members brain-mri,brain-mri", "expected two or more different models"),
    ("ensemble", "--members brain-mri,nope", "expected one of the models brain-mri, "),
    ("ensemble", "--members brain-mri,tumour-outline", "needs members of the kind classifier"),
    ("ensemble", "--members brain-mri,breast-histology", "needs members of the labels"),
    (
        "ensemble",
        "--members brain-mri,brain-mri-128",
        "learned from train, found that brain-mri learned from train and",
    ),
    ("ensemble", f"{MEMBERS} --data {{empty}}", "manifest.csv: there is no such file"),
    ("ensemble", f"{MEMBERS} --data {{collection}}", "expected rows of the split 'val'"),
    ("ensemble", "--data {image}", "is a file"),
    ("ensemble", "--output {folder}", "expected a new or empty directory"),
    ("join", "--members brain-mri", "expected two or more different models"),
    ("join", "--output {folder}/New", "the directory's name becomes the bundle's"),
    ("join", "--version ''", "expected a version such as 1.0.0"),
    ("join", "--refit {image}", "is a file"),
    ("index", "repair", "invalid choice: 'repair'"),
    ("scrub", "--gateway ftp://gateway", "expected an http or https address"),
    ("scrub", "--orphan-hours -1", "expected a number of hours, 0 or more, found '-1'"),
    ("join", "--refit {folder}", "expected the directory of a bundle, found no SHA256SUMS in {folder}"),
    ("join", f"{MEMBERS} --data {{empty}}", "manifest.csv: there is no such file"),
    ("join", f"{MEMBERS} --data {{collection}}", "expected rows of the split 'val'"),
    ("join", "--members brain-mri-mobile,brain-mri", "with Keras weights, found none in brain-mri"),
    ("course", "0x12", "expected 0x and 64 hex digits"),
    ("export", "0x12 --as pdf", "expected 0x and 64 hex digits"),
    (
        "export",
        "--as word",
        "expected one of the kinds of export sr, seg, sc, fhir, pdf, prov, c2pa, vc, found 'word'",
    ),
    ("export", "--output {image}", "{image} exists"),
    ("export", "--diagnosis 0", NO_NUMBER),
    ("export", "--map {missing}", "no such file: {missing}"),
    ("export", "--map {image}", "--map is for the exports sr, seg, sc, fhir: leave it out"),
    ("export", "--key {image}", "--key opens a map: name one with --map, or leave it out"),
    ("kinds", "--limit 0", NO_NUMBER),
    ("shares", "share {image} --output {new}", "invalid choice: 'share'"),
    ("shares", "split {image} --output {new}", "`split` needs one FILE, --shares and --threshold"),
    ("shares", "split {missing} --output {new} --shares 3 --threshold 2", "no such"),
    ("shares", "split {image} --output {new} --shares 3 --threshold 4", "a threshold from 2 to as many"),
    ("shares", "split {image} --output {image} --shares 3 --threshold 2", "expected a directory"),
    ("shares", "combine {image} --output {new} --compact", "--compact is not for `combine`"),
    ("shares", "combine {image} --output {image}", "exists: --overwrite replaces it"),
    ("shares", "combine {image} --output {new} --signer me", "expected 64 hex digits, found 'me'"),
    ("envelope", "open {image} --output {new}", "invalid choice: 'open'"),
    ("envelope", "encrypt {image} --output {new}", "`encrypt` needs --to"),
    ("envelope", "encrypt {image} --output {folder} --to {image}", "expected a new directory"),
    ("envelope", "decrypt {image} --output {new} --wrap {image}", "`decrypt` needs --key"),
    ("envelope", "decrypt {image} --output {image} --wrap {image} --key {image}", "expected a new file"),
    ("keys", "dsa --output {new}", "invalid choice: 'dsa'"),
    ("keys", "rsa --output {image}", "expected a new file"),
    ("lab", "encrypt {image}", "invalid choice: 'encrypt'"),
    ("lab", "hide {image} --output {new}", "`hide` needs --message"),
    ("lab", "measure {image} --output {new}", "--output is not for `measure`"),
    ("lab", "reveal {image} --output {image}", "expected a new file"),
    ("pacs", "send", "invalid choice: 'send'"),
    ("pacs", "watch", "FOLDER belongs to `watch`, which needs it"),
    ("pacs", "receive {folder}", "FOLDER belongs to `watch`, which needs it"),
    ("pacs", "watch {missing}", "no such"),
    ("pacs", "watch {folder} --port 11113", "--port, --aet and --allow are for `receive`"),
    ("pacs", "receive --remove", "--remove is for `watch`"),
    ("pacs", "receive --port 0", NO_NUMBER),
    ("pacs", "receive --aet 12345678901234567", "expected an AE title of 1 to 16 characters"),
    ("pacs", "receive --allow @host", "expected an AE title of 1 to 16 characters"),
    ("pacs", "receive --allow CT1@nowhere.invalid", "the host 'nowhere.invalid' of the AE title CT1 is not known"),
]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """Paths for the cases: a file, a directory with an image, an empty one, collections, and names that are free."""
    for name in ("folder", "empty", "collection", "pairs", "breakhis-100x"):
        (tmp_path / name).mkdir()
    for name in ("image.png", "folder/a.png", "collection/a.png", "collection/b.png", "pairs/a.png", "pairs/b.png"):
        Image.new("L", (8, 8)).save(tmp_path / name)
    (tmp_path / "collection" / "manifest.csv").write_text("path,label,split\na.png,glioma,train\nb.png,glioma,test\n")
    (tmp_path / "pairs" / "manifest.csv").write_text("path,label\na.png,benign\nb.png,malignant\n")
    np.savez(tmp_path / "other.npz", **{"logits/kernel": np.zeros((4, 4)), "logits/bias": np.zeros(4)})
    (tmp_path / "damaged.h5").write_bytes(b"PK")
    names = {"image": "image.png", "breakhis": "breakhis-100x", "other": "other.npz", "damaged": "damaged.h5"}
    known = (*names, "folder", "empty", "collection", "pairs", "new", "missing")
    return {name: tmp_path / names.get(name, name) for name in known}


def arguments(text: str, places: dict[str, Path]) -> Iterator[str]:
    for word in text.format(**places).replace("' '", "\0").split():
        yield " " if word == "\0" else word.strip("'")


def words_of(command: str, wrong: str, places: dict[str, Path]) -> list[str]:
    """The case's arguments, after good ones where it starts with an option."""
    good = GOOD.get(command, "") if wrong.startswith("-") else ""
    return [command, *arguments(good, places), *arguments(wrong, places)]


@pytest.mark.parametrize(("command", "wrong", "message"), CASES, ids=[f"{c} {w[:60]}" for c, w, _ in CASES])
def test_wrong_use_is_refused(
    scanproof: InProcess, places: dict[str, Path], command: str, wrong: str, message: str
) -> None:
    result = scanproof(*words_of(command, wrong, places), "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse"), result.stdout
    assert message.format(**places) in result.json["error"]["message"]
    assert result.stderr == ""
    assert not places["new"].exists()


def test_every_command_with_arguments_has_a_case() -> None:
    assert set(COMMANDS) - {command for command, _, _ in CASES} == {"models", "classifier"}


HEAVY = {
    *("tensorflow", "keras", "ray", "matplotlib", "scipy", "sklearn", "skimage", "cv2"),
    *("web3", "eth_account", "flask", "sqlalchemy", "requests"),
}
PROGRAM = f"""
import json, sys
from backend.cli import main
found = []
for words in json.load(sys.stdin):
    before = set(sys.modules)
    found.append([main(words), sorted({HEAVY} & (sys.modules.keys() - before))])
print(json.dumps(found))
"""
"""Runs each case, and prints its status and what it imported: one process for all, as each takes a second to start."""


def test_wrong_use_is_refused_before_anything_heavy_is_imported(process: CommandLine, places: dict[str, Path]) -> None:
    cases = [words_of(command, wrong, places) for command, wrong, _ in CASES]
    cases.append(["verify", "--evidence", str(places["image"])])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=process.environ,
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert [(words, *each) for words, each in zip(cases, found, strict=True) if each != [2, []]] == []


def test_an_image_that_the_demonstration_cannot_use_is_refused_before_the_chain_starts(
    process: CommandLine, places: dict[str, Path]
) -> None:
    places["image"].write_bytes(b"no image")
    result = process("demo", places["image"], "--json")
    assert (result.status, result.json["error"]["type"]) == (1, "UnsupportedImage")
    assert not (Path(process.environ["SCANPROOF_VAR"]) / "chain").exists()


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
