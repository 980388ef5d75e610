"""Hashes passwords by argon2id (RFC 9106), and says whether they can be guessed (zxcvbn)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from backend.errors import ServerBusy

_ITERATIONS = 3
_SLOTS = 4
"""How many passwords are hashed at once: each takes its memory."""
_WAITING = 4
"""How many requests wait for that: each holds a thread of the server."""
_WAIT_S = 10.0
_STRONG = 3
"""Of zxcvbn's scores 0 to 4: safe against some 10 billion guesses."""
_OWN_CHARACTERS = 6
"""What a password must have beside the words that others know of the person. zxcvbn counts three such words as many
guesses."""
_JUDGED_CHARACTERS = 40
"""zxcvbn takes more than linear time, seconds for 72 characters that somebody chose for it; what follows is not
judged."""


class Argon2Hasher:
    """Port PasswordHasher."""

    def __init__(self, memory_kib: int, *, iterations: int = _ITERATIONS) -> None:
        self._argon2 = PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
        )
        self._slots = threading.BoundedSemaphore(_SLOTS)
        self._places = threading.BoundedSemaphore(_SLOTS + _WAITING)
        self._nobodys = self._argon2.hash("the password of nobody")
        """Compared for addresses without an account, so that they take as long."""

    def hash(self, password: str) -> str:
        with self._slot():
            return self._argon2.hash(_octets(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        compared = password_hash or self._nobodys
        with self._slot():
            try:
                self._argon2.verify(compared, _octets(password))
            except (VerificationError, InvalidHashError):
                return False
        return bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        return self._argon2.check_needs_rehash(password_hash)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        with _entered(self._places, 0), _entered(self._slots, _WAIT_S):
            yield


@contextmanager
def _entered(places: threading.BoundedSemaphore, wait_s: float) -> Iterator[None]:
    if not places.acquire(timeout=wait_s):
        raise ServerBusy("too many people sign in at the moment")
    try:
        yield
    finally:
        places.release()


def _octets(password: str) -> bytes:
    """JSON may hold half a surrogate pair, which UTF-8 has no form for."""
    return password.encode("utf-8", "surrogatepass")


class ZxcvbnJudge:
    """Port PasswordJudge."""

    def weakness(self, password: str, words: Sequence[str]) -> str:
        if len(_without(password.casefold(), words)) < _OWN_CHARACTERS:
            return "Do not make it of your name, address or phone number."
        # Its dictionaries take a moment to load, and most requests judge no password.
        from zxcvbn import zxcvbn

        judged = zxcvbn(password[:_JUDGED_CHARACTERS], user_inputs=[word for word in words if word])
        if judged["score"] >= _STRONG:
            return ""
        feedback = judged["feedback"]
        return " ".join(filter(None, [feedback["warning"], *feedback["suggestions"]])) or "use more words"


def _without(password: str, words: Sequence[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        if len(word) > 2:
            password = password.replace(word.casefold(), "")
    return password
