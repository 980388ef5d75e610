"""Reads from IPFS gateways, in order, and trusts none of them: every answer is hashed."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from urllib3.util import parse_url

from backend.adapters.ipfs.http_client import Answer, AnswerTooLarge, HttpClient, HttpPolicy
from backend.adapters.ipfs.token_bucket import Clock, TokenBucket
from backend.adapters.ipfs.unixfs import verify
from backend.cids import parse_cid
from backend.errors import CidMismatch, ImageTooLarge, NotFound, StorageError, StorageRefused, StorageUnavailable

logger = logging.getLogger(__name__)
PUBLIC_GATEWAYS = ("https://ipfs.io", "https://dweb.link")
POLICY = HttpPolicy(read=20.0, total=60.0, attempts=3)
_REDIRECTS = 3
_SLOWEST_BYTES_PER_S = 1024 * 1024
# When gateways fail differently, the first of these is reported: it is the most informative.
_GRAVITY = (CidMismatch, StorageRefused, StorageUnavailable, ImageTooLarge, NotFound)


@dataclass(frozen=True, slots=True)
class Gateway:
    """``url`` without path. ``token`` is sent only to this gateway; ``sign`` gives the URL of a private file."""

    url: str
    token: str = field(default="", repr=False)
    sign: Callable[[str], str] | None = None
    bucket: TokenBucket | None = None


class GatewayReader:
    """Port ObjectReader, over one or more gateways. Public gateways need no account."""

    def __init__(
        self, gateways: Sequence[Gateway], *, policy: HttpPolicy = POLICY, clock: Clock = time, backoff: float = 1.0
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._backoff = backoff
        self._gateways = [
            (
                gateway,
                HttpClient(
                    urlsplit(gateway.url).netloc,
                    policy=policy,
                    clock=clock,
                    bucket=gateway.bucket,
                    secret_headers={"x-pinata-gateway-token": gateway.token} if gateway.token else None,
                ),
            )
            for gateway in gateways
        ]

    def get(self, cid: str, *, max_bytes: int, patience: float = 0.0) -> bytes:
        """The file of ``cid``. If no gateway has it, asks again for ``patience`` seconds, as after pinning it.

        Raises InvalidCid, NotFound, StorageUnavailable, StorageRefused, CidMismatch; ImageTooLarge past ``max_bytes``.
        """
        content = io.BytesIO()
        self.copy(cid, content, max_bytes=max_bytes, patience=patience)
        return content.getvalue()

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int, patience: float = 0.0) -> None:
        """Write the file of ``cid`` in place of what ``target`` has, which is read back and hashed; otherwise as
        ``get``."""
        wanted = str(parse_cid(cid))
        end, wait = self._clock.monotonic() + patience, self._backoff
        while True:
            try:
                return self._copy_once(wanted, target, max_bytes)
            except NotFound:
                if self._clock.monotonic() + wait > end:
                    raise
            self._clock.sleep(wait)
            wait *= 2

    def _copy_once(self, cid: str, target: BinaryIO, max_bytes: int) -> None:
        failures: list[StorageError | ImageTooLarge | NotFound] = []
        for gateway, client in self._gateways:
            try:
                self._fetch(gateway, client, cid, target, max_bytes)
                target.seek(0)
                verify(target, parse_cid(cid))
                return
            except AnswerTooLarge as exc:
                failures.append(ImageTooLarge(str(exc)))
            except (StorageError, NotFound) as exc:
                failures.append(exc)
            logger.info("%s did not serve %s: %s", client.service, cid, failures[-1])
        raise min(failures, key=lambda failure: _GRAVITY.index(type(failure)))

    def _total(self, max_bytes: int) -> float:
        """The seconds for a file: those of the policy, or more for one that may be longer than an image."""
        return max(self._policy.total, max_bytes / _SLOWEST_BYTES_PER_S)

    def _fetch(self, gateway: Gateway, client: HttpClient, cid: str, target: BinaryIO, max_bytes: int) -> None:
        url = gateway.sign(cid) if gateway.sign else f"{gateway.url}/ipfs/{cid}"
        for _ in range(_REDIRECTS):
            answer = client.request("GET", url, max_bytes=max_bytes, into=target, total=self._total(max_bytes))
            if answer.status == 200:
                return
            if answer.status in (404, 410):
                raise NotFound(f"{client.service} has no {cid}")
            url = _redirected(gateway, client, url, answer)
        raise StorageUnavailable(f"{client.service} redirects more than {_REDIRECTS} times")


def _redirected(gateway: Gateway, client: HttpClient, url: str, answer: Answer) -> str:
    """The target of a public gateway's redirect to one of its own subdomains. Any other redirect is refused.

    URLs are parsed by the parser of the HTTP client: another parser can see another host in a malformed URL.
    """
    if answer.status in (301, 302, 307, 308) and not gateway.token:
        here = parse_url(gateway.url)
        with contextlib.suppress(ValueError):
            there = parse_url(urljoin(url, answer.headers.get("Location", "")))
            inside = f".{there.netloc}".endswith(f".{here.netloc}")
            if inside and there.scheme == here.scheme:
                return there.url
    raise StorageRefused(f"{client.service} answered {answer.status} to a request for a file")
