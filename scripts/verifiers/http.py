"""HTTP for source verifiers: time-outs, retries, a bound on the answer, and no address in an error.

An address may hold an API key, so errors name the service and what it did, never the URL.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from scripts.verifiers.submission import VerifierRefused, VerifierUnavailable

MAX_ANSWER_BYTES = 4 * 1024 * 1024
RETRIED = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, but for ``attempts``: tries of one request. ``total_s`` bounds the wait for a result."""

    connect_s: float = 10
    read_s: float = 60
    attempts: int = 5
    backoff_s: float = 2
    longest_wait_s: float = 60
    poll_s: float = 5
    total_s: float = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is the parsed JSON object."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Service:
    """One verifier over HTTP, by its ``name`` in messages."""

    name: str
    patience: Patience

    def request(
        self, method: str, url: str, *, again: Callable[[Answer], bool] | None = None, **options: Any
    ) -> Answer:
        """Send until an answer comes that is neither an outage nor, by ``again``, one to repeat.

        Raises VerifierUnavailable after the last try; VerifierRefused when the answer is no JSON object.
        """
        reason, wait = "", 0.0
        for attempt in range(self.patience.attempts):
            time.sleep(wait)
            wait = self.patience.backoff_s * 2**attempt * random.uniform(0.5, 1)  # noqa: S311
            try:
                answer, asked_to_wait = self._send(method, url, options)
            except requests.RequestException as error:
                reason = type(error).__name__
                continue
            if answer.status in RETRIED:
                reason = f"HTTP {answer.status}"
                wait = min(asked_to_wait or wait, self.patience.longest_wait_s)
            elif again is not None and again(answer):
                reason = str(answer.body.get("result"))[:200]
            else:
                return answer
        raise VerifierUnavailable(f"{self.name} gave no answer in {self.patience.attempts} tries; the last: {reason}")

    def poll(self, ask: Callable[[], str | None]) -> str:
        """Return the first text of ``ask`` that is not None. Raises VerifierUnavailable after ``total_s``."""
        deadline = time.monotonic() + self.patience.total_s
        while (found := ask()) is None:
            if time.monotonic() > deadline:
                raise VerifierUnavailable(
                    f"{self.name} took the source, but has no result after {self.patience.total_s:g} s; ask again later"
                )
            time.sleep(self.patience.poll_s)
        return found

    def _send(self, method: str, url: str, options: dict[str, Any]) -> tuple[Answer, float | None]:
        """Return the answer, and the seconds that it asks to wait if it does."""
        timeout = (self.patience.connect_s, self.patience.read_s)
        deadline = time.monotonic() + self.patience.read_s
        with requests.request(method, url, timeout=timeout, stream=True, allow_redirects=False, **options) as response:
            content = b""
            for chunk in response.iter_content(65_536):
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise VerifierRefused(f"{self.name} answered with more than {MAX_ANSWER_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise requests.ReadTimeout
        retry_after = response.headers.get("Retry-After", "")
        asked = float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else None
        return Answer(response.status_code, self._parse(response.status_code, content)), asked

    def _parse(self, status: int, content: bytes) -> dict[str, Any]:
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict):
            return body
        if status in RETRIED:
            return {}
        raise VerifierRefused(f"expected a JSON object from {self.name}, found something else with HTTP {status}")
