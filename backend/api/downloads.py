"""Large answers, a few at a time: each takes a thread for as long as its client reads."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from flask import Response, current_app

from backend.errors import Overloaded

AT_ONCE = 4
_WAIT_S = 1.0


class Downloads:
    """At most ``at_once`` answers are made and sent at the same time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._slots = threading.BoundedSemaphore(at_once)

    def begin(self) -> Download:
        """Raises Overloaded when no slot becomes free soon."""
        if not self._slots.acquire(timeout=_WAIT_S):
            raise Overloaded("too many downloads run already: try again")
        return Download(self._slots)


class Download:
    """A slot, used as a context: it is freed when the context fails, else when the answer was sent."""

    def __init__(self, slots: threading.BoundedSemaphore) -> None:
        self._slots = slots
        self._taken = True
        self._answered = False

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._answered:
            self._free()

    def answer(self, response: Response) -> Response:
        """``response``, which keeps the slot until its last byte was sent or it is closed."""
        # Of a streamed answer the length would be counted by reading all of it into memory.
        if response.is_sequence and (length := response.calculate_content_length()) is not None:
            response.content_length = length
        response.response = self._sent(response.iter_encoded())
        response.call_on_close(self._free)
        self._answered = True
        return response

    def _sent(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        yield from parts
        self._free()

    def _free(self) -> None:
        """Only one thread serves an answer, so that no lock is needed."""
        if self._taken:
            self._taken = False
            self._slots.release()


def begin_download() -> Download:
    """Take a slot of the application that serves the request. Raises Overloaded when none becomes free soon."""
    downloads: Downloads = current_app.extensions["downloads"]
    return downloads.begin()
