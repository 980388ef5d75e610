"""The vectors of docs/vectors/envelope-1 about wraps: ``python -m tests.backend.crypto.wrap_vectors`` writes new ones.

HPKE and OAEP are random, so these cannot be compared with what is written now. ``good_hpke_rfc9180.json`` is of the
test vectors that RFC 9180 names: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from backend.crypto.phrases import phrase_of
from backend.crypto.secret_wraps import Argon2Cost, wrap_by_password, wrap_by_phrase, wrap_by_prf
from backend.crypto.wraps import RecipientKey, new_rsa_key, wrap
from tests.backend.crypto.envelope_vectors import KEY, OTHER_KEY, VECTORS

CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
OTHER_CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
CHEAP = Argon2Cost(19 * 1024, 2, 1)
"""The least that a wrap may ask for: tests are quick."""
PHRASE = phrase_of(OTHER_KEY)
PASSWORD = "Käse und Wein 🧀"


def private_pem(key: RecipientKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RecipientKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def vectors() -> Iterator[tuple[str, dict[str, Any]]]:
    recipients: dict[str, RecipientKey] = {"hpke": X25519PrivateKey.generate(), "rsa": new_rsa_key()}
    others: dict[str, RecipientKey] = {"hpke": X25519PrivateKey.generate(), "rsa": new_rsa_key()}
    for name, recipient in recipients.items():
        wrapped = wrap(KEY, recipient.public_key(), CID.encode())
        altered = bytes([wrapped[0] ^ 1]) + wrapped[1:]
        yield f"good_wrap_{name}", _for_key(recipient, CID, wrapped, key=KEY.hex())
        yield f"fail_wrap_{name}_another_cid", _for_key(recipient, OTHER_CID, wrapped, reason="wrap")
        yield f"fail_wrap_{name}_another_recipient", _for_key(others[name], CID, wrapped, reason="wrap")
        yield f"fail_wrap_{name}_altered", _for_key(recipient, CID, altered, reason="wrap")
        yield f"fail_wrap_{name}_cut", _for_key(recipient, CID, wrapped[:-1], reason="wrap")
    small = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    yield "fail_wrap_rsa_2048", _for_key(small, CID, b"", reason="public key")
    yield "fail_wrap_no_pem", {"privateKey": "a key", "boundTo": CID, "wrapped": "", "reason": "private key"}

    account = "account 1"
    by_password = wrap_by_password(KEY, PASSWORD, account.encode(), CHEAP).document()
    by_phrase = wrap_by_phrase(KEY, PHRASE, account.encode()).document()
    by_prf = wrap_by_prf(KEY, OTHER_KEY, account.encode()).document()
    other_phrase, other_prf = phrase_of(KEY), KEY.hex()
    for name, by, secret, other in (
        ("password", by_password, PASSWORD, "Käse und Wein"),
        ("phrase", by_phrase, PHRASE, other_phrase),
        ("prf", by_prf, OTHER_KEY.hex(), other_prf),
    ):
        good = {"secret": secret, "boundTo": account, "wrap": by}
        damaged = {**by, "wrapped": by["wrapped"][:-1] + ("1" if by["wrapped"][-1] == "0" else "0")}
        yield f"good_wrap_{name}", {**good, "key": KEY.hex()}
        yield f"fail_wrap_{name}_another_secret", {**good, "secret": other, "reason": "secret"}
        yield f"fail_wrap_{name}_another_account", {**good, "boundTo": "account 2", "reason": "wrap"}
        if name != "password":  # each try costs the page some seconds
            yield f"fail_wrap_{name}_altered", {**good, "wrap": damaged, "reason": "wrap"}
            yield f"fail_wrap_{name}_another_salt", {**good, "wrap": {**by, "salt": "00" * 32}, "reason": "secret"}
    good = {"secret": PASSWORD, "boundTo": account, "wrap": by_password}
    decomposed = PASSWORD.replace("ä", "a\u0308")
    yield "good_wrap_password_in_another_unicode_form", {**good, "secret": decomposed, "key": KEY.hex()}
    for name, cost in (
        ("memory_of_4_gibibytes", {"memoryKiB": 2**22}),
        ("memory_of_8_kibibytes", {"memoryKiB": 8}),
        ("one_iteration", {"iterations": 1}),
        ("million_iterations", {"iterations": 1_000_000}),
        ("no_lane", {"lanes": 0}),
        ("many_lanes", {"lanes": 64}),
    ):
        argon2id = {**by_password["argon2id"], **cost}
        yield f"fail_wrap_{name}", {**good, "wrap": {**by_password, "argon2id": argon2id}, "reason": "argon2id"}
    for name, wrong in (
        ("password_without_cost", {key: value for key, value in by_password.items() if key != "argon2id"}),
        ("phrase_with_cost", {**by_password, "method": "phrase"}),
        ("cost_of_half", {**by_password, "argon2id": {**by_password["argon2id"], "iterations": 2.5}}),
        ("cost_of_text", {**by_password, "argon2id": {**by_password["argon2id"], "lanes": "1"}}),
        ("another_schema", {**by_prf, "schema": "scanproof.secret-wrap/2"}),
        ("another_method", {**by_prf, "method": "wallet"}),
        ("more_fields", {**by_prf, "hint": "cheese"}),
        ("short_salt", {**by_prf, "salt": "00"}),
        ("upper_case", {**by_prf, "salt": "AA" * 32}),
        ("long", {**by_prf, "salt": "0" * 5000}),
    ):
        yield f"fail_wrap_{name}", {**good, "wrap": wrong, "reason": "wrap format"}
    words = PHRASE.split()
    for name, phrase in (
        ("phrase_of_23_words", " ".join(words[:23])),
        ("phrase_with_another_word", " ".join(["cheese", *words[:23]])),
        ("phrase_in_another_order", " ".join([*words[1:], words[0]])),
    ):
        yield f"fail_{name}", {"secret": phrase, "boundTo": account, "wrap": by_phrase, "reason": "phrase"}


def _for_key(recipient: RecipientKey, cid: str, wrapped: bytes, **expected: str) -> dict[str, Any]:
    return {"privateKey": private_pem(recipient), "boundTo": cid, "wrapped": wrapped.hex(), **expected}


if __name__ == "__main__":
    for vector_name, vector in vectors():
        (VECTORS / f"{vector_name}.json").write_text(json.dumps(vector, indent=1) + "\n")
