"""What Python encrypts, wraps and splits, the page's TypeScript opens, and the other way round."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backend.crypto.envelope import Kind, decrypt, encrypt
from backend.crypto.image_shares import combine, read_share, split
from backend.crypto.key_shares import combine_key, split_key
from backend.crypto.noise_png import read_png, write_png
from backend.crypto.phrases import phrase_of
from backend.crypto.sealing import is_sealed, seal, unseal
from backend.crypto.secret_wraps import (
    read_secret_wrap,
    unwrap_by_password,
    unwrap_by_phrase,
    unwrap_by_prf,
    wrap_by_password,
    wrap_by_phrase,
    wrap_by_prf,
)
from backend.crypto.wraps import RecipientKey, new_rsa_key, unwrap, wrap
from tests.backend.crypto.wrap_vectors import CHEAP, private_pem, public_pem

SCRIPT = Path(__file__).with_name("page.mjs")


class Page:
    """The page's encryption in a process of Node."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["node", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, task: str, **values: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"task": task, **values}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def typescript() -> Iterator[Page]:
    started = Page()
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def test_some_random_files_cross(typescript: Page) -> None:
    cross(typescript, times=12)


@pytest.mark.slow
def test_a_thousand_random_files_cross(typescript: Page) -> None:
    cross(typescript, times=1000)


def cross(typescript: Page, times: int) -> None:
    numbers = random.Random(times)
    people: list[RecipientKey] = [X25519PrivateKey.generate(), new_rsa_key()]
    for time in range(times):
        size = numbers.choice([numbers.randrange(4), numbers.randrange(3000), numbers.randrange(200_000)])
        content, key, secret = numbers.randbytes(size), numbers.randbytes(32), numbers.randbytes(32)
        cid, chunk_bytes = f"bafy{secret.hex()}", numbers.choice([1024, 4096, 65536])

        sealed = b"".join(encrypt(BytesIO(content), size, key, Kind.FILE, chunk_bytes=chunk_bytes))
        assert typescript("decrypt", envelope=sealed.hex(), key=key.hex()) == content.hex()
        sealed = bytes.fromhex(typescript("encrypt", content=content.hex(), key=key.hex(), chunkBytes=chunk_bytes))
        assert b"".join(decrypt(BytesIO(sealed), key, Kind.FILE)) == content

        person = people[time % 2]
        wrapped = wrap(key, person.public_key(), cid.encode())
        assert typescript("unwrap", wrapped=wrapped.hex(), pem=private_pem(person), boundTo=cid) == key.hex()
        wrapped = bytes.fromhex(typescript("wrap", key=key.hex(), pem=public_pem(person), boundTo=cid))
        assert unwrap(wrapped, person, cid.encode()) == key

        phrase = phrase_of(secret[: 16 if time % 3 else 32])
        text = wrap_by_phrase(key, phrase, cid.encode()).text()
        assert typescript("unwrapByPhrase", wrap=text, secret=phrase, boundTo=cid) == key.hex()
        made = typescript("wrapByPhrase", key=key.hex(), secret=phrase, boundTo=cid)
        assert unwrap_by_phrase(read_secret_wrap(made), phrase, cid.encode()) == key

        text = wrap_by_prf(key, secret, cid.encode()).text()
        assert typescript("unwrapByPrf", wrap=text, secret=secret.hex(), boundTo=cid) == key.hex()
        made = typescript("wrapByPrf", key=key.hex(), secret=secret.hex(), boundTo=cid)
        assert unwrap_by_prf(read_secret_wrap(made), secret, cid.encode()) == key

        shares = numbers.randrange(2, 20)
        threshold = numbers.randrange(2, shares + 1)
        chosen = numbers.sample(split_key(key, shares, threshold), threshold)
        assert typescript("combineKey", shares=[share.hex() for share in chosen]) == key.hex()
        chosen = numbers.sample(typescript("splitKey", key=key.hex(), shares=shares, threshold=threshold), threshold)
        assert combine_key([bytes.fromhex(share) for share in chosen]) == key


@pytest.mark.parametrize("compact", [False, True])
def test_shares_cross(typescript: Page, compact: bool) -> None:
    content, key = random.Random(1).randbytes(50_000), X25519PrivateKey.generate()
    documents = split(content, shares=5, threshold=3, compact=compact)
    pictures = [
        write_png(seal(document, key.public_key()) if number % 2 else document)
        for number, document in enumerate(documents)
    ]
    chosen = [picture.hex() for picture in pictures[2:]]
    assert typescript("combineFile", pictures=chosen, pem=private_pem(key)) == content.hex()

    made = typescript("splitFile", content=content.hex(), shares=5, threshold=3, compact=compact, pem=public_pem(key))
    read = [read_png(bytes.fromhex(picture), 100_000) for picture in made[2:]]
    assert combine([read_share(unseal(one, [key]) if is_sealed(one) else one) for one in read]) == content


def test_passwords_cross(typescript: Page) -> None:
    key, password = bytes(range(32)), "Grüße 🧠 und ein langer Satz"
    made = wrap_by_password(key, password, b"account", CHEAP).text()
    assert typescript("unwrapByPassword", wrap=made, secret=password, boundTo="account") == key.hex()
    cost = {"iterations": 2, "lanes": 2, "memoryKiB": 19 * 1024}
    made = typescript("wrapByPassword", key=key.hex(), secret=password, boundTo="account", cost=cost)
    assert unwrap_by_password(read_secret_wrap(made), password, b"account") == key
