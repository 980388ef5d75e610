"""Recovery phrases: 128 or 256 random bits as 12 or 24 words (BIP-39, English list)."""

from __future__ import annotations

import functools
import hashlib
import secrets
import unicodedata
from pathlib import Path

from backend.crypto.errors import WrapRefused

ENTROPY_BYTES = {12: 16, 24: 32}
"""By the number of words."""
_WORD_BITS = 11


@functools.cache
def english() -> tuple[str, ...]:
    """The list of BIP-39: 2,048 words, any two of which differ in their first four letters."""
    return tuple(Path(__file__).with_name("bip39_english.txt").read_text(encoding="ascii").split())


def new_phrase(words: int = 24) -> str:
    """A phrase that nobody else has."""
    return phrase_of(secrets.token_bytes(ENTROPY_BYTES[words]))


def phrase_of(entropy: bytes) -> str:
    """The words of 16 or 32 bytes. Raises ValueError for another length."""
    if len(entropy) not in ENTROPY_BYTES.values():
        raise ValueError(f"expected 16 or 32 bytes, found {len(entropy)}")
    count = next(words for words, length in ENTROPY_BYTES.items() if length == len(entropy))
    bits = int.from_bytes(entropy) << (checksum_bits := len(entropy) // 4) | _checksum(entropy, checksum_bits)
    places = [bits >> _WORD_BITS * place & 2**_WORD_BITS - 1 for place in reversed(range(count))]
    return " ".join(english()[place] for place in places)


def entropy_of(phrase: str) -> bytes:
    """The bytes of a phrase, whose words may be in capitals and have any space between. Raises WrapRefused, with what
    is wrong: the number of words, a word, or the checksum."""
    words = unicodedata.normalize("NFKD", phrase).lower().split()
    if len(words) not in ENTROPY_BYTES:
        raise WrapRefused("phrase", f"expected 12 or 24 words, found {len(words)}")
    places = {word: place for place, word in enumerate(english())}
    bits = 0
    for number, word in enumerate(words, 1):
        if word not in places:
            raise WrapRefused("phrase", f"word {number} is not a word of recovery phrases")
        bits = bits << _WORD_BITS | places[word]
    length = ENTROPY_BYTES[len(words)]
    entropy = (bits >> (checksum_bits := length // 4)).to_bytes(length)
    if bits & 2**checksum_bits - 1 != _checksum(entropy, checksum_bits):
        raise WrapRefused("phrase", "a word is another one, or the words are in another order")
    return entropy


def _checksum(entropy: bytes, bits: int) -> int:
    return hashlib.sha256(entropy).digest()[0] >> 8 - bits
