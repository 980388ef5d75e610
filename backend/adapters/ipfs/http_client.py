"""An HTTP client with time limits, retries that respect Retry-After, a rate limit, and a limit on the answer's size."""

from __future__ import annotations

import http.cookiejar
import io
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import requests
import urllib3

from backend.adapters.ipfs.token_bucket import Clock, TokenBucket
from backend.errors import StorageUnavailable

logger = logging.getLogger(__name__)
_READ_BYTES = 64 * 1024
# The part of an error's body that is read.
_ERROR_BYTES = 16 * 1024
_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Times in seconds. ``total`` covers all attempts of a request and the waits between them, which double from
    ``backoff``."""

    connect: float = 5.0
    read: float = 30.0
    total: float = 120.0
    attempts: int = 5
    backoff: float = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)


class AnswerTooLarge(StorageUnavailable):
    """The answer is longer than the caller's limit."""


class HttpClient:
    """Talks to one service, called ``service`` in errors.

    ``secret_headers`` are sent with every request. Redirects are not followed, and no message shows the headers.
    """

    def __init__(
        self,
        service: str,
        *,
        policy: HttpPolicy,
        clock: Clock = time,
        bucket: TokenBucket | None = None,
        secret_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.service = service
        self._policy = policy
        self._clock = clock
        self._bucket = bucket
        self._session = _Session()
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        # A compressed answer could expand without limit. "auth" is always set, or requests would read ~/.netrc.
        self._session.headers.update({"User-Agent": "scanproof", "Accept-Encoding": "identity"})
        self._session.auth = _SecretHeaders(secret_headers or {})

    def request(
        self,
        method: str,
        url: str,
        *,
        max_bytes: int,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | None = None,
        attempts: int | None = None,
        into: BinaryIO | None = None,
        total: float | None = None,
    ) -> Answer:
        """The answer with any status except 429 and 5xx, which are retried like broken connections.

        The body of a good answer is written ``into`` that file, if there is one, in place of what it has. ``total``
        seconds are in place of those of the policy. Raises StorageUnavailable when attempts or time run out,
        AnswerTooLarge for a good answer above ``max_bytes``.
        """
        deadline = self._clock.monotonic() + (total or self._policy.total)
        attempts = attempts or self._policy.attempts
        attempt = 0
        while True:
            attempt += 1
            if self._bucket and not self._bucket.take(deadline - self._clock.monotonic()):
                raise StorageUnavailable(f"{self.service} is not asked: the limit of requests per minute is used up")
            answer, failure, error = self._try(method, url, params, headers, body, max_bytes, deadline, into)
            if answer and not _is_passing(answer.status):
                return answer
            wait = max(self._backoff(attempt), _retry_after(answer) if answer else 0.0)
            logger.info("%s %s (try %d of %d)", self.service, failure, attempt, attempts)
            if attempt == attempts or self._clock.monotonic() + wait > deadline:
                raise StorageUnavailable(f"{self.service} {failure} (tries: {attempt})") from error
            self._clock.sleep(wait)

    def _try(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: bytes | BinaryIO | None,
        max_bytes: int,
        deadline: float,
        into: BinaryIO | None,
    ) -> tuple[Answer | None, str, Exception | None]:
        """One attempt: the answer, or None; what happened, as a phrase after the service's name; the error."""

        def check_deadline() -> None:
            if self._clock.monotonic() > deadline:
                raise requests.Timeout

        try:
            with self._session.request(
                method,
                url,
                params=params,
                headers=headers,
                data=None if body is None else _Upload(body, check_deadline),
                timeout=(self._policy.connect, self._policy.read),
                stream=True,
                allow_redirects=False,
            ) as response:
                content = self._read(response, max_bytes, check_deadline, into)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as exc:
            return None, "timed out", exc
        except requests.exceptions.SSLError as exc:
            return None, "has no valid TLS certificate", exc
        except requests.ConnectionError as exc:
            return None, "cannot be reached", exc
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            return None, "broke off its answer", exc
        return Answer(response.status_code, response.headers, content), f"answered {response.status_code}", None

    def _read(
        self,
        response: requests.Response,
        max_bytes: int,
        check_deadline: Callable[[], None],
        into: BinaryIO | None,
    ) -> bytes:
        """The body; nothing of it where it was written ``into`` a file."""
        content = io.BytesIO() if into is None or not response.ok else into
        content.seek(0)
        content.truncate()
        size = 0
        # read1 returns the bytes that have arrived, so that a slow body cannot block a read without end.
        while part := response.raw.read1(_READ_BYTES):
            content.write(part)
            size += len(part)
            if not response.ok and size >= _ERROR_BYTES:
                break
            if response.ok and size > max_bytes:
                raise AnswerTooLarge(f"expected at most {max_bytes} bytes from {self.service}, found more")
            check_deadline()
        return content.getvalue() if isinstance(content, io.BytesIO) else b""

    def _backoff(self, attempt: int) -> float:
        return self._policy.backoff * 2.0 ** (attempt - 1) * _random.uniform(0.5, 1.0)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed. Requests would still parse its target, and fail on a malformed one."""


class _SecretHeaders(requests.auth.AuthBase):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class _Upload(io.RawIOBase):
    """A body that is sent in parts, each with its own time limit; bytes would be sent whole within one limit."""

    def __init__(self, body: bytes | BinaryIO, before_read: Callable[[], None]) -> None:
        self._body = io.BytesIO(body) if isinstance(body, bytes) else body
        self._size = self._body.seek(0, io.SEEK_END)
        self._body.seek(0)
        self._before_read = before_read

    def __len__(self) -> int:
        return self._size

    def read(self, size: int | None = -1) -> bytes:
        self._before_read()
        return self._body.read(-1 if size is None else size)


def _is_passing(status: int) -> bool:
    return status == 429 or status >= 500


def _retry_after(answer: Answer) -> float:
    """Seconds; the header Retry-After is a number or a date (RFC 9110, 10.2.3)."""
    try:
        seconds: float = urllib3.Retry().parse_retry_after(answer.headers["Retry-After"])
    except (KeyError, urllib3.exceptions.InvalidHeader):
        return 0.0
    return seconds
