"""``scanproof keys``: keys with which the other commands work, and OpenSSL's format."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


@pytest.mark.parametrize("kind", ["x25519", "rsa", "ed25519"])
def test_a_pair_is_written(scanproof, tmp_path, kind):
    done = scanproof("keys", kind, "--output", tmp_path / "me.pem", "--json")

    assert done.status == 0
    private, public = Path(done.json["file"]), Path(done.json["public"])
    assert (private, public) == (tmp_path / "me.pem", tmp_path / "me.pem.pub")
    assert private.stat().st_mode & 0o777 == 0o600
    own = load_pem_private_key(private.read_bytes(), password=None).public_key()
    der = own.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    read = load_pem_public_key(public.read_bytes())
    assert read.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == der
    assert done.json["fingerprint"] == hashlib.sha256(der).hexdigest()
    if kind == "rsa":
        assert own.key_size == 3072
    else:
        assert done.json["hex"] == own.public_bytes_raw().hex()


def test_shares_for_two_receivers_go_round(scanproof, tmp_path):
    scan = tmp_path / "scan.png"
    scan.write_bytes(b"a picture")
    for name, kind in (("alice", "x25519"), ("bob", "rsa"), ("sender", "ed25519")):
        shown = scanproof("keys", kind, "--output", tmp_path / name)
        assert "not encrypted" in shown.stdout
    signer = scanproof("keys", "ed25519", "--output", tmp_path / "other", "--json").json["hex"]
    split = ("shares", "split", scan, "--shares", 2, "--threshold", 2, "--output", tmp_path / "d")
    to = ("--to", tmp_path / "alice.pub", "--to", tmp_path / "bob.pub", "--sign", tmp_path / "sender")
    made = scanproof(*split, *to, "--json").json

    combine = ("shares", "combine", *made["files"], "--key", tmp_path / "alice", "--key", tmp_path / "bob")
    assert scanproof(*combine, "--output", tmp_path / "no", "--signer", signer, "--json").status == 1
    assert scanproof(*combine, "--output", tmp_path / "new", "--signer", made["signer"], "--json").status == 0
    assert (tmp_path / "new").read_bytes() == b"a picture"


@pytest.mark.parametrize("there", ["me.pem", "me.pem.pub"])
def test_no_key_is_overwritten(scanproof, tmp_path, there):
    (tmp_path / there).write_bytes(b"mine")
    done = scanproof("keys", "x25519", "--output", tmp_path / "me.pem", "--json")
    assert (done.status, done.json["error"]["type"]) == (2, "WrongUse")
    assert f"{there} exists" in done.json["error"]["message"]
    assert [file.name for file in tmp_path.glob("me*")] == [there]
    assert (tmp_path / there).read_bytes() == b"mine"
