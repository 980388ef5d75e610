"""Pinata, API version 3 (https://docs.pinata.cloud): pins files on IPFS and deletes them."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from urllib3 import encode_multipart_formdata

from backend.adapters.ipfs.gateway import POLICY as GATEWAY_POLICY
from backend.adapters.ipfs.gateway import Gateway, GatewayReader
from backend.adapters.ipfs.http_client import Answer, HttpClient, HttpPolicy
from backend.adapters.ipfs.token_bucket import Clock, TokenBucket
from backend.adapters.ipfs.unixfs import cid_of
from backend.cids import parse_cid
from backend.domain import StoredObject
from backend.errors import CidMismatch, ConfigurationError, InvalidCid, StorageError, StorageRefused, StorageUnavailable
from backend.settings import PinataSettings

logger = logging.getLogger(__name__)
POLICY = HttpPolicy(read=20.0, total=300.0)
_ANSWER_BYTES = 1024 * 1024
_CHECK_LASTS = 30.0
_LINK_LASTS = 600
_SLOWEST_BYTES_PER_S = 512 * 1024
_IN_MEMORY_BYTES = 32 * 1024 * 1024
_HEADER_TOKEN = re.compile(r"[\x21-\x7e]+")
_REMEDIES = {401: "check PINATA_JWT", 403: "the key needs the scopes to write and read files"}


class PinataStore:
    """Port ObjectStore, on Pinata. ``patience``: seconds within which a new pin must appear on a gateway."""

    name: str = "pinata"

    def __init__(
        self,
        settings: PinataSettings,
        *,
        policy: HttpPolicy = POLICY,
        gateway_policy: HttpPolicy = GATEWAY_POLICY,
        patience: float = 60.0,
        clock: Clock = time,
    ) -> None:
        for name, value in {"PINATA_JWT": settings.jwt, "PINATA_GATEWAY_TOKEN": settings.gateway_token}.items():
            if value and not _HEADER_TOKEN.fullmatch(value.reveal()):
                raise ConfigurationError(f"{name} must hold visible ASCII characters only, without spaces or line ends")
        self.public = settings.network == "public"
        self._settings = settings
        self._files = f"{settings.api_url}/v3/files/{settings.network}"
        self._patience = patience
        self._clock = clock
        self._checked_until = 0.0
        self._check_lock = threading.Lock()
        bucket = TokenBucket(settings.requests_per_minute, clock)
        self._client = HttpClient(
            "Pinata",
            policy=policy,
            clock=clock,
            bucket=bucket,
            secret_headers={"Authorization": f"Bearer {settings.jwt.reveal()}"},
        )
        sign = None if self.public else self._private_link
        gateways = [Gateway(settings.gateway, settings.gateway_token.reveal(), sign, bucket)]
        if self.public:
            gateways += [Gateway(url) for url in settings.public_gateways]
        self._reader = GatewayReader(gateways, policy=gateway_policy, clock=clock)

    def put(self, content: bytes, *, name: str, media_type: str) -> StoredObject:
        return self.put_file(io.BytesIO(content), name=name, media_type=media_type)

    def put_file(self, file: BinaryIO, *, name: str, media_type: str) -> StoredObject:
        file.seek(0)
        cid = cid_of(file)
        size = file.tell()
        body, content_type = _form({"network": self._settings.network, "name": name}, file, name, media_type)
        answer = self._ask(
            "POST",
            f"{self._settings.upload_url}/v3/files",
            body=body,
            headers={"Content-Type": content_type},
            total=max(POLICY.total, size / _SLOWEST_BYTES_PER_S),
        )
        pinned = _object(_data(answer))
        stored = StoredObject(cid, size, _text(pinned, "id"))
        self._check_cid(stored, _text(pinned, "cid"), duplicate=bool(pinned.get("is_duplicate")))
        with tempfile.TemporaryFile() if size > _IN_MEMORY_BYTES else io.BytesIO() as back:
            self._reader.copy(cid, back, max_bytes=size, patience=self._patience)
        return stored

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        return self._reader.get(cid, max_bytes=max_bytes)

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        self._reader.copy(cid, target, max_bytes=max_bytes)

    def has(self, cid: str) -> bool:
        return bool(self._file_ids(cid))

    def delete(self, stored: StoredObject) -> None:
        for file_id in [stored.pin_id] if stored.pin_id else self._file_ids(stored.cid):
            self._ask("DELETE", f"{self._files}/{quote(file_id, safe='')}", accepted=(200, 204, 404))

    def check(self) -> None:
        """Lists one file: ``/data/testAuthentication`` also accepts a key without any permission."""
        with self._check_lock:
            if self._clock.monotonic() >= self._checked_until:
                self._ask("GET", self._files, params={"limit": "1"}, attempts=1)
                self._checked_until = self._clock.monotonic() + _CHECK_LASTS

    def _check_cid(self, stored: StoredObject, cid: str, *, duplicate: bool) -> None:
        try:
            found = str(parse_cid(cid))
        except InvalidCid:
            found = cid[:80]
        if found == stored.cid:
            return
        # The id of a duplicate is that of a file that was pinned before.
        if not duplicate:
            try:
                self.delete(stored)
            except StorageError as exc:
                logger.warning("the wrongly pinned file %s could not be deleted: %s", stored.pin_id, exc)
        raise CidMismatch(expected=stored.cid, found=found)

    def _file_ids(self, cid: str) -> list[str]:
        wanted = str(parse_cid(cid))
        files = _object(_data(self._ask("GET", self._files, params={"cid": wanted}))).get("files")
        if not isinstance(files, list):
            raise _undocumented()
        return [_text(file, "id") for file in map(_object, files) if file.get("cid") == wanted]

    def _private_link(self, cid: str) -> str:
        """A signed URL of a file on the private network, for the dedicated gateway."""
        request = {
            "url": f"{self._settings.gateway}/files/{cid}",
            "date": int(time.time()),
            "expires": _LINK_LASTS,
            "method": "GET",
        }
        link = _data(
            self._ask(
                "POST",
                f"{self._settings.api_url}/v3/files/private/download_link",
                body=json.dumps(request).encode(),
                headers={"Content-Type": "application/json"},
            )
        )
        if not isinstance(link, str) or not link.startswith(f"{self._settings.gateway}/files/{cid}?"):
            raise StorageUnavailable("Pinata gave a link that does not lead to the file on the dedicated gateway")
        return link

    def _ask(
        self,
        method: str,
        url: str,
        *,
        accepted: tuple[int, ...] = (200, 201),
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | None = None,
        attempts: int | None = None,
        total: float | None = None,
    ) -> Answer:
        answer = self._client.request(
            method,
            url,
            max_bytes=_ANSWER_BYTES,
            params=params,
            headers=headers,
            body=body,
            attempts=attempts,
            total=total,
        )
        if answer.status not in accepted:
            remedy = _REMEDIES.get(answer.status)
            raise StorageRefused(
                f"Pinata refused the request: {answer.status} {_reason(answer)}".rstrip()
                + (f": {remedy}" if remedy else "")
            )
        return answer


class _Joined(io.RawIOBase):
    """The bytes of several files one after the other, as one that can be read and rewound."""

    def __init__(self, parts: Sequence[BinaryIO]) -> None:
        self._parts = parts
        self._sizes = [part.seek(0, os.SEEK_END) for part in parts]
        self._place = 0
        self.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """To the beginning or to the end, as bodies of requests are measured and rewound."""
        for part in self._parts:
            part.seek(0)
        self._place = 0
        return sum(self._sizes) if whence == os.SEEK_END else offset

    def read(self, size: int | None = -1) -> bytes:
        while self._place < len(self._parts):
            if found := self._parts[self._place].read(-1 if size is None else size):
                return found
            self._place += 1
        return b""


def _form(fields: Mapping[str, str], file: BinaryIO, name: str, media_type: str) -> tuple[BinaryIO, str]:
    """A form with one file, which is read when the form is sent, and its content type."""
    boundary = secrets.token_hex(16)
    whole, content_type = encode_multipart_formdata({**fields, "file": (name, b"", media_type)}, boundary)
    end = f"\r\n--{boundary}--\r\n".encode()
    head = whole.removesuffix(end)
    return cast(BinaryIO, _Joined([io.BytesIO(head), file, io.BytesIO(end)])), content_type


def _undocumented() -> StorageUnavailable:
    return StorageUnavailable("Pinata's answer is not what its API documents")


def _data(answer: Answer) -> object:
    """The ``data`` of an answer. Raises StorageUnavailable, as the next two functions do."""
    try:
        return _object(answer.json())["data"]
    except (ValueError, KeyError):
        raise _undocumented() from None


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _undocumented()
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise _undocumented()
    return value


def _reason(answer: Answer) -> str:
    """Pinata's short reason, such as NO_SCOPES_FOUND; no other text, because it could repeat the request's secrets."""
    try:
        reason = answer.json()["error"]["reason"]
    except (ValueError, LookupError, TypeError):
        return ""
    return reason if isinstance(reason, str) and re.fullmatch(r"[A-Z_]{1,40}", reason) else ""
