"""``scanproof envelope``; the envelope itself is tested in ``crypto``."""

from __future__ import annotations

import hashlib
import random
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backend.adapters.ipfs.unixfs import cid_of
from backend.crypto import envelope
from backend.crypto.openings import Opening, commitment, decrypt_opening
from backend.crypto.wraps import read_recipient, read_recipient_key, unwrap, wrap
from tests.backend.file_limit import largest_file

MANIFEST = b'{"schema":"scanproof.manifest/1","salt":"\xc3\xa4"}'


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Three chunks."""
    file = tmp_path / "scan.dcm"
    file.write_bytes(random.Random(1).randbytes(600_000))
    return file


@pytest.fixture
def key(scanproof, tmp_path) -> Path:
    scanproof("keys", "x25519", "--output", tmp_path / "me.pem")
    return tmp_path / "me.pem"


@pytest.fixture
def private(scanproof, scan, key, tmp_path) -> dict:
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(MANIFEST)
    return encrypt(scanproof, scan, tmp_path / "private", "--to", f"{key}.pub", "--manifest", manifest)


def encrypt(scanproof, scan, folder, *more, status=0) -> dict:
    done = scanproof("envelope", "encrypt", scan, "--output", folder, "--json", *more)
    assert done.status == status, done.stdout
    return done.json


def decrypt(scanproof, private, key, output, *more, status=0, **changed) -> dict:
    named = {"envelope": private["envelope"], "wrap": private["wraps"][0]["file"], **changed}
    given = ("envelope", "decrypt", named["envelope"], "--wrap", named["wrap"], "--key", key, "--output", output)
    done = scanproof(*given, "--json", *more)
    assert done.status == status, done.stdout
    return done.json


def refused(scanproof, private, key, tmp_path, *more, status=1, **changed) -> str:
    """The message; nothing may be left of it."""
    before = sorted(tmp_path.rglob("*"))
    found = decrypt(scanproof, private, key, tmp_path / "new", *more, status=status, **changed)
    assert found["error"]["type"] == ("InvalidInput" if status == 1 else "WrongUse")
    assert sorted(tmp_path.rglob("*")) == before
    return found["error"]["message"]


def content_key(private, key) -> bytes:
    wrapped = Path(private["wraps"][0]["file"]).read_bytes()
    return unwrap(wrapped, read_recipient_key(key.read_bytes()), private["cid"].encode())


def bound(content: bytes, private, key, tmp_path) -> dict[str, Path]:
    """An envelope that whoever has the content key altered and wrapped the key for."""
    public = read_recipient(Path(f"{key}.pub").read_bytes())
    other, wrapped = tmp_path / "other", tmp_path / "other.wrap"
    other.write_bytes(content)
    wrapped.write_bytes(wrap(content_key(private, key), public, cid_of(content).encode()))
    return {"envelope": other, "wrap": wrapped}


def test_the_file_comes_back(scanproof, scan, key, private, tmp_path):
    new, manifest = tmp_path / "new", tmp_path / "new.json"
    opening = ("--opening", private["opening"], "--manifest", manifest, "--commitment", private["commitment"])

    done = decrypt(scanproof, private, key, new, *opening)

    assert new.read_bytes() == scan.read_bytes()
    assert new.stat().st_mode & 0o777 == 0o600
    assert manifest.read_bytes() == MANIFEST
    assert done == {
        "file": str(new),
        "bytes": 600_000,
        "sha256": hashlib.sha256(scan.read_bytes()).hexdigest(),
        "cid": private["cid"],
        "commitment": private["commitment"],
        "compared": True,
        "manifest": str(manifest),
        "manifestHash": "0x" + hashlib.sha256(MANIFEST).hexdigest(),
    }


def test_what_is_written_is_what_it_says(scan, key, private, tmp_path):
    folder, cid = tmp_path / "private", private["cid"]
    assert sorted(file.name for file in folder.iterdir()) == [cid, f"{cid}.opening", f"{cid}.wrap-01"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert cid_of((folder / cid).read_bytes()) == cid
    assert private["envelopeBytes"] == (folder / cid).stat().st_size == envelope.encrypted_length(600_000)
    assert private["openingBytes"] == Path(private["opening"]).stat().st_size
    assert private["bytes"] == 600_000
    opening = decrypt_opening(Path(private["opening"]).read_bytes(), content_key(private, key))
    assert opening.manifest.encode() == MANIFEST
    made = commitment(opening.salt, hashlib.sha256(scan.read_bytes()).digest())
    assert private["commitment"] == f"0x{made.hex()}"


def test_each_receiver_has_a_wrap(scanproof, scan, key, tmp_path):
    scanproof("keys", "rsa", "--output", tmp_path / "rsa.pem")
    digits = X25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    to = ("--to", f"{key}.pub", "--to", tmp_path / "rsa.pem.pub", "--to", digits)
    made = encrypt(scanproof, scan, tmp_path / "a" / "b", *to)

    assert made["manifestHash"] is None
    assert [one["to"] for one in made["wraps"]] == [f"{key}.pub", str(tmp_path / "rsa.pem.pub"), digits]
    for number, own in enumerate((key, tmp_path / "rsa.pem")):
        new = tmp_path / f"{number}.new"
        done = decrypt(scanproof, made, own, new, wrap=made["wraps"][number]["file"])
        assert (done["commitment"], done["manifestHash"], done["compared"]) == (None, None, False)
        assert new.read_bytes() == scan.read_bytes()
    assert "not wrapped for this recipient" in refused(scanproof, made, tmp_path / "rsa.pem", tmp_path)


@pytest.mark.parametrize("size", [0, 1, 256 * 1024 - 8, 256 * 1024])
def test_files_of_any_length_come_back(scanproof, scan, key, tmp_path, size):
    scan.write_bytes(bytes(size))
    made = encrypt(scanproof, scan, tmp_path / "private", "--to", f"{key}.pub")
    decrypt(scanproof, made, key, tmp_path / "new", "--opening", made["opening"], "--commitment", made["commitment"])
    assert (tmp_path / "new").read_bytes() == bytes(size)


def test_a_person_reads_what_to_do(scanproof, scan, key, tmp_path):
    done = scanproof("envelope", "encrypt", scan, "--to", f"{key}.pub", "--output", tmp_path / "d")
    assert "the only file that may be public" in done.stdout
    (sealed,) = (tmp_path / "d").glob("*.opening")
    cid = sealed.stem
    given = ("--wrap", tmp_path / "d" / f"{cid}.wrap-01", "--key", key, "--opening", sealed)
    done = scanproof("envelope", "decrypt", tmp_path / "d" / cid, *given, "--output", tmp_path / "new")
    assert "compare it with the record's" in done.stdout


def test_another_key_opens_nothing(scanproof, private, tmp_path):
    scanproof("keys", "x25519", "--output", tmp_path / "other.pem")
    assert "not wrapped for this recipient" in refused(scanproof, private, tmp_path / "other.pem", tmp_path)


def test_an_altered_envelope_is_not_that_of_the_wrap(scanproof, private, key, tmp_path):
    path = Path(private["envelope"])
    content = path.read_bytes()
    for wrong in (content[:-1], content + b"\0", content[:-1] + bytes([content[-1] ^ 1]), b""):
        path.write_bytes(wrong)
        message = refused(scanproof, private, key, tmp_path)
        assert f"the CID of {path} is {cid_of(wrong)}" in message


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "chunk 2 was altered"),
        (lambda content: content[:-1], "ends within chunk 2"),
        (lambda content: content[:-200_000], "ends within chunk 1"),
        (lambda content: content + b"\0", "bytes follow the last chunk"),
        (lambda content: content[:30] + b"\0" + content[31:], "made for another key, or its header was altered"),
        (lambda content: b"a picture", "expected an envelope, which begins with"),
    ],
)
def test_nothing_is_written_before_the_last_chunk(scanproof, private, key, tmp_path, alter, message):
    """Even where whoever altered it can wrap the key."""
    wrong = bound(alter(Path(private["envelope"]).read_bytes()), private, key, tmp_path)
    assert message in refused(scanproof, private, key, tmp_path, **wrong)


def test_an_opening_is_no_file(scanproof, private, key, tmp_path):
    sealed = Path(private["opening"]).read_bytes()
    wrong = bound(sealed, private, key, tmp_path)
    assert "expected an envelope of kind 1, found 2" in refused(scanproof, private, key, tmp_path, **wrong)
    file = ("--opening", private["envelope"])
    assert "expected an envelope of kind 2, found 1" in refused(scanproof, private, key, tmp_path, *file)


def test_a_swapped_opening_is_refused(scanproof, scan, private, key, tmp_path):
    other = encrypt(scanproof, scan, tmp_path / "second", "--to", f"{key}.pub")
    message = refused(scanproof, private, key, tmp_path, "--opening", other["opening"])
    assert message.startswith(f"{other['opening']}: the envelope was made for another key")

    mine = tmp_path / "mine.opening"
    mine.write_bytes(Opening.new("").encrypt(content_key(private, key)))
    given = ("--opening", mine, "--commitment", private["commitment"])
    message = refused(scanproof, private, key, tmp_path, *given)
    assert f"expected the commitment {private['commitment']}, found 0x" in message
    assert "holds no manifest" in refused(
        scanproof, private, key, tmp_path, "--opening", mine, "--manifest", tmp_path / "m"
    )
    mine.write_bytes(bytes(3_000_000))
    assert "expected an opening of at most" in refused(scanproof, private, key, tmp_path, "--opening", mine)


def test_nothing_is_overwritten(scanproof, scan, private, key, tmp_path):
    for there in (tmp_path / "private", scan):
        found = encrypt(scanproof, scan, there, "--to", f"{key}.pub", status=2)
        assert "expected a" in found["error"]["message"]
    assert len(list((tmp_path / "private").iterdir())) == 3
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    found = decrypt(scanproof, private, key, mine, status=2)
    assert f"{mine} exists" in found["error"]["message"]
    opening = ("--opening", private["opening"], "--manifest", mine)
    assert f"{mine} exists" in refused(scanproof, private, key, tmp_path, *opening, status=2)
    assert mine.read_bytes() == b"mine"


def test_a_full_disk_leaves_nothing_behind(scanproof, scan, private, key, tmp_path):
    with largest_file(300_000):
        found = encrypt(scanproof, scan, tmp_path / "a" / "b", "--to", f"{key}.pub", status=2)
        assert "cannot be written: File too large" in found["error"]["message"]
        assert not (tmp_path / "a").exists()
        assert not list(tmp_path.glob(".*"))
        message = refused(scanproof, private, key, tmp_path, status=2)
    assert "cannot be written: File too large" in message


def test_a_file_that_grows_is_refused(scanproof, key, tmp_path):
    """Linux says that this one is empty, and gives more."""
    found = encrypt(scanproof, "/proc/version", tmp_path / "d", "--to", f"{key}.pub", status=1)
    assert "/proc/version changed while it was read: expected 0 bytes, found more" in found["error"]["message"]
    assert not (tmp_path / "d").exists()
    assert not list(tmp_path.glob(".*"))


ENCRYPT, DECRYPT = ("encrypt", "{scan}", "--output", "{new}"), ("decrypt", "{scan}", "--output", "{new}")
WITH_KEY = ("--wrap", "{scan}", "--key", "{key}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (ENCRYPT, "`encrypt` needs --to"),
        ((*ENCRYPT, "--to", "{scan}"), "expected a public key in PEM"),
        ((*ENCRYPT, "--to", "nobody"), "no such file: nobody"),
        ((*ENCRYPT, *("--to", "{key}.pub") * 100), "expected --to at most 99 times, found 100"),
        ((*ENCRYPT, "--to", "{key}.pub", "--key", "{key}"), "--key is not for `encrypt`"),
        ((*ENCRYPT, "--to", "{key}.pub", "--manifest", "{scan}"), "expected a manifest of at most 65,536 bytes"),
        ((*ENCRYPT, "--to", "{key}.pub", "--manifest", "{latin}"), "expected a manifest in UTF-8"),
        (DECRYPT, "`decrypt` needs --wrap"),
        ((*DECRYPT, "--wrap", "{scan}"), "`decrypt` needs --key"),
        ((*DECRYPT, *WITH_KEY, "--to", "{key}.pub"), "--to is not for `decrypt`"),
        ((*DECRYPT, *WITH_KEY, "--manifest", "{new}2"), "--manifest needs --opening"),
        ((*DECRYPT, *WITH_KEY, "--commitment", "0x" + "0" * 64), "--commitment needs --opening"),
        ((*DECRYPT, *WITH_KEY, "--commitment", "0x0"), "expected 0x and 64 hex digits"),
        ((*DECRYPT, *WITH_KEY, "--opening", "{scan}", "--manifest", "{new}"), "expected two files"),
        ((*DECRYPT, "--wrap", "{scan}", "--key", "{key}.pub"), "expected a private key in PEM"),
    ],
)
def test_wrong_use_does_nothing(scanproof, scan, key, tmp_path, arguments, message):
    (tmp_path / "latin").write_bytes(b"\xe4")
    new = tmp_path / "new"
    named = [str(each).format(scan=scan, new=new, key=key, latin=tmp_path / "latin") for each in arguments]

    done = scanproof("envelope", *named, "--json")

    assert (done.status, done.json["error"]["type"]) == (2, "WrongUse")
    assert message in done.json["error"]["message"]
    assert not new.exists()


def test_a_file_of_more_than_a_tebibyte_is_refused(scanproof, scan, key, tmp_path, monkeypatch):
    monkeypatch.setattr(envelope, "LARGEST_PADDED", 599_999)
    found = encrypt(scanproof, scan, tmp_path / "d", "--to", f"{key}.pub", status=2)
    assert "at most 599,999 bytes, found 600,000" in found["error"]["message"]
    assert not list(tmp_path.glob(".*"))


def test_memory_does_not_grow_with_the_file(scanproof, scan, key, tmp_path):
    scan.write_bytes(bytes(40_000_000))
    tracemalloc.start()
    try:
        made = encrypt(scanproof, scan, tmp_path / "d", "--to", f"{key}.pub")
        decrypt(scanproof, made, key, tmp_path / "new")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert (tmp_path / "new").stat().st_size == 40_000_000
