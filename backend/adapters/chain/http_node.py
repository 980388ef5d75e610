"""HTTP to an Ethereum node, with a limit on the time and on the size of each answer."""

from __future__ import annotations

import http.client
import http.cookiejar
import io
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from backend.adapters.chain.timed_reader import TimedReader
from backend.deadlines import remaining
from backend.errors import ChainUnavailable

CONNECT_S = 3.05
ANSWER_S = 20.0
"""Seconds for a whole answer, from the end of the request to the last byte."""
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_READ_BYTES = 256 * 1024
_REDIRECTS = 3
_TIME_IS_UP = "the node needs longer than a request here may take: try again"
_REDIRECT_STATUSES = frozenset({301, 302, 307, 308})


class AnswerTimeout(ChainUnavailable):
    """The answer was not complete in time."""


class AnswerBroken(ChainUnavailable):
    """The node was reached, and closed the connection before a whole answer."""


class AnswerTooLarge(ChainUnavailable):
    """The answer has more than MAX_ANSWER_BYTES."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpNode:
    """Posts to the node at ``url``, which no message shows: it may contain a key.

    A redirect is followed as a POST, but not to another host, and not from https to http.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"Content-Type": "application/json", "User-Agent": "scanproof"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter())

    def post(self, body: bytes) -> HttpAnswer:
        """The answer, whatever its status. Raises AnswerTimeout, AnswerBroken, AnswerTooLarge, ChainUnavailable."""
        url = self._url
        for _ in range(_REDIRECTS + 1):
            answer = self._exchange(url, body)
            if answer.status not in _REDIRECT_STATUSES:
                return answer
            url = self._redirected(url, answer)
        raise ChainUnavailable(f"the node redirects more than {_REDIRECTS} times")

    def _exchange(self, url: str, body: bytes) -> HttpAnswer:
        left = remaining()
        if left is not None and left <= 0:
            raise ChainUnavailable(_TIME_IS_UP)
        limits = [limit if left is None else min(limit, left) for limit in (CONNECT_S, ANSWER_S)]
        try:
            with self._send(url, body, (limits[0], limits[1])) as response:
                return HttpAnswer(response.status_code, response.headers, _read(response))
        except requests.ConnectTimeout:
            raise ChainUnavailable("the node cannot be reached (ConnectTimeout)") from None
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            if left is not None and left < ANSWER_S:
                raise ChainUnavailable(_TIME_IS_UP) from None
            raise AnswerTimeout("the node did not answer in time") from None
        except requests.RequestException as error:
            closed = bool(error.args) and isinstance(error.args[0], urllib3.exceptions.ProtocolError)
            kind = AnswerBroken if closed else ChainUnavailable
            raise kind(f"the node cannot be reached ({type(error).__name__})") from None
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise AnswerBroken(f"the node broke off its answer ({type(error).__name__})") from None

    def _send(self, url: str, body: bytes, timeout: tuple[float, float]) -> requests.Response:
        """Without the session's own ``send``, which reads the whole body of a redirect, whatever its size."""
        request = self._session.prepare_request(requests.Request("POST", url, data=body))
        found = self._session.merge_environment_settings(url, {}, True, None, None)
        adapter = self._session.get_adapter(url)
        return adapter.send(
            request,
            stream=True,
            timeout=timeout,
            proxies=found["proxies"],
            cert=found["cert"],
            verify=True if found["verify"] is None else found["verify"],
        )

    @staticmethod
    def _redirected(url: str, answer: HttpAnswer) -> str:
        try:
            target = urljoin(url, answer.headers.get("Location", ""))
            before, after = urlsplit(url), urlsplit(target)
            same = after.hostname == before.hostname and after.scheme in (before.scheme, "https")
        except ValueError:
            same = False
        if not same:
            raise ChainUnavailable(
                f"the node redirects to another host (HTTP {answer.status}): set the address that it redirects to"
            )
        return target


def _read(response: requests.Response) -> bytes:
    content = bytearray()
    while chunk := response.raw.read(_READ_BYTES, decode_content=True):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise AnswerTooLarge(f"the node's answer has more than {MAX_ANSWER_BYTES:,} bytes")
    return bytes(content)


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        seconds = sock.gettimeout()
        if seconds is not None and isinstance(self.fp, io.BufferedReader):
            self.fp = io.BufferedReader(TimedReader(self.fp.detach(), sock, seconds))


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = _TimedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
