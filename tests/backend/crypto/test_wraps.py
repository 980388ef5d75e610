"""Wrapped keys: for people's public keys, and by their own secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.crypto.errors import CryptoRefused, WrapRefused
from backend.crypto.phrases import english, entropy_of, new_phrase, phrase_of
from backend.crypto.secret_wraps import (
    Argon2Cost,
    read_secret_wrap,
    unwrap_by_password,
    unwrap_by_phrase,
    unwrap_by_prf,
    wrap_by_password,
    wrap_by_phrase,
    wrap_by_prf,
)
from backend.crypto.wraps import (
    LABEL,
    new_rsa_key,
    read_recipient,
    read_recipient_key,
    unwrap,
    wrap,
    x25519_recipient,
)
from tests.backend.crypto.envelope_vectors import KEY, VECTORS
from tests.backend.crypto.wrap_vectors import CHEAP, CID, PHRASE, private_pem, public_pem

FILES = {path.stem: json.loads(path.read_text()) for path in VECTORS.glob("*.json")}
WRAPS = {name: vector for name, vector in FILES.items() if "boundTo" in vector}
BY_SECRET = {
    "password": unwrap_by_password,
    "phrase": unwrap_by_phrase,
    "prf": lambda read, secret, bound_to: unwrap_by_prf(read, bytes.fromhex(secret), bound_to),
}


def open_vector(vector: dict[str, Any]) -> bytes:
    bound_to = vector["boundTo"].encode()
    if "wrap" in vector:
        read = read_secret_wrap(json.dumps(vector["wrap"]))
        return BY_SECRET[read.method](read, vector["secret"], bound_to)
    return unwrap(bytes.fromhex(vector["wrapped"]), read_recipient_key(vector["privateKey"].encode()), bound_to)


@pytest.mark.parametrize("name", [name for name in WRAPS if name.startswith("good_")])
def test_vectors_that_must_be_read(name: str) -> None:
    assert open_vector(WRAPS[name]).hex() == WRAPS[name]["key"]


@pytest.mark.parametrize("name", [name for name in WRAPS if name.startswith("fail_")])
def test_vectors_that_must_be_refused(name: str) -> None:
    with pytest.raises(CryptoRefused) as refused:
        open_vector(WRAPS[name])
    assert refused.value.reason == WRAPS[name]["reason"]


def test_hpke_is_that_of_rfc_9180() -> None:
    vector = FILES["good_hpke_rfc9180"]
    first = vector["encryptions"][0]
    recipient = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["skRm"]))
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    sealed, info, aad = (bytes.fromhex(text) for text in (vector["enc"] + first["ct"], vector["info"], first["aad"]))
    assert openssl.hpke._decrypt_with_aad(suite, sealed, recipient, info, aad).hex() == first["pt"]
    made = wrap(KEY, recipient.public_key(), CID.encode())
    assert openssl.hpke._decrypt_with_aad(suite, made, recipient, LABEL, CID.encode()) == KEY


@pytest.mark.parametrize("name", ["hpke", "rsa"])
def test_a_wrap_is_random_and_for_its_recipient_alone(name: str) -> None:
    recipient = read_recipient_key(WRAPS[f"good_wrap_{name}"]["privateKey"].encode())
    public = read_recipient(public_pem(recipient).encode())
    made = [wrap(KEY, public, CID.encode()) for _ in range(2)]
    assert made[0] != made[1]
    assert {len(wrapped) for wrapped in made} == {80 if name == "hpke" else 384}
    assert unwrap(made[1], recipient, CID.encode()) == KEY


@pytest.mark.parametrize("times", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_other_recipient_opens_a_wrap(times: int) -> None:
    wrapped = wrap(KEY, X25519PrivateKey.generate().public_key(), CID.encode())
    for _ in range(times):
        with pytest.raises(WrapRefused):
            unwrap(wrapped, X25519PrivateKey.generate(), CID.encode())


def test_a_wrap_of_something_else_is_refused() -> None:
    recipient = read_recipient_key(WRAPS["good_wrap_rsa"]["privateKey"].encode())
    assert isinstance(recipient, rsa.RSAPrivateKey)
    label = LABEL + b" " + CID.encode()
    short = recipient.public_key().encrypt(b"short", padding.OAEP(padding.MGF1(SHA256()), SHA256(), label))
    with pytest.raises(WrapRefused, match="expected a wrapped key of 32 bytes, found 5"):
        unwrap(short, recipient, CID.encode())


def test_a_key_can_be_made_here() -> None:
    made = new_rsa_key()
    assert made.key_size == 3072
    assert unwrap(wrap(KEY, made.public_key(), b""), read_recipient_key(private_pem(made).encode()), b"") == KEY


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"", "expected a public key in PEM"),
        (b"a" * 20_000, "expected a public key in PEM"),
        (ed25519.Ed25519PrivateKey.generate(), "expected a public key of X25519 or RSA"),
        (ec.generate_private_key(ec.SECP256R1()), "expected a public key of X25519 or RSA"),
        (rsa.generate_private_key(65537, 2048), "expected an RSA key of 3072 to 8192 bits, found 2048"),
    ],
)
def test_only_sound_keys_receive(pem: Any, message: str) -> None:
    with pytest.raises(WrapRefused, match=message):
        read_recipient(pem if isinstance(pem, bytes) else public_pem(pem).encode())
    if not isinstance(pem, bytes):
        with pytest.raises(WrapRefused):
            read_recipient_key(private_pem(pem).encode())


@pytest.mark.parametrize("raw", [bytes(32), b"\1" + bytes(31)])
def test_a_point_of_low_order_receives_nothing(raw: bytes) -> None:
    """Whoever knows it could open what is wrapped for it."""
    key = X25519PublicKey.from_public_bytes(raw)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    for read in (lambda: x25519_recipient(raw), lambda: read_recipient(pem), lambda: wrap(bytes(32), key, b"")):
        with pytest.raises(WrapRefused, match="expected an X25519 key that is not of low order"):
            read()


def test_a_private_key_of_another_sort_is_refused() -> None:
    other: Any = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(WrapRefused, match="expected a private key of X25519 or RSA"):
        read_recipient_key(private_pem(other).encode())


def test_wrong_use_is_said() -> None:
    with pytest.raises(ValueError, match="expected a key of 32 bytes, found 3"):
        wrap(b"abc", X25519PrivateKey.generate().public_key(), b"")
    with pytest.raises(ValueError, match="expected a key of 32 bytes, found 3"):
        wrap_by_phrase(b"abc", PHRASE, b"")
    with pytest.raises(ValueError, match="expected a cost within the bounds"):
        wrap_by_password(KEY, "x", b"", Argon2Cost(iterations=1))
    with pytest.raises(ValueError, match="expected 32 bytes of a passkey, found 1"):
        wrap_by_prf(KEY, b"1", b"")
    with pytest.raises(ValueError, match="expected 16 or 32 bytes, found 20"):
        phrase_of(bytes(20))


def test_a_password_has_bounds() -> None:
    for password, message in (
        ("", "found 0"),
        ("a" * 1025, "expected a password of 1 to 1024 bytes, found 1025"),
        ("\ud800", "expected a password of Unicode characters"),
    ):
        with pytest.raises(WrapRefused, match=message):
            wrap_by_password(KEY, password, b"", CHEAP)


def test_a_wrap_by_a_secret_is_of_its_method() -> None:
    made = wrap_by_phrase(KEY, PHRASE, b"")
    for open_it, secret in ((unwrap_by_password, "x"), (unwrap_by_prf, KEY)):
        with pytest.raises(WrapRefused, match="found one by phrase"):
            open_it(made, secret, b"")
    with pytest.raises(WrapRefused, match="expected a wrap by phrase, found one by prf"):
        unwrap_by_phrase(wrap_by_prf(KEY, KEY, b""), PHRASE, b"")


def test_the_default_cost_of_a_password_can_be_read_back() -> None:
    made = wrap_by_password(KEY, "secret", b"account")
    assert made.cost == Argon2Cost(64 * 1024, 3, 4)
    read = read_secret_wrap(made.text())
    assert read == made
    assert unwrap_by_password(read, "secret", b"account") == KEY


@pytest.mark.parametrize(
    ("entropy", "phrase"),
    [
        ("00" * 16, "abandon " * 11 + "about"),
        ("7f" * 16, "legal winner thank year wave sausage worth useful legal winner thank yellow"),
        ("ff" * 32, "zoo " * 23 + "vote"),
        (
            "8080808080808080808080808080808080808080808080808080808080808080",
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic "
            "avoid letter advice cage absurd amount doctor acoustic bless",
        ),
    ],
)
def test_phrases_are_those_of_bip_39(entropy: str, phrase: str) -> None:
    assert phrase_of(bytes.fromhex(entropy)) == phrase
    assert entropy_of(f"  {phrase.upper()}\n").hex() == entropy


def test_a_phrase_says_what_is_wrong_with_it() -> None:
    for phrase, message in (
        ("", "expected 12 or 24 words, found 0"),
        ("abandon " * 11 + "aboutt", "word 12 is not a word of recovery phrases"),
        ("abandon " * 12, "a word is another one, or the words are in another order"),
    ):
        with pytest.raises(WrapRefused, match=message):
            entropy_of(phrase)
    assert len(new_phrase().split()) == 24
    assert len(new_phrase(12).split()) == 12
    assert new_phrase() != new_phrase()


def test_the_words_are_those_of_the_standard() -> None:
    from eth_account.hdaccount.mnemonic import Mnemonic
    from eth_account.types import Language

    assert list(english()) == Mnemonic(Language.ENGLISH).wordlist
