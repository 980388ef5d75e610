"""``scanproof shares``; the shares themselves are tested in ``crypto``."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from backend.commands import shares as command
from tests.backend.file_limit import largest_file


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    file = tmp_path / "scan.png"
    file.write_bytes(random.Random(1).randbytes(20_000))
    return file


@pytest.fixture
def folder(scanproof, scan, tmp_path):
    split(scanproof, scan, tmp_path / "shares")
    return tmp_path / "shares"


def split(scanproof, scan, folder, *more, status=0):
    done = scanproof("shares", "split", scan, "--shares", 5, "--threshold", 3, "--output", folder, "--json", *more)
    assert done.status == status, done.stdout
    return done.json


def files(folder):
    return sorted(folder.iterdir())


def pem(path: Path, key) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.mark.parametrize("compact", [(), ("--compact",)])
def test_shares_restore_the_file(scanproof, scan, tmp_path, compact):
    made = split(scanproof, scan, tmp_path / "shares", *compact)

    assert made["files"] == [str(tmp_path / "shares" / f"share-{number:02}.png") for number in range(1, 6)]
    assert made["bytes"] == sum(file.stat().st_size for file in files(tmp_path / "shares"))
    for number, choice in enumerate(itertools.islice(itertools.combinations(made["files"], 3), 3)):
        done = scanproof("shares", "combine", *choice, "--output", tmp_path / f"{number}.png", "--json")
        assert (done.status, done.json["refused"], done.json["signer"]) == (0, [], made["signer"])
        assert (tmp_path / f"{number}.png").read_bytes() == scan.read_bytes()
        assert (tmp_path / f"{number}.png").stat().st_mode & 0o777 == 0o600


def test_a_person_reads_what_to_do(scanproof, scan, tmp_path):
    done = scanproof("shares", "split", scan, "--shares", 3, "--threshold", 2, "--output", tmp_path / "d")
    assert "any 2 of them: scanproof shares combine SHARE… --output FILE" in done.stdout
    done = scanproof("shares", "combine", *files(tmp_path / "d"), "--output", tmp_path / "o.png")
    assert "the file that was split" in done.stdout


def test_an_altered_share_is_named_and_the_others_restore(scanproof, scan, folder, tmp_path):
    wrong = files(folder)[1]
    wrong.write_bytes(wrong.read_bytes()[:-100] + bytes(100))

    done = scanproof("shares", "combine", *files(folder), "--output", tmp_path / "new.png", "--json")

    assert done.status == 1
    assert [one["file"] for one in done.json["refused"]] == [str(wrong)]
    assert (tmp_path / "new.png").read_bytes() == scan.read_bytes()


def test_too_few_good_shares_write_nothing(scanproof, folder, tmp_path):
    wrong = files(folder)[1]
    wrong.write_bytes(b"no picture")

    done = scanproof("shares", "combine", *files(folder)[:3], "--output", tmp_path / "new.png", "--json")

    assert (done.status, done.json["error"]["type"]) == (1, "InvalidShares")
    assert "expected at least 3 shares of the set, found 2" in done.json["error"]["message"]
    assert f"{wrong}: expected a PNG file" in done.json["error"]["message"]
    assert not (tmp_path / "new.png").exists()


def test_sets_are_not_mixed(scanproof, scan, folder, tmp_path):
    split(scanproof, scan, tmp_path / "other")
    stranger = files(tmp_path / "other")[4]

    done = scanproof("shares", "combine", *files(folder)[:3], stranger, "--output", tmp_path / "new.png", "--json")

    assert done.status == 1
    assert f"{stranger}: expected shares of one set" in done.json["error"]["message"]
    assert str(files(folder)[0]) not in done.json["error"]["message"]
    assert not (tmp_path / "new.png").exists()


def test_each_share_is_sealed_to_its_receiver(scanproof, scan, tmp_path):
    keys = [X25519PrivateKey.generate() for _ in range(5)]
    public = tmp_path / "public.pem"
    public.write_bytes(keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    receivers = [public, *(key.public_key().public_bytes_raw().hex() for key in keys[1:])]
    made = split(scanproof, scan, tmp_path / "d", *itertools.chain(*(("--to", one) for one in receivers)))
    private = [pem(tmp_path / f"{number}.pem", key) for number, key in enumerate(keys)]
    assert made["sealed"]

    out = tmp_path / "new.png"
    done = scanproof("shares", "combine", *made["files"], "--output", out, "--json")
    assert "sealed to its receiver: give the receiver's --key" in done.json["error"]["message"]
    two = itertools.chain(*(("--key", key) for key in private[:2]))
    done = scanproof("shares", "combine", *made["files"], "--output", out, "--json", *two)
    assert done.status == 1
    assert "sealed to another key, or altered" in done.json["error"]["message"]
    three = itertools.chain(*(("--key", key) for key in private[:3]))
    done = scanproof("shares", "combine", *made["files"][:3], "--output", out, "--json", *three)
    assert done.status == 0
    assert out.read_bytes() == scan.read_bytes()


def test_a_given_key_signs_and_no_other_is_accepted(scanproof, scan, folder, tmp_path):
    key = Ed25519PrivateKey.generate()
    made = split(scanproof, scan, tmp_path / "d", "--sign", pem(tmp_path / "sign.pem", key))
    assert made["signer"] == key.public_key().public_bytes_raw().hex()

    out = ("--output", tmp_path / "new.png", "--signer", made["signer"].upper(), "--json")
    assert scanproof("shares", "combine", *files(folder), *out).status == 1
    assert scanproof("shares", "combine", *made["files"], *out).status == 0


def test_nothing_is_overwritten_unasked(scanproof, scan, folder, tmp_path):
    before = [file.read_bytes() for file in files(folder)]
    refused = split(scanproof, scan, folder, status=2)
    assert "--overwrite replaces its shares" in refused["error"]["message"]
    assert [file.read_bytes() for file in files(folder)] == before
    (folder / "share-12.png").write_bytes(b"of a larger set")
    (folder / "share-list.png").write_bytes(b"something else")
    split(scanproof, scan, folder, "--overwrite")
    assert [file.name for file in files(folder)] == [*(f"share-0{n}.png" for n in range(1, 6)), "share-list.png"]
    assert files(folder)[0].read_bytes() != before[0]

    out = tmp_path / "new.png"
    out.write_bytes(b"mine")
    combine = ("shares", "combine", *files(folder)[:3], "--output", out, "--json")
    assert scanproof(*combine).status == 2
    assert out.read_bytes() == b"mine"
    assert scanproof(*combine, "--overwrite").status == 0
    assert out.read_bytes() == scan.read_bytes()


def test_a_full_disk_leaves_nothing_behind(scanproof, scan, tmp_path):
    with largest_file(15_000):
        refused = split(scanproof, scan, tmp_path / "d", status=2)
    assert "cannot be written: File too large" in refused["error"]["message"]
    assert not (tmp_path / "d").exists()


SPLIT = ("split", "{scan}", "--output", "{new}", "--threshold", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("split", "{scan}", "--output", "{new}"), "`split` needs one FILE, --shares and --threshold"),
        ((*SPLIT, "{scan}", "--shares", 3), "unrecognized arguments"),
        (("split", "{scan}", "{scan}", *SPLIT[2:], "--shares", 3), "needs one FILE"),
        ((*SPLIT, "--shares", 1), "a threshold from 2 to as many"),
        ((*SPLIT, "--shares", 300), "expected 2 to 255 shares"),
        ((*SPLIT, "--shares", 3, "--to", "00"), "expected --to 3 times, a receiver for each share, found 1"),
        ((*SPLIT, "--shares", 3, "--output", "{scan}"), "expected a directory"),
        ((*SPLIT, "--shares", 3, "--key", "{scan}"), "--key is not for `split`"),
        ((*SPLIT, "--shares", 3, "--sign", "{scan}"), "expected a private key of Ed25519 in PEM without a password"),
        ((*SPLIT, "--shares", 2, *("--to", "{scan}") * 2), "expected a public key in PEM"),
        ((*SPLIT, "--shares", 2, *("--to", "nobody") * 2), "no such file: nobody"),
        (("combine", "{scan}", "--output", "{new}", "--compact"), "--compact is not for `combine`"),
        (("combine", "{scan}", "--output", "{scan}", "--overwrite"), "expected --output beside the shares"),
        (("combine", "{scan}", "--output", "{new}", "--key", "{scan}"), "expected a private key in PEM"),
        (("combine", "{scan}", "--output", "{new}", "--signer", "me"), "expected 64 hex digits, found 'me'"),
        (("combine", *("{scan}",) * 256, "--output", "{new}"), "expected at most 255 shares, found 256"),
    ],
)
def test_wrong_use_does_nothing(scanproof, scan, tmp_path, arguments, message):
    new = tmp_path / "new"
    named = [str(each).format(scan=scan, new=new) for each in arguments]

    done = scanproof("shares", *named, "--json")

    assert (done.status, done.json["error"]["type"]) == (2, "WrongUse")
    assert message in done.json["error"]["message"]
    assert not new.exists()


def test_large_inputs_are_refused(scanproof, scan, tmp_path, monkeypatch):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    refused = split(scanproof, large, tmp_path / "d", status=2)
    assert "expected a file of at most 33,554,432 bytes" in refused["error"]["message"]
    with large.open("r+b") as file:
        file.truncate(32 * 1024 * 1024)
    refused = split(scanproof, large, tmp_path / "d", "--shares", 40, "--threshold", 40, status=2)
    assert "choose a lower threshold or compact shares" in refused["error"]["message"]
    monkeypatch.setattr(command, "_MOST_BYTES", 10)
    done = scanproof("shares", "combine", scan, "--output", tmp_path / "new", "--json")
    assert "expected shares of at most 10 bytes in all" in done.json["error"]["message"]


def test_two_different_shares_of_one_index_are_named(scanproof, scan, tmp_path):
    """Only the signer can make them: the same set, split anew by a program that lies."""
    from dataclasses import replace

    from backend.crypto import image_shares
    from backend.crypto.noise_png import write_png

    signer = Ed25519PrivateKey.generate()
    documents = list(image_shares.split(b"picture", shares=3, threshold=2, signer=signer))
    first = image_shares.read_share(documents[0])
    false = replace(first, payload=bytes(len(first.payload)))
    documents.append(image_shares._write(false.set, 1, false.payload, signer))
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path, document in zip(paths, documents, strict=True):
        path.write_bytes(write_png(document))

    done = scanproof("shares", "combine", *paths, "--output", tmp_path / "new", "--json")

    assert done.status == 1
    assert f"{paths[0]}: two shares have the index 1" in done.json["error"]["message"]
    assert f"{paths[3]}: two shares have the index 1" in done.json["error"]["message"]
    assert str(paths[1]) not in done.json["error"]["message"]
